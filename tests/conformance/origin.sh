# An ordinary backend, with its own ideas of an error page, in a process of its own.
as_root() { [ "$(id -u)" = 0 ] && echo 'user root;' || true; }

origin_conf() {
  local status
  cat <<CONF
daemon off; worker_processes 1; pid $work/origin.pid; error_log $work/origin.err crit;
$(as_root)
events { worker_connections 8000; }
http {
  access_log off; default_type text/plain; server_tokens off; keepalive_requests 1000000;
  client_body_temp_path $work/tmp/ob; proxy_temp_path $work/tmp/op; client_max_body_size 64m;
  fastcgi_temp_path $work/tmp/of; uwsgi_temp_path $work/tmp/ou; scgi_temp_path $work/tmp/os;
  server {
    listen 127.0.0.1:${port[origin]} backlog=4096;
    # What testssl asks of an application is the application's to say.
    add_header X-Frame-Options DENY; add_header X-Content-Type-Options nosniff;
    add_header Content-Security-Policy "default-src 'none'";
    add_header Cache-Control no-store;
    location / { return 200 "hello\n"; }
    # An application that reads the body before it answers. It has a field of its own so that it does
    # not say the others twice.
    location = / { add_header X-Reads body; proxy_pass http://127.0.0.1:${port[origin]}/hello; }
    location = /moved { return 301 https://localhost/hello; }
    location = /empty { return 204; }
    location = /same { default_type ""; add_header Cache-Control no-store; return 304; }
CONF
  for status in 400 401 402 403 404 405 406 408 409 410 411 412 413 414 415 416 418 422 423 426 429 \
    500 501 502 503 504 505 507 508; do
    echo "    location = /status/$status { return $status; }"
  done
  printf '  }\n}\n'
}
