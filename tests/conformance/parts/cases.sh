# Raw requests and scripted upstreams of a folder of cases that is not part of this clone. Each seat
# has origins of its own, so that the three can be asked at the same time.
cases=${GUICHET_CASES:-}

# The folder's scripts expect each other under the names that they had when they were written, and
# the scripted upstream looks for a case that has no script.
take_cases() {
  cp -r "$cases" "$work/cases" && chmod -R u+w "$work/cases" && cd "$work/cases"
  [ -e run_http1_cases.py ] || cp run_http1.py run_http1_cases.py
  sed -i "s/if CASES\['rst-on-accept'\] and /if /" run_upstream.py
}

# guichet is held to the form of its errors as well.
strictly() { [ "$1" != guichet ] || echo --json-errors; }

ask_requests() {
  # shellcheck disable=SC2046
  python3 "$work/cases/run_http1.py" --target "127.0.0.1:${port[$1.tls]}" --tls --log "$work/record-$1" $(strictly "$1") \
    > "$work/requests-$1.txt" 2>&1 || true
}
ask_faults() {
  # shellcheck disable=SC2046
  python3 "$work/cases/run_upstream.py" --target "127.0.0.1:${port[$1.tls]}" --tls --log "$work/script-$1" $(strictly "$1") \
    > "$work/faults-$1.txt" 2>&1 || true
}
counted() { tail -n 1 "$work/$1-$2.txt" | grep passed || echo 'no result'; }

# Without a gateway between, the simplest case has to pass: else it is the folder that is broken.
script_answers() {
  python3 "$work/cases/run_upstream.py" --target "127.0.0.1:${port[guichet.script]}" \
    --log "$work/script-guichet" --only ok-cl > /dev/null 2>&1
}

if [ -z "$cases" ] || [ ! -e "$cases/http1.json" ]; then
  skip 'raw requests and scripted upstreams: GUICHET_CASES does not name a folder with http1.json'
else
  (take_cases)
  asked=()
  for seat in "${seats[@]}"; do
    : > "$work/record-$seat"; : > "$work/script-$seat"
    started_as=cases start python3 "$work/cases/run_http1.py" --origin "${port[$seat.record]}" --log "$work/record-$seat"
    started_as=cases start python3 "$work/cases/run_upstream.py" --serve "${port[$seat.script]}" --log "$work/script-$seat"
  done
  await "${port[guichet.record]}" "${port[nginx.record]}" "${port[haproxy.record]}"
  for seat in "${seats[@]}"; do ask_requests "$seat" & asked+=($!); done
  wait "${asked[@]}"
  each 'raw requests of HTTP/1' counted requests
  if script_answers; then
    asked=()
    for seat in "${seats[@]}"; do ask_faults "$seat" & asked+=($!); done
    wait "${asked[@]}"
    each 'faults of an upstream' counted faults
  else
    skip 'faults of an upstream: the scripted upstream of GUICHET_CASES does not answer by itself'
  fi
fi
