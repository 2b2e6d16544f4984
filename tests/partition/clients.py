"""What clients see while the link does what it does; and what is left in the end."""
import collections, concurrent.futures, http.client, json, os, re, subprocess, sys, time

GUICHET, LOSS = sys.argv[1:3]
LENGTHS = {"/small": 5, "/large": 200_000, "/drip": 5000}
ERRORS = {502: "fr.ammyBadGateway", 503: "fr.ammyServiceUnavailable", 504: "fr.ammyGatewayTimeout"}


def ask(path):
    """What came of a request, and after how long."""
    start = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=30)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        body = reply.read()
        if reply.status == 200:
            outcome = "whole" if body == b"x" * LENGTHS[path] else "WRONG body"
        else:
            known = json.loads(body)["code"] == ERRORS.get(reply.status) == reply.getheader("error-code")
            outcome = str(reply.status) if known else f"WRONG {reply.status} {body[:80]}"
    except http.client.IncompleteRead:
        outcome = "cut"
    except Exception as error:  # a timeout or an end without an answer is what must not be
        outcome = f"WRONG {error!r}"
    finally:
        connection.close()
    return outcome, time.monotonic() - start


def many(paths, width, meanwhile=lambda: None):
    with concurrent.futures.ThreadPoolExecutor(width) as pool:
        asked = [pool.submit(ask, path) for path in paths]
        meanwhile()
        return [one.result() for one in asked]


def check(what, answers, may, within):
    seen = collections.Counter(outcome for outcome, _ in answers)
    slowest = max(took for _, took in answers)
    print(f"  {what}: {dict(seen)}, the slowest after {slowest:.1f} s", flush=True)
    assert set(seen) <= set(may), f"only {may} may be"
    assert slowest <= within, f"more than {within} s"


def link(loss):
    with open(LOSS + ".new", "w") as file:
        file.write(str(loss))
    os.replace(LOSS + ".new", LOSS)


def wire(state):
    subprocess.run(["ip", "link", "set", "near0", state], check=True)


def left():
    """Descriptors, client and upstream connections, requests."""
    admin = http.client.HTTPConnection("127.0.0.1", 9090, timeout=5)
    admin.request("GET", "/metrics", headers={"Connection": "close"})
    page = admin.getresponse().read().decode()
    admin.close()
    names = ["guichet_connections", "guichet_upstream_connections", "guichet_requests_in_flight"]
    gauges = [sum(map(float, re.findall(rf"^{name}(?:{{.*}})? (\S+)$", page, re.M))) for name in names]
    return [len(os.listdir(f"/proc/{GUICHET}/fd"))] + gauges


def eventually(what, holds, patience=20):
    end = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < end, f"waited {patience} s for {what}: {left()}"
        time.sleep(0.1)


def begins():
    try:
        return ask("/small")[0] == "whole"
    except OSError:
        return False


eventually("the first answer", begins)
eventually("rest", lambda: left()[1:] == [0, 0, 0])
base = min(left()[0] for _ in range(10))

check("a sound link", many(["/small", "/large"] * 20, 10), ["whole"], 3)
link(0.3)
# The whole exchange up to its head has six seconds, each silence of a body two.
check("30 % of packets lost", many(["/small", "/large"] * 50, 20), ["whole", "cut", "502", "504"], 20)
link(0)
check("after it", many(["/small"] * 20, 10), ["whole"], 7)

def goes_silent():
    time.sleep(1.5)
    assert left()[1:] == [10, 10, 10], "what is counted is what is under way"
    link(1)


check("silent in mid-answer", many(["/drip"] * 10, 10, goes_silent), ["cut"], 1.5 + 2 + 2)
check("silent before a connection", many(["/small"] * 10, 10), ["504"], 1 + 2)
link(0)
check("after it", many(["/small"] * 20, 10), ["whole"], 3)

def is_pulled():
    time.sleep(1.5)
    wire("down")


check("pulled in mid-answer", many(["/drip"] * 10, 10, is_pulled), ["cut"], 1.5 + 2 + 2)
check("pulled before a connection", many(["/small"] * 10, 10), ["502", "504"], 1 + 2)
wire("up")
check("after it", many(["/small"] * 20, 10), ["whole"], 3)

eventually("everything to be as it was", lambda: left() == [base, 0, 0, 0])
print(f"  {base} descriptors, no connection and no request are left, as before")
