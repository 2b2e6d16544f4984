"""One certificate for all, and clients that leave the proxies no choice.

Which suite and group a handshake ends with is decided here by what the client offers, so that it
is the same for every proxy whatever it prefers: TLS 1.3, X25519, AES-128-GCM. Sessions may be
resumed everywhere (`probe.resumes` looks) and never are: every connection of a load is a new one.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .process import Failure

GROUP = "X25519"
SUITE = "TLS_AES_128_GCM_SHA256"


@dataclass(frozen=True)
class Tls:
    """The files that proxies and clients read."""

    cert: Path
    key: Path
    # Certificate and key in one, as HAProxy wants them.
    both: Path
    client: Path

    @property
    def client_env(self) -> dict[str, str]:
        """For every client that takes its settings from OpenSSL: wrk and Python."""
        return {"OPENSSL_CONF": str(self.client)}


def make(folder: Path) -> Tls:
    """A new P-256 certificate for loopback, and the settings of the clients."""
    tls = Tls(folder / "cert.pem", folder / "key.pem", folder / "both.pem", folder / "client.cnf")
    request = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", str(tls.key), "-out", str(tls.cert), "-days", "30", "-subj", "/CN=localhost",
        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
    ]  # fmt: skip
    done = subprocess.run(request, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"openssl makes no certificate: {done.stderr.strip()}")
    tls.key.chmod(0o600)
    tls.both.write_text(tls.cert.read_text() + tls.key.read_text())
    tls.both.chmod(0o600)
    tls.client.write_text(
        "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = clients\n[clients]\n"
        f"MinProtocol = TLSv1.3\nGroups = {GROUP}\nCiphersuites = {SUITE}\n"
    )
    return tls


@dataclass(frozen=True)
class Handshake:
    """What a full handshake ended with."""

    version: str
    suite: str
    group: str
    alpn: str | None


def shake(port: int, tls: Tls) -> Handshake:
    """One handshake by `openssl s_client`; a failure where it is not the one that all must have."""
    # With nothing to say it ends by itself, once it has read what came with the handshake.
    client = [
        "openssl",
        "s_client",
        "-connect",
        f"127.0.0.1:{port}",
        "-servername",
        "localhost",
        "-alpn",
        "h2,http/1.1",
    ]
    try:
        done = subprocess.run(
            client,
            env={**os.environ, **tls.client_env},
            input="",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=10,
        )
    except subprocess.TimeoutExpired:
        raise Failure("no handshake within ten seconds") from None
    seen = read_handshake(done.stdout)
    if (seen.version, seen.suite, seen.group, seen.alpn) != ("TLSv1.3", SUITE, GROUP, "h2"):
        raise Failure(f"not the handshake that all have: {seen}")
    return seen


def read_handshake(text: str) -> Handshake:
    """Reads what `openssl s_client` prints."""

    def first(pattern: str) -> str | None:
        found = re.search(pattern, text)
        return found.group(1) if found else None

    return Handshake(
        version=first(r"New, (TLSv[\d.]+),") or "none",
        suite=first(r"Cipher is (\S+)") or "none",
        group=first(r"(?:Server Temp Key|Negotiated TLS1\.3 group|Peer Temp Key): (\w+)") or "none",
        alpn=first(r"ALPN protocol: (\S+)"),
    )
