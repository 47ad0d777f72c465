"""Bearer tokens: fetched, kept in memory and replaced shortly before they expire."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Protocol

from activation.authentication.endpoint import TokenRefused, refresh, token_refused
from activation.authentication.grant import Grant
from activation.authentication.rotation import RotatingSource
from activation.authentication.store import SecretVersion
from activation.authentication.tools import Tools
from activation.errors import ConfigError, Retryable
from activation.platforms.authentication import OAuth2Refresh
from activation.platforms.request import Request

ASK_AGAIN_S = 5.0  # between attempts to replace a token that is still valid

_LOG = logging.getLogger(__name__)


class TokenSource(Protocol):
    """A source of access tokens."""

    def obtain(self, refused: str, *, patient: bool) -> Grant:
        """Return a grant other than the one whose access token was refused ("" for none).

        `patient` says whether to wait for another process that is renewing the token. Raises Retryable and
        ConfigError as `Signer.sign` does. Called by one thread at a time.
        """
        ...


class PlainSource:
    """Access tokens from a refresh token that never changes: every process fetches its own."""

    def __init__(self, spec: OAuth2Refresh, secret: SecretVersion, tools: Tools) -> None:
        self._spec = spec
        self._secret = secret
        self._tools = tools

    def obtain(self, refused: str, *, patient: bool) -> Grant:
        """Fetch a token; if it is refused, read the secret again and retry once if it has changed."""
        try:
            return self._refresh()
        except TokenRefused as answer:
            code = answer.code
        newer = self._tools.store.read(afresh=True)
        if newer.text != self._secret.text:
            self._secret = newer
            try:
                return self._refresh()
            except TokenRefused as answer:
                code = answer.code
        raise token_refused(code)

    def _refresh(self) -> Grant:
        credentials = self._secret.credentials
        grant = refresh(self._spec, credentials, self._tools)
        if grant.refresh_token not in ("", credentials.required(self._spec.refresh_token_key)):
            _LOG.warning("the platform issued a new refresh token; not stored: they are declared not to rotate")
        return grant


@dataclass
class _Held:
    """The token in memory: its `grant`, and `until` when to use it, in Unix seconds."""

    grant: Grant
    until: float


@dataclass
class _State:
    """State shared by the threads.

    `held` is the token in memory, None for none. `refused` is the access token that the platform refused last, ""
    for none. `failed` counts failed attempts to fetch a token, and `failure` is the error of the last.
    """

    held: _Held | None = None
    refused: str = field(default="", repr=False)
    failed: int = 0
    failure: Retryable | ConfigError | None = None


class BearerSigner:
    """Adds an access token in a header, fetched if there is none or it is about to expire.

    One thread fetches while the others wait; they share its result, or its error. A token that cannot be replaced
    early is used until it expires.
    """

    def __init__(self, spec: OAuth2Refresh, secret: SecretVersion, tools: Tools) -> None:
        credentials = secret.credentials
        self._fixed = {name: credentials.required(key) for name, key in spec.secret_headers.items()}
        for key in spec.required_keys:
            credentials.required(key)
        self._spec = spec
        self._tools = tools
        self._source: TokenSource = (RotatingSource if spec.rotates else PlainSource)(spec, secret, tools)
        self._lock = Lock()
        self._state = _State()

    def sign(self, request: Request) -> Request:
        """Add the access token."""
        token = self._token()
        return replace(
            request, headers={**request.headers, **self._fixed, self._spec.header: f"{self._spec.prefix}{token}"}
        )

    def in_use(self, signed: Request) -> bool:
        """Return whether the request carries the access token in memory; False if there is none."""
        with self._lock:
            return self._carries_held(signed)

    def renew(self, refused: Request | None = None) -> bool:
        """Forget the access token, unless it is not the one that `refused` carries."""
        with self._lock:
            held = self._state.held
            if held is not None and (refused is None or self._carries_held(refused)):
                self._state.held, self._state.refused = None, held.grant.access_token
        return True

    def _carries_held(self, signed: Request) -> bool:
        held = self._state.held
        return held is not None and (
            signed.headers.get(self._spec.header) == f"{self._spec.prefix}{held.grant.access_token}"
        )

    def _token(self) -> str:
        failed_before = self._state.failed
        with self._lock:
            state, now = self._state, self._tools.clock()
            if state.held is not None and now < state.held.until:
                return state.held.grant.access_token
            if state.failure is not None and state.failed > failed_before:
                raise _again(state.failure)  # this thread has waited for that attempt
            still_good = state.held is not None and now + ASK_AGAIN_S < state.held.grant.expires_at
            error: Retryable | ConfigError
            try:
                grant = self._source.obtain(state.refused, patient=not still_good)
            except (Retryable, ConfigError) as failed:
                error = failed
            else:
                state.held = _Held(grant, grant.usable_until(self._spec.refresh_early_s, now))
                return grant.access_token
            if state.held is not None and still_good:
                state.held.until = now + ASK_AGAIN_S
                return state.held.grant.access_token
            state.failed += 1
            state.failure = error
            raise _again(error)


def _again(error: Retryable | ConfigError) -> Retryable | ConfigError:
    """Return a copy of an error, so that each thread raises one with its own traceback."""
    if isinstance(error, Retryable):
        return Retryable(error.code, error.sentence, after_s=error.after_s)
    return ConfigError(error.code, error.sentence)
