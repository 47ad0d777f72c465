"""The values of a connector's secret: errors name the key that is missing or unusable, never a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from activation.errors import ConfigError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, init=False, repr=False)
class Credentials:
    """A secret's keys, compared case-insensitively, and its values, without surrounding white space.

    Tokens pasted with a trailing line break and ids typed as JSON numbers are accepted. Values that a header
    cannot carry are refused, since a line break inside a token would forge a second header.
    """

    _values: Mapping[str, object]

    def __init__(self, secret: Mapping[str, object]) -> None:
        object.__setattr__(self, "_values", {str(key).strip().lower(): secret[key] for key in secret})

    def required(self, key: str) -> str:
        """Return a value; raises ConfigError naming the key when it is missing, empty or unusable."""
        value = self.optional(key)
        if not value:
            raise ConfigError("bad_secret", f"the connector's secret lacks {key}; write it and redrive")
        return value

    def optional(self, key: str) -> str:
        """Return a value, "" when the secret does not have the key; raises ConfigError when it is unusable."""
        value = self._values.get(key.lower())
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise ConfigError("bad_secret", f"{key} in the connector's secret is neither text nor a number")
        text = str(value).strip()
        if not one_word(text):
            raise ConfigError(
                "bad_secret", f"{key} in the connector's secret contains characters that it must not have"
            )
        return text

    def endpoint(self, key: str, default: str) -> str:
        """Return a base URL without a trailing slash: https, or http to this machine; raises ConfigError."""
        text = self.optional(key) or default
        wrong = ConfigError("bad_secret", f"{key} in the connector's secret is not the https URL of a server")
        try:
            parts = urlsplit(text)
            host, _port = parts.hostname, parts.port
        except ValueError:
            raise wrong from None
        plain_allowed = parts.scheme == "http" and host in LOOPBACK
        if not host or not (parts.scheme == "https" or plain_allowed):
            raise wrong
        if parts.username or parts.password or parts.query or parts.fragment:
            raise wrong
        return text.rstrip("/")


def one_word(text: str) -> bool:
    """Return whether a header can carry the text as it is: printable ASCII without spaces; true of ""."""
    return text.isascii() and text.isprintable() and " " not in text
