"""The connector's secret: read when needed, kept a few minutes, read again once when the platform refuses it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

from activation.errors import ConfigError, Retryable
from activation.publisher import Publisher

SECRET_MAX_AGE_S = 300


class SecretAccount:
    """One secret's publisher, shared by the threads of a run and kept between invocations."""

    def __init__(
        self,
        provider: SecretsProvider,
        secret_arn: str,
        make: Callable[[Mapping[str, Any]], Publisher],
        *,
        expected_account: str = "",
    ) -> None:
        self._provider = provider
        self._arn = secret_arn
        self._make = make
        self._expected_account = expected_account
        self._lock = Lock()
        self._text = ""
        self._publisher: Publisher | None = None
        self._refused_once = False
        self._afresh = False
        self._account = ""  # that of the run, once it has asked for its publisher

    def publisher(self) -> Publisher:
        """Give the publisher; raises ConfigError when the secret is missing, malformed or of another account.

        What is kept grows old while a run goes on, which then must not go on in another account.
        """
        with self._lock:
            afresh, self._afresh = self._afresh, False
            publisher = self._read(force=afresh)
            if self._account not in ("", publisher.account):
                raise other_account()
            self._account = publisher.account
            return publisher

    def begin(self, *, afresh: bool = False) -> None:
        """Forget what an earlier run learned, so that each run may refresh the secret once.

        `afresh` has the secret read past the cache: when a stopped run goes on, somebody has mended something.
        """
        with self._lock:
            self._refused_once = False
            self._afresh = afresh
            self._account = ""

    def refresh(self, refused: Publisher) -> Publisher:
        """Read the secret past the cache.

        Raises ConfigError when it is the refused one, the second to be refused, or for another ad account.
        """
        with self._lock:
            if self._publisher is not None and self._publisher is not refused:
                return self._publisher  # another thread was faster
            if self._refused_once:
                raise _refused()
            self._refused_once = True
            before = self._text
            publisher = self._read(force=True)
            if self._text == before:
                raise _refused()
            if publisher.account != refused.account:
                raise other_account()
            return publisher

    def _read(self, *, force: bool) -> Publisher:
        try:
            text = self._provider.get(self._arn, max_age=SECRET_MAX_AGE_S, force_fetch=force)
        except GetParameterError as error:
            raise _unreadable(error) from None
        if self._publisher is None or text != self._text:
            try:
                self._publisher, self._text = self._from_text(text)
            except ConfigError:
                if force:
                    raise
                # What is kept may be older than the one an operator has written since.
                return self._read(force=True)
        return self._publisher

    def _from_text(self, text: object) -> tuple[Publisher, str]:
        try:
            secret = json.loads(text) if isinstance(text, str) else None
        except (ValueError, RecursionError):
            secret = None
        if not isinstance(secret, dict):
            raise ConfigError("bad_secret", "the connector's secret is not a JSON object; write it and redrive")
        publisher = self._make(secret)
        if self._expected_account and publisher.account != self._expected_account:
            raise ConfigError(
                "other_account",
                "the secret is for another ad account than the connector's settings name; nothing was sent",
            )
        return publisher, str(text)


def other_account() -> ConfigError:
    """Give what stops a run that has begun in one ad account and would go on in another."""
    return ConfigError(
        "other_account",
        "the run began in another ad account than the secret is for now; put its secret back and redrive,"
        " or replay the drop by force to send all of it to the new one",
    )


def _refused() -> ConfigError:
    return ConfigError(
        "token_refused", "the platform refuses the token in the connector's secret; write a new one and redrive"
    )


def _unreadable(error: GetParameterError) -> ConfigError | Retryable:
    """Tell a secret that is not there from a service that does not answer.

    Powertools raises one error for both and carries AWS's own as text only.
    """
    final = (
        "ResourceNotFoundException",
        "AccessDeniedException",
        "DecryptionFailure",
        "InvalidRequestException",
    )
    for code in final:
        if code in str(error):
            return ConfigError(
                "no_secret", f"the connector's secret cannot be read ({code}); write it and redrive"
            )
    return Retryable("secret_service", "the secret could not be read just now", after_s=30)
