# The three in their seats: the same certificate, time limits and origins, one worker each.
#
# By host: `localhost` and `127.0.0.1` go to a plain origin, `vtc.test` to varnishtest's server,
# everything else to a recording origin. By path: /case/ goes to a scripted upstream, /socket to a
# WebSocket echo, /nobody to a port where nobody listens, /silent to one where nobody answers.
seats=(guichet nginx haproxy)
declare -A port

# port SEAT.KIND: tls (Mozilla's intermediate), modern, plain; record and script are the origins that
# each has for itself, so that the three can be asked at the same time.
take_ports() {
  local names=(origin echo vtc silent nobody guichet.refuse guichet.redirect bridge.tls) seat kind
  for seat in "${seats[@]}"; do
    for kind in tls modern plain record script h2c; do names+=("$seat.$kind"); done
  done
  local numbers
  read -r -a numbers < <(python3 - "${#names[@]}" <<'PY'
import socket, sys
taken = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in taken: s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in taken))
PY
)
  local at
  for at in "${!names[@]}"; do port[${names[$at]}]=${numbers[$at]}; done
}

# 85 days: testssl wants more than 60 left, Mozilla's modern profile 90 at most.
make_certificates() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 85 -subj /CN=authority \
    -addext keyUsage=critical,keyCertSign,cRLSign -keyout "$work/ca.key" -out "$work/ca.pem" 2>/dev/null
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
    -keyout "$work/key.pem" -out "$work/request.pem" 2>/dev/null
  printf '%s\n' basicConstraints=critical,CA:FALSE keyUsage=critical,digitalSignature \
    subjectAltName=DNS:localhost,DNS:gw.test,DNS:vtc.test,IP:127.0.0.1 extendedKeyUsage=serverAuth \
    subjectKeyIdentifier=hash authorityKeyIdentifier=keyid > "$work/names"
  openssl x509 -req -in "$work/request.pem" -CA "$work/ca.pem" -CAkey "$work/ca.key" -days 85 \
    -CAcreateserial -extfile "$work/names" -out "$work/cert.pem" 2>/dev/null
  cat "$work/cert.pem" "$work/key.pem" > "$work/bundle.pem"
}

start() { "$@" >> "$work/${started_as:-out}.log" 2>&1 & started+=($!); }

await() {
  local number
  for number; do
    for _ in $(seq 200); do (exec 3<>"/dev/tcp/127.0.0.1/$number") 2>/dev/null && continue 2; sleep 0.05; done
    echo "nobody listens on $number after 10 s; see:"; tail -n 5 "$work"/*.log; exit 1
  done
}

start_origins() {
  mkdir -p "$work/tmp"
  . "$here/origin.sh"
  origin_conf > "$work/origin.conf"
  started_as=origin start nginx -e "$work/origin.err" -c "$work/origin.conf"
  started_as=silent start python3 "$here/silent.py" "${port[silent]}"
  await "${port[origin]}"
}

start_seats() {
  . "$here/seats/guichet.sh"
  . "$here/seats/nginx.sh"
  . "$here/seats/haproxy.sh"
  guichet_conf > "$work/guichet.toml"
  nginx_conf > "$work/nginx.conf"
  haproxy_conf > "$work/haproxy.cfg"
  started_as=guichet start "$binary" run "$work/guichet.toml"
  guichet=${started[-1]}
  started_as=nginx start nginx -e "$work/nginx.err" -c "$work/nginx.conf"
  started_as=haproxy start haproxy -f "$work/haproxy.cfg"
  local seat kind
  for seat in "${seats[@]}"; do
    for kind in tls modern plain; do await "${port[$seat.$kind]}"; done
  done
}
