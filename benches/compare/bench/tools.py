"""What the run needs and who takes part. Nothing is installed: what is missing is named with its cure."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass

from .peers import PEERS
from .peers.nginx import Nginx
from .peers.peer import Peer
from .process import Failure

TOOLS = {
    "wrk": "apt-get install wrk",
    "h2load": "apt-get install nghttp2-client",
    "openssl": "apt-get install openssl",
}


@dataclass
class Found:
    """Programs of peers and tools, and which peers are not here."""

    peers: list[Peer]
    programs: dict[str, str]
    tools: dict[str, str]
    absent: dict[str, str]


def find(wanted: tuple[str, ...]) -> Found:
    """Everything that the run will start; a failure that lists every missing thing at once."""
    missing = []
    tools = {name: shutil.which(name) for name in TOOLS}
    missing += [f"{name}: {TOOLS[name]}" for name, program in tools.items() if program is None]
    # nginx is the origin, whether it takes part as a peer or not.
    tools["nginx"] = Nginx().binary()
    if tools["nginx"] is None and "nginx" not in wanted:
        missing.append(f"nginx (the origin): {Nginx.fix}")
    peers, programs, absent = [], {}, {}
    for peer in PEERS:
        if peer.key not in wanted:
            continue
        program = peer.binary()
        if program is not None:
            peers.append(peer)
            programs[peer.key] = program
        elif peer.required:
            missing.append(f"{peer.title}: {peer.fix}")
        else:
            absent[peer.key] = peer.fix
    if missing:
        raise Failure("missing:\n" + "\n".join(f"  {line}" for line in missing))
    return Found(peers, programs, tools, absent)


def versions(found: Found) -> dict[str, str]:
    """What the tools call themselves."""
    asked = {
        "wrk": (["--version"], r"wrk (\S+)"),
        "h2load": (["--version"], r"nghttp2/(\S+)"),
        "openssl": (["version"], r"OpenSSL (\S+)"),
        "nginx": (["-v"], r"nginx/(\S+)"),
    }
    told = {}
    for name, (arguments, pattern) in asked.items():
        done = subprocess.run([found.tools[name], *arguments], capture_output=True, text=True)
        match = re.search(pattern, done.stdout + done.stderr)
        told[name] = match.group(1) if match else "unknown"
    return told
