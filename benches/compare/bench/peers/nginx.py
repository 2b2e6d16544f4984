"""nginx. Bodies are streamed both ways like guichet's, never spooled to a disk."""

from __future__ import annotations

import os
from pathlib import Path

from ..process import files
from . import house
from .peer import Command, Peer, found, says

LOG = (
    '{"ts":"$time_iso8601","request_id":"$request_id","listener":"$server_port","client_ip":"$remote_addr","tls":"$ssl_protocol",'
    '"protocol":"$server_protocol","method":"$request_method","host":"$host","path":"$uri","status":$status,'
    '"upstream":"app","endpoint":"$upstream_addr","upstream_status":"$upstream_status","t_total":$request_time,'
    '"t_upstream":"$upstream_response_time","t_connect":"$upstream_connect_time","bytes_in":$request_length,'
    '"bytes_out":$bytes_sent,"user_agent":"$http_user_agent"}'
)


class Nginx(Peer):
    key = "nginx"
    title = "nginx"
    required = True
    fix = "apt-get install nginx"

    def binary(self) -> str | None:
        return found("nginx", "NGINX")

    def version(self, binary: str) -> str:
        return says(binary, "-v", pattern=r"nginx/(\S+)")

    def command(self, seat):
        configuration = seat.folder / "nginx.conf"
        configuration.write_text(config(seat))
        return Command([seat.binary, "-e", str(seat.said), "-c", str(configuration)])


def temporary_folders(folder: Path) -> str:
    """Bodies that do not fit into memory must not need the rights of a system service."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)


def refusal(status: int) -> str:
    """An answer of nginx' own in the house's form."""
    fields = " ".join(
        f"add_header {name} '{value}' always;" for name, value in house.headers(status).items()
    )
    return (
        f"default_type application/json; {fields} add_header X-Request-Id $request_id always; "
        f"return {status} '{house.body(status, '$request_id')}';"
    )


def config(seat) -> str:
    return f"""
daemon off; worker_processes {seat.workers}; worker_rlimit_nofile {files()}; pid {seat.folder}/nginx.pid;
{"user root;" if os.geteuid() == 0 else ""}
events {{ worker_connections {files()}; }}
http {{
  log_format line escape=json '{LOG}';
  access_log {seat.log} line buffer=64k flush=1s;
  # With a key that never changes: one for everybody. Refusals are in the access log, as everybody's are.
  limit_req_zone all zone=limited:64k rate=1r/m; limit_req_status 429; limit_req_log_level info;
  limit_conn_zone all zone=full:64k; limit_conn_status 503; limit_conn_log_level info;
  server_tokens off; keepalive_requests 1000000000; keepalive_timeout 900s; client_max_body_size 2m;
  {temporary_folders(seat.folder)}
  ssl_certificate {seat.tls.cert}; ssl_certificate_key {seat.tls.key};
  ssl_protocols TLSv1.2 TLSv1.3; ssl_ecdh_curve X25519:prime256v1; ssl_session_tickets on; ssl_session_cache none;
  upstream app {{ server 127.0.0.1:{seat.origin}; keepalive 256; keepalive_requests 1000000000; keepalive_timeout 600s; }}
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
  proxy_set_header X-Request-Id $request_id; proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $http_host;
  proxy_request_buffering off; proxy_max_temp_file_size 0;
  add_header X-Request-Id $request_id always;
  server {{
    listen 127.0.0.1:{seat.ports["plain"]} backlog=4096 reuseport;
    listen 127.0.0.1:{seat.ports["tls"]} ssl http2 backlog=4096 reuseport;
    location /o/ {{ proxy_pass http://app; proxy_intercept_errors on; error_page 503 @house; }}
    location /asis/ {{ proxy_pass http://app; }}
    location /limited/ {{ proxy_pass http://app; limit_req zone=limited; error_page 429 @limited; }}
    location /full/ {{ proxy_pass http://app; limit_conn full 1; error_page 503 @house; }}
    location / {{ {refusal(404)} }}
    location @limited {{ internal; {refusal(429)} }}
    location @house {{ internal; {refusal(503)} }}
  }}
  server {{
    listen 127.0.0.1:{seat.ports["refuse"]} backlog=4096 reuseport;
    location / {{ {refusal(426)} }}
  }}
}}
"""
