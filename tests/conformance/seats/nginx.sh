# As nginx's manual and Mozilla's generator have it, with an operator who owns X-Forwarded-*, wants a
# line of the log for each request, and an id that goes on to the upstream and back.
nginx_conf() {
  cat <<CONF
daemon off; worker_processes 1; pid $work/nginx.pid; error_log $work/nginx.err crit;
worker_rlimit_nofile $(ulimit -n);
$(as_root)
events { worker_connections $(( $(ulimit -n) - 100 )); }
http {
  log_format line escape=json '{"ts":"\$time_iso8601","request_id":"\$request_id","client_ip":"\$remote_addr","method":"\$request_method","host":"\$host","path":"\$uri","status":\$status,"endpoint":"\$upstream_addr","t_total":\$request_time,"t_upstream":"\$upstream_response_time","bytes_in":\$request_length,"bytes_out":\$bytes_sent,"user_agent":"\$http_user_agent"}';
  access_log $work/nginx.access line buffer=64k flush=1s; default_type text/plain; server_tokens off;
  client_body_temp_path $work/tmp/b; proxy_temp_path $work/tmp/p; fastcgi_temp_path $work/tmp/f;
  uwsgi_temp_path $work/tmp/u; scgi_temp_path $work/tmp/s;
  client_header_timeout 10s; client_body_timeout 10s; keepalive_timeout 10s; client_max_body_size 64m;
  large_client_header_buffers 4 16k;
  map \$http_upgrade \$connection_to_origin { default upgrade; '' ''; }
  proxy_http_version 1.1; proxy_connect_timeout 2s; proxy_read_timeout 5s; proxy_send_timeout 5s;
  proxy_set_header Host \$host; proxy_set_header X-Real-IP \$remote_addr;
  proxy_set_header X-Forwarded-For \$remote_addr; proxy_set_header X-Forwarded-Proto \$scheme;
  proxy_set_header X-Forwarded-Host \$host; proxy_set_header Forwarded ""; proxy_set_header Proxy "";
  proxy_set_header X-Request-Id \$request_id; add_header X-Request-Id \$request_id always;
  proxy_set_header Upgrade \$http_upgrade; proxy_set_header Connection \$connection_to_origin;
  ssl_certificate $work/cert.pem; ssl_certificate_key $work/key.pem;
  ssl_session_tickets off; ssl_prefer_server_ciphers off; ssl_ecdh_curve X25519:prime256v1:secp384r1;
  ssl_ciphers $mozilla_ciphers;
  upstream origin { server 127.0.0.1:${port[origin]}; keepalive 64; }
  upstream record { server 127.0.0.1:${port[nginx.record]}; keepalive 64; }
  upstream vtc { server 127.0.0.1:${port[vtc]}; keepalive 64; }
  upstream script { server 127.0.0.1:${port[nginx.script]}; keepalive 64; }
$(nginx_server intermediate 'localhost 127.0.0.1' http://origin '')
$(nginx_server intermediate vtc.test http://vtc '')
$(nginx_server intermediate _ http://record default_server)
$(nginx_server modern localhost http://origin default_server)
}
CONF
}

# nginx_server PROFILE NAMES TARGET DEFAULT
nginx_server() {
  echo "  server { server_name $2;"
  if [ "$1" = modern ]; then
    echo "    listen 127.0.0.1:${port[nginx.modern]} ssl http2; ssl_protocols TLSv1.3;"
  else
    echo "    listen 127.0.0.1:${port[nginx.plain]} $4; listen 127.0.0.1:${port[nginx.tls]} ssl http2 $4;"
    echo "    ssl_protocols TLSv1.2 TLSv1.3;"
  fi
  cat <<CONF
    location / { proxy_pass $3; }
    location /case/ { proxy_pass http://script; }
    location = /socket { proxy_pass http://127.0.0.1:${port[echo]}; proxy_read_timeout 60s; }
    location = /nobody { proxy_pass http://127.0.0.1:${port[nobody]}; }
    location = /silent { proxy_pass http://127.0.0.1:${port[silent]}; }
  }
CONF
}
mozilla_ciphers=ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384
mozilla_ciphers+=:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305
