guichet_conf() {
  cat <<CONF
version = 1
[server]
workers = 1
limits = { header_time = "10s", body_idle = "10s", idle = "10s", body = "64MiB", uri = "16KiB", header = "64KiB" }
[listen.modern]
bind = ["127.0.0.1:${port[guichet.modern]}"]
tls = { cert = "cert.pem", key = { file = "key.pem" }, profile = "modern" }
[listen.tls]
bind = ["127.0.0.1:${port[guichet.tls]}"]
tls = { cert = "cert.pem", key = { file = "key.pem" }, profile = "intermediate" }
[listen.plain]
bind = ["127.0.0.1:${port[guichet.plain]}"]
plain = "allow"
[listen.refuse]
bind = ["127.0.0.1:${port[guichet.refuse]}"]
plain = "refuse"
[listen.redirect]
bind = ["127.0.0.1:${port[guichet.redirect]}"]
plain = "redirect"
[observe]
access_log = { to = "$work/access.log" }
CONF
  local name
  # Nobody else bounds the whole of an exchange, so that slow clients stay as long as their bytes come.
  upstream origin "${port[origin]}" 60s
  for name in echo vtc silent nobody; do upstream "$name" "${port[$name]}"; done
  upstream record "${port[guichet.record]}"
  upstream script "${port[guichet.script]}"
  route case '/case/{*rest}' script
  here socket 'GET /socket' echo
  here nobody '/nobody' nobody
  here silent '/silent' silent
  here only 'GET /only/{*rest}' origin
  here graphql '/graphql/{*rest}' origin
  printf 'rewrite = "/{rest}"\n[route.graphql]\n'
  here origin '/{*rest}' origin
  route vtc '/{*rest}' vtc
  printf 'hosts = ["vtc.test"]\n'
  route record '/{*rest}' record
}

# upstream NAME PORT [TOTAL]
upstream() {
  printf '[upstream.%s]\nendpoints = ["http://127.0.0.1:%s"]\n' "$1" "$2"
  printf 'timeout = { connect = "2s", first_byte = "5s", idle = "5s", total = "%s" }\n' "${3:-8s}"
}
route() { printf '[[route]]\nname = "%s"\nmatch = "%s"\nupstream = "%s"\n' "$@"; }
# A host goes before a path: these are all of one.
here() { route "$@"; printf 'hosts = ["localhost", "127.0.0.1"]\n'; }
