"""The protocol of signers, and the tools they use."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from activation.authentication.grant import Grant
from activation.authentication.locking import TokenLock
from activation.authentication.store import SecretStore
from activation.platforms.http import Http
from activation.platforms.request import Request


class Signer(Protocol):
    """Authenticates requests. One signer serves all of a connector's sending threads."""

    def sign(self, request: Request) -> Request:
        """Return a copy that carries the authentication of one attempt; call it again for the next attempt.

        Raises Retryable when the token endpoint is temporarily unavailable, ConfigError when it refuses what the
        secret holds, or when the secret cannot be read or written.
        """
        ...

    def in_use(self, signed: Request) -> bool:
        """Return whether a request that this signer has signed carries its current credentials.

        False if another thread has replaced the token since: the platform then refused an older token.
        """
        ...

    def renew(self, refused: Request | None = None) -> bool:
        """Forget the token that the platform has refused, so that the next `sign` gets another one.

        `refused` is the signed request: if another thread has renewed the token since, nothing is forgotten.
        Returns False if there is no other token to fetch: the secret itself has to be read again. Call it once for
        a request; a platform that refuses a new token will refuse the next as well.
        """
        ...


@dataclass(frozen=True)
class Tools:
    """What signers use.

    `http` calls the token endpoint, `store` reads and writes the secret. `lock` lets one process at a time replace
    a stored token. `endpoint` is the secret's own base URL, "" for the platform's. `clock` returns Unix seconds,
    `sleep` takes seconds. `unsaved` holds grants whose refresh token is not stored yet, by the refresh token that
    was spent on them: one dictionary for every signer that a process makes for the secret, since a signer is
    replaced when an operator writes the secret.
    """

    http: Http
    store: SecretStore = field(repr=False)
    lock: TokenLock
    endpoint: str = ""
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    unsaved: dict[str, Grant] = field(default_factory=dict, repr=False)
