# slowhttptest: an honest client beside slow ones, which have the second CPU for themselves: what an
# attack costs its own machine is none of the gateway's.
slow_connections=${GUICHET_SLOW_CONNECTIONS:-5000}

pin() {
  local pid
  for pid in "${started[@]}" $(printf '%s\n' "${started[@]}" | xargs -n 1 pgrep -P); do
    taskset -apc 0 "$pid" > /dev/null 2>&1 || true
  done
}

calm() { taskset -c 0 python3 "$here/honest.py" "${port[$1.plain]}" || echo failed; }

# beside FLAG EXTRA SEAT
beside() {
  local extra attack
  read -r -a extra <<<"$2"
  taskset -c 1 slowhttptest -c "$slow_connections" "$1" -i 5 -r 1000 -l 25 -u "http://127.0.0.1:${port[$3.plain]}/hello" \
    "${extra[@]}" > "$work/slow.out" 2>&1 & attack=$!
  sleep 7
  calm "$3"
  kill "$attack" 2>/dev/null || true
  wait "$attack" 2>/dev/null || true
  sleep 1
}
if has slowhttptest; then
  pin
  each 'p99 of an honest client in ms, calm' calm
  each "... beside $slow_connections connections with slow heads" beside -H ''
  each "... beside $slow_connections connections with slow bodies" beside -B ''
  each "... beside $slow_connections connections with range" beside -R ''
  each "... beside $slow_connections connections with slow reading" beside -X '-w 1 -y 1 -n 5 -z 32 -k 3'
else
  skip 'slowhttptest: not installed'
fi
