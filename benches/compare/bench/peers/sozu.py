"""Sōzu. It translates no upstream's error and chooses no status of its own; its log line is text of
its own making, and it always writes one.
"""

from __future__ import annotations

from ..process import most_connections
from . import house
from .peer import Command, Peer, found, says


class Sozu(Peer):
    key = "sozu"
    title = "Sōzu"
    fix = "cargo install sozu --locked (needs protobuf-compiler), or SOZU=…"
    lacks = {
        "error": "it knows no translation of an upstream's error",
        "refuse-426": "it has no answer with this status",
        "refuse-429": "it has no limit of requests, but of connections",
        "refuse-429-h2": "it has no limit of requests, but of connections",
        "refuse-503": "it has no limit of requests, but of connections",
    }

    def binary(self) -> str | None:
        return found("sozu", "SOZU")

    def version(self, binary: str) -> str:
        return says(binary, "--version", pattern=r"(\d+\.\d+\.\d+)")

    def command(self, seat):
        configuration = seat.folder / "sozu.toml"
        configuration.write_text(config(seat))
        return Command([seat.binary, "start", "-c", str(configuration)])


def refusal() -> str:
    """The whole answer for what no frontend takes."""
    fields = "".join(f"{name}: {value}\r\n" for name, value in house.headers(404).items())
    body = house.body(404, "%REQUEST_ID")
    # %REQUEST_ID is 26 characters long once it is there.
    length = len(body.replace("%REQUEST_ID", "x" * 26).encode())
    return f"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nX-Request-Id: %REQUEST_ID\r\n{fields}Content-Length: {length}\r\n\r\n{body}"


def config(seat) -> str:
    answers = seat.folder / "404.http"
    answers.write_bytes(refusal().encode())
    plain, tls = (f"127.0.0.1:{seat.ports[name]}" for name in ("plain", "tls"))
    # It sets fields to what stands here, not to what stands in the request; each listener has one Host.
    fronts = ",\n  ".join(
        f'{{ address = "{address}", hostname = "localhost", path = "{path}"{more}, headers = [{{ position = "request", '
        f'key = "X-Forwarded-Host", value = "localhost:{address.rpartition(":")[2]}" }}] }}'
        for path in ("/o/", "/asis/")
        for address, more in (
            (plain, ""),
            (
                tls,
                f', certificate = "{seat.tls.cert}", key = "{seat.tls.key}", certificate_chain = "{seat.tls.cert}"',
            ),
        )
    )
    return f"""
command_socket = "{seat.folder}/sozu.sock"
worker_count = {seat.workers}
worker_automatic_restart = false
handle_process_affinity = false
max_connections = {most_connections()}
max_buffers = {2 * most_connections() + 500}
buffer_size = 16400
log_level = "info"
log_target = "stdout"
access_logs_target = "file://{seat.log}"
activate_listeners = true
front_timeout = 900
request_timeout = 60

[[listeners]]
protocol = "http"
address = "{plain}"
sozu_id_header = "X-Request-Id"
answers = {{ "404" = "file://{answers}" }}

[[listeners]]
protocol = "https"
address = "{tls}"
tls_versions = ["TLS_V12", "TLS_V13"]
alpn_protocols = ["h2", "http/1.1"]
strict_sni_binding = false
sozu_id_header = "X-Request-Id"
answers = {{ "404" = "file://{answers}" }}

[clusters.app]
protocol = "http"
frontends = [
  {fronts}
]
backends = [{{ address = "127.0.0.1:{seat.origin}", backend_id = "origin" }}]
"""
