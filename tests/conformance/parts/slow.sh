# slowhttptest: an honest client beside slow ones, which have the second CPU for themselves: what an
# attack costs its own machine is none of the gateway's.
#
# The seats take turns in every round, every other round backwards: a single p99 moves by a third with
# whatever else the machine does, and a machine that grows busy must not grow busy for one seat alone.
slow_connections=${GUICHET_SLOW_CONNECTIONS:-5000}
slow_rounds=${GUICHET_SLOW_ROUNDS:-9}

pin() {
  local pid
  for pid in "${started[@]}" $(printf '%s\n' "${started[@]}" | xargs -n 1 pgrep -P); do
    taskset -apc 0 "$pid" > /dev/null 2>&1 || true
  done
}

honest() { taskset -c 0 python3 "$here/honest.py" "${port[$1.plain]}" || echo failed; }

# beside SEAT [FLAG EXTRA [PATH]]: what the honest client has to wait, beside an attack if one is named.
beside() {
  local extra attack
  [ "$#" -gt 1 ] || { honest "$1"; return; }
  read -r -a extra <<<"$3"
  taskset -c 1 slowhttptest -c "$slow_connections" "$2" -i 5 -r 1000 -l 25 -u "http://127.0.0.1:${port[$1.plain]}${4:-/hello}" \
    "${extra[@]}" > "$work/slow.out" 2>&1 & attack=$!
  sleep 7
  honest "$1"
  kill "$attack" 2>/dev/null || true
  wait "$attack" 2>/dev/null || true
  sleep 1
}

# in_turn [FLAG EXTRA [PATH]]: a file of figures for each seat.
in_turn() {
  local round order seat
  rm -f "$work"/honest.*
  for ((round = 0; round < slow_rounds; round++)); do
    order=("${seats[@]}")
    [ $((round % 2)) -eq 0 ] || order=(haproxy nginx guichet)
    for seat in "${order[@]}"; do beside "$seat" "$@" >> "$work/honest.$seat"; done
  done
}

# The median of a seat's rounds, and the least and the most.
told() {
  sort -g "$work/honest.$1" |
    awk '{ at[NR] = $1 } END { printf "%.2f (%.2f to %.2f)", at[int((NR + 1) / 2)], at[1], at[NR] }'
}

# against SEAT: in how many rounds guichet's client waits less than that of SEAT, and how likely that
# many, or as few, are where both are the same (two-sided sign test; rounds that tie say nothing).
against() {
  paste "$work/honest.guichet" "$work/honest.$1" | awk -v seat="$1" '
    { less += $1 < $2; rounds += $1 != $2 }
    END {
      tail = less < rounds - less ? less : rounds - less
      for (way = 1; hit <= tail; hit++) { chance += way; way *= (rounds - hit) / (hit + 1) }
      chance = rounds ? 2 * chance / 2 ^ rounds : 1
      printf "%s in %d of %d (p = %.3f)", seat, less, rounds, chance < 1 ? chance : 1
    }'
}

# waits TITLE [FLAG EXTRA [PATH]]
waits() {
  in_turn "${@:2}"
  each "$1" told
  note "$1: rounds in which guichet's client waits less than that of $(against nginx), of $(against haproxy)."
}

if has slowhttptest; then
  pin
  waits 'p99 of an honest client in ms, calm'
  waits "... beside $slow_connections connections with slow heads" -H ''
  waits "... beside $slow_connections connections with slow bodies" -B '' /
  waits "... beside $slow_connections connections with range" -R ''
  waits "... beside $slow_connections connections with slow reading" -X '-w 1 -y 1 -n 5 -z 32 -k 3'
  note "The slow bodies are for an application that reads a body before it answers. nginx asks it once a body is whole, guichet once a fair piece is there where 64 are under way (docs/http.md), HAProxy sends all of them on as they come. The honest client begins 7 s after the attack, when some hundreds of the 5000 have yet to connect, whoever has the seat."
  note "p99 of an honest client: the median of $slow_rounds rounds, in which the seats take turns, the least and the most; each is the p99 of 2000 requests, a connection each. All three write a log and give each request an id. p is how likely rounds divide as unevenly, or more so, between two that are the same."
else
  skip 'slowhttptest: not installed'
fi
