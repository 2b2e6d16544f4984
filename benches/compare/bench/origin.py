"""The origin behind every proxy: nginx with ready answers, and a mirror that shows what reached it."""

from __future__ import annotations

import os
from pathlib import Path

from . import rows
from .peers.nginx import temporary_folders
from .process import Failure, end, files, free_port, spawn, tail
from .wait import answering


# An answer that takes two minutes. nginx sends whole pages, so there is something every half a second: who
# looks for the end of a client only where it has something to send (HAProxy) soon finds it.
HELD = f"{rows.FULL}/held"


class Origin:
    """A running origin."""

    def __init__(self, folder: Path, nginx: str):
        self.folder = folder
        self.nginx = nginx
        self.port = free_port()
        self.process = None

    def start(self, on: set[int]) -> None:
        """Lays out its files and waits until it answers."""
        root = self.folder / "www"
        root.mkdir(parents=True)
        for name, text in answers().items():
            (root / name).write_bytes(text)
        configuration = self.folder / "origin.conf"
        configuration.write_text(config(self.folder, root, self.port))
        said = self.folder / "origin.said"
        self.process = spawn([self.nginx, "-e", str(said), "-c", str(configuration)], on, said)
        if not answering(self.port, "/o/small", lambda: self.process.poll() is None):
            raise Failure(f"the origin does not answer:\n{tail(said)}")

    def stop(self) -> None:
        """Ends it."""
        end(self.process)


def answers() -> dict[str, bytes]:
    """File names and what stands in them."""
    small = b'{"items":[1,2,3],"note":"a small answer of ninety bytes, as many an API will give it to us"}'
    page = "<!DOCTYPE html><html><head><title>503</title></head><body><pre>\n"
    line = "java.lang.IllegalStateException: pool exhausted\n    at com.example.Pool.take(Pool.java:{:04})\n"
    page += "".join(line.format(number) for number in range(100))
    return {
        "small": small[: rows.SMALL - 2] + b'"}',
        "64k": b"x" * rows.MIDDLE,
        "1m": b"x" * rows.LARGE,
        "broken.html": page[: rows.ERROR_PAGE].encode(),
    }


def config(folder: Path, root: Path, port: int) -> str:
    """nginx reads a body only for somebody else, so the sink hands it to a second server of its own."""
    return f"""
daemon off; worker_processes 1; worker_rlimit_nofile {files()}; pid {folder}/origin.pid;
{"user root;" if os.geteuid() == 0 else ""}
events {{ worker_connections 8192; }}
http {{
  access_log off; server_tokens off; default_type application/json; sendfile on; tcp_nopush on;
  keepalive_requests 1000000000; keepalive_timeout 900s; open_file_cache max=16;
  client_max_body_size 2m; client_body_buffer_size 256k;
  {temporary_folders(folder)}
  upstream drain {{ server unix:{folder}/drain.sock; keepalive 64; keepalive_requests 1000000000; }}
  server {{ listen unix:{folder}/drain.sock; location / {{ return 204; }} }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    error_page 503 /broken.html;
    location = /broken.html {{ internal; root {root}; types {{ }} default_type text/html; }}
    location ~ ^/(o|asis)/broken$ {{ return 503; }}
    location = /o/sink {{
      proxy_pass http://drain; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_pass_request_body off; proxy_set_header Content-Length "";
    }}
    location = /o/mirror {{
      return 200 '{{"request_id":"$http_x_request_id","for":"$http_x_forwarded_for","proto":"$http_x_forwarded_proto","host":"$http_x_forwarded_host","protocol":"$server_protocol","asked":"$connection_requests"}}';
    }}
    location /o/ {{ alias {root}/; }}
    location /limited/ {{ alias {root}/; }}
    location /full/ {{ alias {root}/; }}
    location = {HELD} {{ alias {root}/1m; limit_rate 8k; }}
  }}
}}
"""
