"""Waiting for a server to answer, by asking."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable

PAUSE = 0.0005


def answering(port: int, path: str, alive: Callable[[], bool], patience: float = 20) -> bool:
    """Asks until the answer is a 200; false when the patience or the process came to its end."""
    until = time.monotonic() + patience
    while time.monotonic() < until and alive():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", path, headers={"Host": f"localhost:{port}"})
            if connection.getresponse().status == 200:
                return True
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(PAUSE)
    return False
