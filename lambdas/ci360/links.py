"""The links in a webhook body: what a signed URL must look like, and which hosts may be asked for it.

The rules leave nothing to a URL parser: the whole text has to match one strict form, so that no two parsers can
disagree about its host (https://owasp.org/www-community/attacks/Server_Side_Request_Forgery, read 2026-11-22).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from activation.errors import Rejected

MAX_LENGTH = 8192  # CI360's are about 1,760 characters long
HTTPS_PORT = 443

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_LINK = re.compile(
    rf"https://(?P<host>{_LABEL}(?:\.{_LABEL})*)(?::(?P<port>[1-9][0-9]{{0,4}}))?"
    # What RFC 3986 lets a path and a query hold (https://www.rfc-editor.org/rfc/rfc3986#section-3.3), no fragment.
    r"(?P<target>/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-F]{2})*"
    r"(?:\?(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-F]{2})*)?)",
    re.IGNORECASE | re.ASCII,  # without ASCII, the Kelvin sign and the long s count as letters from a to z
)
# A name that ends in a number is an address to most resolvers
# (https://url.spec.whatwg.org/#ends-in-a-number-checker).
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*", re.IGNORECASE | re.ASCII)


class BadLink(Rejected):
    """The text is no link that is ever fetched; the sentence holds no part of it."""


class HostRefused(Rejected):
    """The link is well-formed, but its host is not one of those the settings allow."""

    def __init__(self, host: str) -> None:
        super().__init__("host_refused", "the host of the link is not in allowed_hosts")
        self.host = host


@dataclass(frozen=True)
class Link:
    """An https link to a file, taken apart: what is fetched is put together from these and from nothing else.

    It is a bearer secret, so it shows as its host and a digest.
    """

    host: str
    port: int
    target: str = field(repr=False)  # path and query: the signature is in here

    @property
    def url(self) -> str:
        """Return the link as text."""
        port = "" if self.port == HTTPS_PORT else f":{self.port}"
        return f"https://{self.host}{port}{self.target}"

    @property
    def digest(self) -> str:
        """Name the link in 16 hex digits, for logs and records."""
        return hashlib.sha256(self.url.encode()).hexdigest()[:16]

    def __str__(self) -> str:
        return f"https://{self.host}/<{self.digest}>"


def read_link(text: str) -> Link:
    """Read a link; raises BadLink for anything but https to a name, on port 443 or one spelled out."""
    if not text:
        raise BadLink("empty_link", "the link is empty")
    if len(text) > MAX_LENGTH:
        raise BadLink("long_link", f"the link is longer than {MAX_LENGTH} characters")
    if not text[:8].lower() == "https://":
        raise BadLink("not_https", "the link is not https")
    authority = re.split(r"[/?#\\]", text[8:], maxsplit=1)[0]
    if "@" in authority:
        raise BadLink("userinfo", "the link has a user or password before its host")
    if authority.startswith("["):
        raise BadLink("address", "the host of the link is an address, not a name")
    found = _LINK.fullmatch(text)
    if found is None:
        raise BadLink("malformed_link", "the link is malformed")
    host = found["host"].lower()
    if len(host) > 253:
        raise BadLink("malformed_link", "the link is malformed")
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        raise BadLink("address", "the host of the link is an address, not a name")
    port = int(found["port"] or HTTPS_PORT)
    return Link(host, port, found["target"])


@dataclass(frozen=True)
class AllowedHosts:
    """The hosts that may be asked: exact names, and suffixes that begin with a dot, on port 443.

    `laptop` is "" wherever the app is deployed from its template. The sandbox sets it to one exact `name:port`;
    that one, and no other, is then looked for on this machine itself.
    """

    names: frozenset[str]
    suffixes: tuple[str, ...] = ()
    laptop: str = ""

    @classmethod
    def of(cls, hosts: Iterable[str], laptop: str = "") -> AllowedHosts:
        """Read the settings' list."""
        lowered = [host.lower() for host in hosts]
        return cls(
            frozenset(host for host in lowered if not host.startswith(".")),
            tuple(host for host in lowered if host.startswith(".")),
            laptop.lower(),
        )

    def is_laptop(self, link: Link) -> bool:
        """Whether this is the sandbox's own server."""
        return bool(self.laptop) and f"{link.host}:{link.port}" == self.laptop

    def check(self, link: Link) -> None:
        """Raise BadLink for a port other than 443, HostRefused for a host that is not allowed."""
        if self.is_laptop(link):
            return
        if link.port != HTTPS_PORT:
            raise BadLink("port", "the link is not on port 443")
        if link.host not in self.names and not link.host.endswith(self.suffixes or ("\0",)):
            raise HostRefused(link.host)
