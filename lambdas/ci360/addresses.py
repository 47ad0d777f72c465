"""From a host name to the one address that is connected to: resolved once, every answer checked."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

from activation.errors import Rejected, Retryable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# From a name and a port to the addresses the resolver gives, as text.
Resolve = Callable[[str, int], list[str]]

# Addresses that carry an IPv4 address: it is that one that is reached.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # https://www.rfc-editor.org/rfc/rfc6052#section-2.1


def system_resolve(host: str, port: int) -> list[str]:
    """Ask the system's resolver; raises OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def checked_addresses(host: str, port: int, *, laptop: bool, resolve: Resolve = system_resolve) -> list[str]:
    """Return the addresses of `host`, in the resolver's order, when all of them may be connected to.

    One that may not spoils the rest: a name that points inside and outside is an attack or a mistake, and
    picking the good one would let the next answer pick the other. `laptop` turns the rule round: then every
    address has to be a loopback one, so that the sandbox's exception opens nothing but the sandbox.

    Raises Rejected (address_refused), and Retryable (name_not_resolved).
    """
    try:
        found = list(dict.fromkeys(resolve(host, port)))
    except (OSError, UnicodeError):
        found = []
    if not found:
        raise Retryable("name_not_resolved", "the host of the link could not be resolved", after_s=30)
    for text in found:
        if not _allowed(text, laptop):
            raise Rejected(
                "address_refused", "the host of the link resolves to an address that is not on the internet"
            )
    return found


def _allowed(text: str, laptop: bool) -> bool:
    try:
        address: Address = ipaddress.ip_address(text)
    except ValueError:
        return False
    reached = _reached(address)
    if laptop:
        return all(one.is_loopback for one in reached)
    return all(
        one.is_global and not one.is_multicast and not one.is_reserved and not one.is_unspecified
        for one in reached
    )


def _reached(address: Address) -> list[Address]:
    """Unwrap: an IPv4 address inside an IPv6 one is what the connection ends at."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    inner: list[Address] = [address]
    if address.sixtofour is not None:
        inner.append(address.sixtofour)
    if address.teredo is not None:
        inner.extend(address.teredo)
    if address in _NAT64:
        # The prefix itself is global; what it stands for decides.
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    return inner
