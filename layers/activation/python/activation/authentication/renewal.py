"""A long-lived token that is exchanged for a new one before it expires, then stored in the secret."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from threading import Lock

from activation.authentication.endpoint import TokenRefused, exchange, token_digest
from activation.authentication.grant import Grant
from activation.authentication.locking import TOKEN_BUSY
from activation.authentication.signatures import with_token
from activation.authentication.store import Replaced, SecretVersion
from activation.authentication.tools import Tools
from activation.errors import ConfigError, Retryable
from activation.platforms.authentication import ISSUED, LongLivedToken
from activation.platforms.request import Request
from activation.untrusted import mapping, number

ASK_AGAIN_S = 3600.0  # between failed attempts; the token in use is valid for days

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Renewal:
    """How a token's renewal stands: until when the token is valid, in Unix seconds, 0 if that is not known.

    `failure` says why the last renewal failed, "" if it did not.
    """

    expires_at: float
    failure: str


class RenewingSigner:
    """Adds the secret's token in a header, and renews it when it is due.

    A renewal that fails is logged and tried again later: the token stays valid until it expires. The old token is
    not revoked, so other processes use it until they read the secret again.
    """

    def __init__(self, spec: LongLivedToken, secret: SecretVersion, tools: Tools) -> None:
        credentials = secret.credentials
        for key in spec.required_keys:
            credentials.required(key)
        self._spec = spec
        self._tools = tools
        self._proof_key = credentials.optional(spec.token.proof_key) if spec.token.proof_key else ""
        self._lock = Lock()
        self._failure = ""
        self._token, self._due_at, self._expires_at = self._token_of(secret)

    def sign(self, request: Request) -> Request:
        """Add the token; renew it first if it is due."""
        with self._lock:
            self._renew_if_due()
            return with_token(request, self._spec.token, self._token, self._proof_key)

    def renewal(self) -> Renewal:
        """Renew the token if that is due, and return how it stands."""
        with self._lock:
            self._renew_if_due()
            return Renewal(self._expires_at, self._failure)

    def in_use(self, signed: Request) -> bool:
        """Return whether the request carries the newest token."""
        with self._lock:
            return signed.headers.get(self._spec.token.header) == f"{self._spec.token.prefix}{self._token}"

    def renew(self, refused: Request | None = None) -> bool:
        """Use the token that was written into the secret since; return False where there is no other.

        A token that the platform refuses can no longer be exchanged. Raises what reading the secret raises.
        """
        with self._lock:
            before, secret = self._token, self._tools.store.read(afresh=True)
            self._token, self._due_at, self._expires_at = self._token_of(secret)
            return self._token != before

    def _token_of(self, secret: SecretVersion) -> tuple[str, float, float]:
        """Return a secret's token, when to renew it, and its end: at once and 0 if the end is not known."""
        token = secret.credentials.required(self._spec.token.key)
        issued = mapping(secret.values.get(ISSUED))
        expires_at = number(issued.get("expires_at")) if issued.get("to") == token_digest(token) else None
        if expires_at is None:
            return token, 0.0, 0.0
        issued_at = number(issued.get("at"))
        if issued_at is None:  # written by an earlier release
            issued_at = expires_at - self._spec.default_expires_s
        return token, issued_at + (expires_at - issued_at) * self._spec.renew_after, expires_at

    def _renew_if_due(self) -> None:
        now = self._tools.clock()
        if now < self._due_at:
            return
        self._due_at, self._failure = now + ASK_AGAIN_S, ""
        try:
            self._renew()
        except (TokenRefused, Retryable, ConfigError) as error:
            busy = isinstance(error, Retryable) and error.code == TOKEN_BUSY  # another function is renewing it
            self._failure = "" if busy else _cause(error)
            if busy:
                return
            _LOG.warning("the platform's long-lived token was not renewed (%s); it stays in use", self._failure)

    def _renew(self) -> None:
        with self._tools.lock.hold(sleep=self._tools.sleep, wait_s=0.0):
            secret = self._tools.store.read(afresh=True)
            self._token, due_at, self._expires_at = self._token_of(secret)
            if self._tools.clock() >= due_at:
                grant = exchange(self._spec, secret.credentials, self._tools)
                try:
                    secret = self._tools.store.replace(secret, secret.rewritten(self._changes(grant)))
                except Replaced as newer:
                    secret = newer.current  # the operator's version wins
                self._token, due_at, self._expires_at = self._token_of(secret)
            self._due_at = max(self._due_at, due_at)

    def _changes(self, grant: Grant) -> dict[str, object]:
        return {
            self._spec.token.key: grant.access_token,
            ISSUED: {
                "at": int(self._tools.clock()),
                "expires_at": int(grant.expires_at),
                "to": token_digest(grant.access_token),
            },
        }


def _cause(error: TokenRefused | Retryable | ConfigError) -> str:
    return f"refused: {error.code}" if isinstance(error, TokenRefused) else error.sentence
