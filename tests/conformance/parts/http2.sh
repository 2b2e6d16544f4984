# httpwg-cli: the requirements of RFC 9113, one by one. It speaks HTTP/2 without TLS only, so each
# gateway gets a bridge that does no more than TLS.
bridge_conf() {
  local seat
  printf 'defaults\n  mode tcp\n  timeout connect 2s\n  timeout client 30s\n  timeout server 30s\n'
  for seat in "${seats[@]}"; do
    printf 'listen %s\n  bind 127.0.0.1:%s\n' "$seat" "${port[$seat.h2c]}"
    printf '  server one 127.0.0.1:%s ssl verify none alpn h2 sni str(localhost)\n' "${port[$seat.tls]}"
  done
}

httpwg_score() {
  local out="$work/httpwg-$1.txt"
  timeout 120 "$cache/httpwg-cli/bin/httpwg" -a "127.0.0.1:${port[$1.h2c]}" --frame-timeout 1500 \
    2>&1 | sed 's/\x1b\[[0-9;]*m//g' > "$out" || true
  sed -n 's/.*Passed \([0-9]*\)\/\([0-9]*\) tests.*/\1 of \2/p' "$out" | grep . || echo 'no result'
}

if from_crates httpwg-cli; then
  bridge_conf > "$work/bridge.cfg"
  started_as=bridge start haproxy -f "$work/bridge.cfg"
  await "${port[guichet.h2c]}"
  each "httpwg-cli $(crates_version httpwg-cli), HTTP/2" httpwg_score
  failed=$(sed -n 's/.*Test failed: RFC 9113 :: [^:]* :: \(.*\)/\1/p' "$work/httpwg-guichet.txt" | sort | paste -sd, | sed 's/,/, /g')
  [ -z "$failed" ] || note "httpwg-cli, where guichet does otherwise: $failed."
else
  skip 'httpwg-cli: crates.io did not give it'
fi
