"""An origin: /small, /large, and /drip, which takes five seconds for its answer."""
import http.server, sys, time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        length = {"/small": 5, "/large": 200_000, "/drip": 5000}[self.path]
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        step = 100 if self.path == "/drip" else length
        for _ in range(0, length, step):
            self.wfile.write(b"x" * step)
            self.wfile.flush()
            if self.path == "/drip":
                time.sleep(0.1)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, *_):
        pass


Server((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
