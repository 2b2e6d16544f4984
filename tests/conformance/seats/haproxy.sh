# As HAProxy's manual and Mozilla's generator have it, with an operator who owns X-Forwarded-*,
# wants a line of the log for each request, and an id that goes on to the upstream and back.
haproxy_conf() {
  local most=$(( ($(ulimit -n) - 200) / 2 )) name
  cat <<CONF
global
  maxconn $most
  nbthread 1
  log stdout format raw local0
  tune.bufsize 65536
  ssl-default-bind-ciphers $mozilla_ciphers
  ssl-default-bind-curves X25519:prime256v1:secp384r1
  ssl-default-bind-options prefer-client-ciphers ssl-min-ver TLSv1.2 no-tls-tickets
defaults
  mode http
  log global
  option httplog
  unique-id-format %[uuid()]
  unique-id-header X-Request-Id
  maxconn $most
  timeout http-request 10s
  timeout http-keep-alive 10s
  timeout client 10s
  timeout connect 2s
  timeout server 5s
  timeout tunnel 60s
frontend all
  bind 127.0.0.1:${port[haproxy.plain]}
  bind 127.0.0.1:${port[haproxy.tls]} ssl crt $work/bundle.pem alpn h2,http/1.1
  bind 127.0.0.1:${port[haproxy.modern]} ssl crt $work/bundle.pem alpn h2,http/1.1 ssl-min-ver TLSv1.3
  http-request del-header X-Forwarded-For
  http-request del-header Forwarded
  http-request del-header Proxy
  option forwardfor
  http-after-response set-header X-Request-Id %[unique-id]
  http-request set-header X-Real-IP %[src]
  http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  use_backend script if { path_beg /case/ }
  use_backend echo if { path /socket }
  use_backend nobody if { path /nobody }
  use_backend silent if { path /silent }
  use_backend vtc if { hdr(host),field(1,:) -i vtc.test }
  use_backend origin if { hdr(host),field(1,:) -i localhost 127.0.0.1 }
  default_backend record
CONF
  for name in origin echo vtc silent nobody; do backend "$name" "${port[$name]}"; done
  backend record "${port[haproxy.record]}"
  backend script "${port[haproxy.script]}"
}
backend() { printf 'backend %s\n  server one 127.0.0.1:%s\n' "$@"; }
