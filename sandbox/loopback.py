"""Keep a process from connecting outside this machine, so that no secret can take it to a real platform.

Functions load this file as a module of their own, so it imports nothing but the standard library.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from typing import Any

_INTERNET = (socket.AF_INET, socket.AF_INET6)


def activate() -> None:
    """Refuse every connection and every look-up of a name outside this machine, until this process ends.

    Connections raise ConnectionRefusedError and look-ups socket.gaierror, as on a machine without a network.
    Python offers no way to remove an audit hook: https://docs.python.org/3/library/sys.html#sys.addaudithook, read
    2026-11-30.
    """
    sys.addaudithook(_check)


def _check(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.getaddrinfo":
        if arguments[0] and not is_loopback(arguments[0]):
            raise socket.gaierror(socket.EAI_NONAME, "the sandbox looks up no name outside this machine")
    elif event in ("socket.connect", "socket.sendto"):
        opened, address = arguments
        if opened.family in _INTERNET and not is_loopback(address[0]):
            raise ConnectionRefusedError("the sandbox connects to nothing outside this machine")


def is_loopback(host: str | bytes) -> bool:
    """Return whether a host's name or address is this machine's own; no name is looked up."""
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if text.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False
