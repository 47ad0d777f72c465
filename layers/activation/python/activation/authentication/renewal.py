"""A long-lived token that is exchanged for a new one before it expires, then stored in the secret."""

from __future__ import annotations

import logging
from threading import Lock

from activation.authentication.endpoint import TokenRefused, exchange, token_digest
from activation.authentication.grant import Grant
from activation.authentication.signatures import with_token
from activation.authentication.store import Replaced, SecretVersion
from activation.authentication.tools import Tools
from activation.errors import ConfigError, Retryable
from activation.platforms.authentication import ISSUED, LongLivedToken
from activation.platforms.request import Request
from activation.untrusted import mapping, number

ASK_AGAIN_S = 3600.0  # between failed attempts; the token in use is valid for days

_LOG = logging.getLogger(__name__)


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
        self._token, self._due_at = self._token_of(secret)

    def sign(self, request: Request) -> Request:
        """Add the token; renew it first if it is due."""
        with self._lock:
            now = self._tools.clock()
            if now >= self._due_at:
                self._due_at = now + ASK_AGAIN_S
                try:
                    self._renew()
                except (TokenRefused, Retryable, ConfigError) as error:
                    _LOG.warning(
                        "the platform's long-lived token was not renewed (%s); it stays in use", _cause(error)
                    )
            return with_token(request, self._spec.token, self._token, self._proof_key)

    def in_use(self, signed: Request) -> bool:
        """Return whether the request carries the newest token."""
        with self._lock:
            return signed.headers.get(self._spec.token.header) == f"{self._spec.token.prefix}{self._token}"

    def renew(self, refused: Request | None = None) -> bool:
        """Return False: a token that the platform refuses can no longer be exchanged."""
        return False

    def _token_of(self, secret: SecretVersion) -> tuple[str, float]:
        """Return a secret's token, and when to renew it: at once if its expiry is not known."""
        token = secret.credentials.required(self._spec.token.key)
        issued = mapping(secret.values.get(ISSUED))
        expires_at = number(issued.get("expires_at")) if issued.get("to") == token_digest(token) else None
        return token, 0.0 if expires_at is None else expires_at - self._spec.renew_before_s

    def _renew(self) -> None:
        with self._tools.lock.hold(sleep=self._tools.sleep, wait_s=0.0):
            secret = self._tools.store.read(afresh=True)
            self._token, due_at = self._token_of(secret)
            if self._tools.clock() >= due_at:
                grant = exchange(self._spec, secret.credentials, self._tools)
                try:
                    secret = self._tools.store.replace(secret, secret.rewritten(self._changes(grant)))
                except Replaced as newer:
                    secret = newer.current  # the operator's version wins
                self._token, due_at = self._token_of(secret)
            self._due_at = max(self._due_at, due_at)

    def _changes(self, grant: Grant) -> dict[str, object]:
        return {
            self._spec.token.key: grant.access_token,
            ISSUED: {"expires_at": int(grant.expires_at), "to": token_digest(grant.access_token)},
        }


def _cause(error: TokenRefused | Retryable | ConfigError) -> str:
    return f"refused: {error.code}" if isinstance(error, TokenRefused) else str(error)
