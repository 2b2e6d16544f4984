# slowhttptest: an honest client beside slow ones.
slow_connections=${GUICHET_SLOW_CONNECTIONS:-5000}

calm() { python3 "$here/honest.py" "${port[$1.plain]}" || echo failed; }

# beside FLAG EXTRA SEAT
beside() {
  local extra attack
  read -r -a extra <<<"$2"
  slowhttptest -c "$slow_connections" "$1" -i 5 -r 1000 -l 25 -u "http://127.0.0.1:${port[$3.plain]}/hello" \
    "${extra[@]}" > "$work/slow.out" 2>&1 & attack=$!
  sleep 7
  calm "$3"
  kill "$attack" 2>/dev/null || true
  wait "$attack" 2>/dev/null || true
  sleep 1
}
if has slowhttptest; then
  each 'p99 of an honest client in ms, calm' calm
  each "... beside $slow_connections connections with slow heads" beside -H ''
  each "... beside $slow_connections connections with slow bodies" beside -B ''
  each "... beside $slow_connections connections with range" beside -R ''
  each "... beside $slow_connections connections with slow reading" beside -X '-w 1 -y 1 -n 5 -z 32 -k 3'
else
  skip 'slowhttptest: not installed'
fi
