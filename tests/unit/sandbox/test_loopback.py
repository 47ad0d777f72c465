"""The guard that keeps the sandbox's functions and commands on this machine."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sandbox.loopback import is_loopback

OPENS = """
import socket
from sandbox import loopback
loopback.activate()
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname()).close()
for family, address in ((socket.AF_INET, ("192.0.2.1", 9)), (socket.AF_INET6, ("2001:db8::1", 9))):
    for kind, call in ((socket.SOCK_STREAM, "connect"), (socket.SOCK_DGRAM, "sendto")):
        with socket.socket(family, kind) as opened:
            try:
                opened.connect(address) if call == "connect" else opened.sendto(b"x", address)
            except ConnectionRefusedError as error:
                print(error)
try:
    socket.getaddrinfo("graph.facebook.com", 443)
except socket.gaierror as error:
    print(error)
"""


def test_nothing_outside_this_machine_is_reached() -> None:
    """A server of this machine answers; each way out is refused before a packet leaves."""
    done = subprocess.run([sys.executable, "-c", OPENS], capture_output=True, text=True, check=True, timeout=60)
    said = done.stdout.splitlines()
    assert said[:4] == ["the sandbox connects to nothing outside this machine"] * 4
    assert said[4].endswith("the sandbox looks up no name outside this machine")


@pytest.mark.parametrize(
    ("host", "own"),
    [("localhost", True), (b"127.0.0.2", True), ("::1", True), ("10.0.0.1", False), ("localhost.example", False)],
)
def test_what_is_this_machine(host: str | bytes, own: bool) -> None:
    """Names are not looked up: only localhost is one of this machine."""
    assert is_loopback(host) is own
