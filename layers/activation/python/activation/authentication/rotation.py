"""Refresh tokens that every use replaces, without losing one.

One process at a time refreshes, under a lock in the ledger table, with a secret that it has read inside the lock.
The new refresh token is stored before anything else is done with the answer, together with the access token (under
`issued`), which the other processes read there. So there is one refresh and one write in an access token's
lifetime, however many functions run; Secrets Manager asks for no more than one write every ten minutes.

Failures that remain:

* The process dies, or its write fails for good, between the answer and the write; or the answer itself is lost.
  The secret then holds a token that was used once. The next process uses it again, which platforms that keep the
  previous token valid for a while accept. A strict one answers `invalid_grant`, and somebody has to authorise the
  app again: the error says so. No client can close this gap.
* Secrets Manager fails briefly: the write is retried, here and by every later call of this process, before the
  platform is asked for anything else.
* Whoever refreshes may not write the secret, such as an operator with read access only: ConfigError, naming the
  permission, before the refresh token is spent.
* The permission is lost between that check and the write, or the check does not cover it: ConfigError. No
  request is signed with the new access token, since the next refresh would be lost, too. Both tokens stay in this
  process's memory, even if an operator changes something else in the secret; once the permission is
  granted, the next call stores them and continues.
* An operator writes the secret meanwhile: the refresh token in it counts. If it is the token that was just used,
  only that is replaced in what the operator wrote; if it is another, the app was authorised anew, and what the
  older authorisation gave is not used.
"""

from __future__ import annotations

from collections.abc import Mapping

from activation.authentication.endpoint import TokenRefused, refresh, token_digest, token_refused
from activation.authentication.grant import Grant
from activation.authentication.locking import WAIT_S
from activation.authentication.store import Replaced, SecretVersion
from activation.authentication.tools import Tools
from activation.errors import Retryable
from activation.platforms.authentication import ISSUED, OAuth2Refresh
from activation.untrusted import mapping, number

ROUNDS = 4  # how often to start over because an operator has written the secret meanwhile
WRITES = 3
PAUSE_S = 1.0


class RotatingSource:
    """Access tokens from a refresh token that every use replaces."""

    def __init__(self, spec: OAuth2Refresh, secret: SecretVersion, tools: Tools) -> None:
        self._spec = spec
        self._tools = tools
        self._latest: SecretVersion | None = secret  # None: read it before use

    def obtain(self, refused: str, *, patient: bool) -> Grant:
        """Return the access token that another process has stored, or fetch one and store it."""
        secret, self._latest = self._latest or self._tools.store.read(afresh=True), None
        if (grant := self._stored(secret, refused)) is not None:
            return grant
        with self._tools.lock.hold(sleep=self._tools.sleep, wait_s=WAIT_S if patient else 0.0):
            return self._obtain(refused)

    def _obtain(self, refused: str) -> Grant:
        """Obtain a grant while holding the lock."""
        tried, code = "", ""
        for _ in range(ROUNDS):
            secret = self._tools.store.read(afresh=True)
            spent = secret.credentials.required(self._spec.refresh_token_key)
            if spent in self._tools.unsaved:
                self._save(secret, spent)
                continue
            if (grant := self._stored(secret, refused)) is not None:
                return grant
            if secret.text == tried:
                raise token_refused(code)
            self._tools.store.check_writable(secret)
            try:
                grant = refresh(self._spec, secret.credentials, self._tools)
            except TokenRefused as answer:
                # An operator may be writing another; nor does AWS promise that a read sees the newest write.
                tried, code = secret.text, answer.code
                self._tools.sleep(PAUSE_S)
                continue
            if grant.refresh_token in ("", spent):
                return grant
            self._tools.unsaved[spent] = grant
            if self._save(secret, spent):
                return grant
        raise Retryable("token_busy", "the connector's secret keeps changing")

    def _save(self, secret: SecretVersion, spent: str) -> bool:
        """Store the unsaved grant; return False when the secret no longer holds the refresh token that was spent.

        Raises Retryable or ConfigError when it cannot be written, with the grant still unsaved.
        """
        changes = self._changes(self._tools.unsaved[spent])
        for attempt in range(1, WRITES + 1):
            try:
                self._tools.store.replace(secret, secret.rewritten(changes))
            except Replaced as newer:
                secret = newer.current
                if secret.credentials.required(self._spec.refresh_token_key) != spent:
                    break
            except Retryable:
                if attempt == WRITES:
                    raise
                self._tools.sleep(PAUSE_S * attempt)
            else:
                self._tools.unsaved.pop(spent, None)
                return True
        return False

    def _changes(self, grant: Grant) -> Mapping[str, object]:
        return {
            self._spec.refresh_token_key: grant.refresh_token,
            ISSUED: {
                "access_token": grant.access_token,
                "expires_at": int(grant.expires_at),
                "by": token_digest(grant.refresh_token),
            },
        }

    def _stored(self, secret: SecretVersion, refused: str) -> Grant | None:
        """Return the access token stored in the secret, or None.

        One that has expired, was refused, or belongs to another refresh token than the secret's does not count.
        """
        issued = mapping(secret.values.get(ISSUED))
        token, expires_at = issued.get("access_token"), number(issued.get("expires_at"))
        refresh_token = secret.credentials.required(self._spec.refresh_token_key)
        if not isinstance(token, str) or expires_at is None or issued.get("by") != token_digest(refresh_token):
            return None
        fresh = self._tools.clock() < expires_at - self._spec.refresh_early_s
        return Grant(token, expires_at) if fresh and token not in ("", refused) else None
