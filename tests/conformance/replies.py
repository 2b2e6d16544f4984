"""replies.py PLAIN TLS [REFUSE REDIRECT]: asks a gateway on loopback for every kind of reply that it
can make, and shows each to httplint. Prints how many it found fault with; what and where goes to
standard error.

Runs in httplint's own environment. REFUSE and REDIRECT are plain ports that only guichet has.
"""
import collections, http.client, socket, ssl, sys, time

from httplint import HttpRequestLinter, HttpResponseLinter, levels

FORMATS = ["application/json", "application/problem+json", "application/problem+xml", "text/html", "text/plain"]
STATUSES = [400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415, 416, 418, 422,
            423, 426, 429, 500, 501, 502, 503, 504, 505, 507, 508]


def head(line, *fields, host="localhost"):
    return "\r\n".join([line, f"Host: {host}", *fields, "", ""]).encode("latin-1")


def successes():
    for path in ("/hello", "/empty", "/same", "/moved"):
        for method in ("GET", "HEAD", "OPTIONS"):
            yield "plain", head(f"{method} {path} HTTP/1.1")
    yield "plain", head("POST /hello HTTP/1.1", "Content-Length: 2") + b"ok"
    yield "plain", head("GET /hello HTTP/1.0")
    yield "plain", head("OPTIONS * HTTP/1.1")
    yield "redirect", head("GET /hello?a=b HTTP/1.1")
    yield "redirect", head("POST /hello HTTP/1.1", "Content-Length: 0")


def of_the_origin():
    """Errors that the origin made."""
    for status in STATUSES:
        for accept in FORMATS:
            for language in ("fr", "en"):
                fields = f"Accept: {accept}", f"Accept-Language: {language}"
                yield "plain", head(f"GET /status/{status} HTTP/1.1", *fields)
        yield "plain", head(f"HEAD /status/{status} HTTP/1.1")
        for accept in ("application/graphql-response+json", "application/json"):
            fields = f"Accept: {accept}", "Content-Type: application/json", "Content-Length: 2"
            yield "plain", head(f"POST /graphql/status/{status} HTTP/1.1", *fields) + b"{}"


def of_the_gateway():
    """Errors that the gateway makes itself, in every format."""
    for accept in FORMATS:
        asks = f"Accept: {accept}"
        yield "plain", head("GET  /two-blanks HTTP/1.1", asks)
        yield "plain", head("GET /%zz HTTP/1.1", asks)
        yield "plain", head("GET / HTTP/1.1", asks, "X-A : 1")
        yield "plain", head("GET / HTTP/1.1", asks, host="bad host")
        yield "plain", head("POST / HTTP/1.1", asks, "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n"
        yield "plain", head("POST / HTTP/1.1", asks, "Transfer-Encoding: chunked") + b"zz\r\nhello\r\n0\r\n\r\n"
        yield "plain", head("POST / HTTP/1.1", asks, "Transfer-Encoding: xchunked")
        yield "plain", head("CONNECT 127.0.0.1:22 HTTP/1.1", asks, host="127.0.0.1:22")
        yield "plain", head("GET / HTTP/9.9", asks)
        yield "plain", head("POST / HTTP/1.1", asks, "Expect: cake", "Content-Length: 0")
        yield "plain", head("POST / HTTP/1.1", asks, f"Content-Length: {1 << 30}")
        yield "plain", head(f"GET /{'a' * 20000} HTTP/1.1", asks)
        yield "plain", head("GET / HTTP/1.1", asks, *(f"X-{n}: {'a' * 8000}" for n in range(12)))
        yield "plain", head("PUT /only/get HTTP/1.1", asks, "Content-Length: 0")
        yield "plain", head("OPTIONS /only/get HTTP/1.1", asks)
        yield "plain", head("GET /nobody HTTP/1.1", asks)
        yield "plain", head("HEAD /nobody HTTP/1.1", asks)
        yield "tls", head("GET / HTTP/1.1", asks, host="other.test")
        yield "tls in the clear", head("GET / HTTP/1.1", asks)
        yield "refuse", head("GET / HTTP/1.1", asks)
    yield "plain", head("GET /silent HTTP/1.1")
    yield "plain", b"GET / HTTP/1.1\r\nHost: local"
    yield "plain", head("POST /hello HTTP/1.1", "Content-Length: 10") + b"hello"


def ask(port, tls, request):
    """The reply to raw bytes, or None where the connection just closes."""
    method = request.split(b" ", 1)[0].decode()
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as stream:
            if tls:
                trusting = ssl.create_default_context()
                trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
                trusting.set_alpn_protocols(["http/1.1"])
                stream = trusting.wrap_socket(stream, server_hostname="localhost")
            stream.settimeout(15)
            stream.sendall(request)
            reply = http.client.HTTPResponse(stream, method=method)
            reply.begin()
            return reply, reply.read()
    except (OSError, http.client.HTTPException):
        return None


def lint(request, reply, body):
    line, *_ = request.split(b"\r\n", 1)
    method, _, rest = line.partition(b" ")
    asked = HttpRequestLinter()
    asked.process_request_topline(method, rest.rpartition(b" ")[0].strip() or b"/", b"1.1")
    linter = HttpResponseLinter(start_time=time.time(), _related=asked)
    linter.is_head_response = method == b"HEAD"
    version = b"1.0" if reply.version == 10 else b"1.1"
    linter.process_response_topline(version, str(reply.status).encode(), reply.reason.encode())
    linter.process_headers([(k.encode("latin-1"), v.encode("latin-1")) for k, v in reply.headers.raw_items()])
    linter.feed_content(body)
    linter.finish_content(True)
    return linter.notes


def main(ports):
    seen, faulty, silent, found = 0, 0, 0, collections.Counter()
    for kind, request in [*successes(), *of_the_origin(), *of_the_gateway()]:
        port = ports.get("tls" if kind == "tls in the clear" else kind)
        if port is None:
            continue
        answered = ask(port, kind == "tls", request)
        if answered is None:
            silent += 1
            print(f"no reply: {request[:60]}", file=sys.stderr)
            continue
        seen += 1
        # A status is what was asked for: it says nothing of the reply that carries it.
        notes = [note for note in lint(request, *answered) if note.level in (levels.BAD, levels.WARN)
                 and not type(note).__name__.startswith("STATUS_")]
        faulty += bool(notes)
        for note in notes:
            found[f"{note.level.name} {type(note).__name__}"] += 1
            print(f"{answered[0].status} {type(note).__name__}: {request[:60]} {note.summary}", file=sys.stderr)
    print(f"{faulty} of {seen} replies" + (f", {silent} requests without a reply" if silent else "")
          + ("".join(f"; {count} {name}" for name, count in found.most_common(3))))


main(dict(zip(["plain", "tls", "refuse", "redirect"], map(int, sys.argv[1:]))))
