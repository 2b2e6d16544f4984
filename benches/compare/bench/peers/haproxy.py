"""HAProxy. Its log goes to a file by way of its standard output, each line written by itself: it
knows no other file.
"""

from __future__ import annotations

from ..process import most_connections
from . import house
from .peer import Command, Peer, found, says

# HAProxy logs strings escaped by itself when they come from the request ('%[…,json]').
LOG = (
    '{"ts":"%tr","request_id":"%ID","listener":"%ft","client_ip":"%ci","tls":"%sslv","protocol":"%HV","method":"%HM",'
    '"host":"%[capture.req.hdr(0),json]","path":"%[capture.req.uri,json]","status":%ST,"upstream":"%b","endpoint":"%s",'
    '"t_total":%Ta,"t_upstream":%Tr,"t_connect":%Tc,"bytes_in":%U,"bytes_out":%B,"user_agent":"%[capture.req.hdr(1),json]","cause":"%ts"}'
)


class Haproxy(Peer):
    key = "haproxy"
    title = "HAProxy"
    required = True
    logs_to_stdout = True
    fix = "apt-get install haproxy"

    def binary(self) -> str | None:
        return found("haproxy", "HAPROXY")

    def version(self, binary: str) -> str:
        return says(binary, "-v", pattern=r"version (\d[^ -]*)")

    def command(self, seat):
        configuration = seat.folder / "haproxy.cfg"
        configuration.write_text(config(seat))
        return Command([seat.binary, "-db", "-f", str(configuration)])


def quoted(text: str) -> str:
    """A word of the configuration, whatever stands in it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def refusal(status: int) -> str:
    """Arguments of `return`: an answer of HAProxy's own in the house's form."""
    fields = " ".join(
        f"hdr {name} {quoted(value)}" for name, value in house.headers(status).items()
    )
    return f"return status {status} content-type application/json {fields} lf-string {quoted(house.body(status, '%[unique-id]'))}"


def config(seat) -> str:
    return f"""
global
  nbthread {seat.workers}
  maxconn {most_connections()}
  log stdout format raw local0
  ssl-default-bind-options ssl-min-ver TLSv1.2
  ssl-default-bind-curves X25519:P-256
defaults
  mode http
  log global
  log-format {quoted(LOG)}
  unique-id-format %[uuid()]
  timeout client 900s
  timeout server 60s
  timeout connect 5s
  timeout http-keep-alive 900s
  http-reuse always
frontend open
  bind 127.0.0.1:{seat.ports["plain"]} backlog 4096
  bind 127.0.0.1:{seat.ports["tls"]} backlog 4096 ssl crt {seat.tls.both} alpn h2,http/1.1
  unique-id-header X-Request-Id
  http-request capture req.hdr(host) len 64
  http-request capture req.hdr(user-agent) len 64
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Proto https if {{ ssl_fc }}
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-after-response set-header X-Request-Id %[unique-id]
  http-request {refusal(404)} if !{{ path_beg /o/ /asis/ /limited/ /full/ }}
  use_backend asis if {{ path_beg /asis/ }}
  use_backend limited if {{ path_beg /limited/ }}
  use_backend full if {{ path_beg /full/ }}
  default_backend app
frontend refuse
  bind 127.0.0.1:{seat.ports["refuse"]} backlog 4096
  http-request capture req.hdr(host) len 64
  http-request capture req.hdr(user-agent) len 64
  http-after-response set-header X-Request-Id %[unique-id]
  http-request {refusal(426)}
backend app
  http-response {refusal(503)} if {{ status 503 }}
  server origin 127.0.0.1:{seat.origin} pool-max-conn 256 pool-purge-delay 600s
backend asis
  server origin 127.0.0.1:{seat.origin} pool-max-conn 256 pool-purge-delay 600s
backend limited
  stick-table type integer size 1 expire 1d store http_req_rate(1d)
  http-request track-sc0 int(1)
  http-request {refusal(429)} if {{ sc_http_req_rate(0) gt 1 }}
  server origin 127.0.0.1:{seat.origin} pool-max-conn 256 pool-purge-delay 600s
backend full
  http-request {refusal(503)} if {{ srv_conn(full/origin) ge 1 }}
  server origin 127.0.0.1:{seat.origin} pool-max-conn 256 pool-purge-delay 600s
"""
