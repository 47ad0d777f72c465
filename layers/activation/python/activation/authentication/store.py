"""A connector's secret in Secrets Manager: read through a cache, replaced only if unchanged since it was read."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from activation.authentication.secret_text import secret_values
from activation.aws.errors import ErrorKind, code_of, kind_of
from activation.errors import ConfigError, Retryable
from activation.platforms.credentials import Credentials

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

MAX_AGE_S = 300.0
CURRENT = "AWSCURRENT"
NAMESPACE = uuid.UUID("4b1f0f0c-7f0e-5c0b-9b53-6c1f2f1f8a11")  # for the version ids made here
ROLLBACKS = 8  # how often one version may have been replaced, rolled back to and replaced again

UNWRITABLE = {
    "AccessDeniedException": "secretsmanager:PutSecretValue on it, or kms:GenerateDataKey on its key",
    "EncryptionFailure": "kms:GenerateDataKey on its key",
}


@dataclass(frozen=True)
class SecretVersion:
    """One version of a secret: its `text` as it was read, and Secrets Manager's `version_id`."""

    text: str = field(repr=False)
    version_id: str

    @property
    def values(self) -> Mapping[str, Any]:
        """Return the secret's keys and values, see secret_text.py; raises ConfigError when it has none."""
        values = secret_values(self.text)
        if values is None:
            raise ConfigError("bad_secret", "the connector's secret is not a JSON object; write it and redrive")
        return values

    @property
    def credentials(self) -> Credentials:
        """Return the values by key; raises ConfigError when the secret is not a JSON object."""
        return Credentials(self.values)

    def rewritten(self, changes: Mapping[str, object]) -> str:
        """Return the secret's text with some keys changed and all others unchanged.

        A key keeps its spelling in the secret, and is added if it is missing.
        """
        values = dict(self.values)
        for key, value in changes.items():
            spellings = [one for one in values if one.strip().lower() == key.lower()]
            values.update(dict.fromkeys(spellings or [key], value))
        return json.dumps(values)

    def digest(self, *, without: Collection[str] = ()) -> str:
        """Return a digest of the secret without some keys.

        Without a specification's `rewritten_keys`, it changes only when an operator changes something else.
        """
        dropped = {key.lower() for key in without}
        kept = {key: value for key, value in self.values.items() if key.strip().lower() not in dropped}
        return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


class Replaced(Exception):
    """The secret has changed since `instead_of` was read; `current` is its current version."""

    def __init__(self, current: SecretVersion) -> None:
        super().__init__("another version of the secret was written")
        self.current = current


class SecretStore:
    """One secret, shared by the threads of a process. `clock` returns Unix seconds."""

    def __init__(
        self, client: SecretsManagerClient, secret_arn: str, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._client = client
        self._arn = secret_arn
        self._clock = clock
        self._lock = Lock()
        self._kept: SecretVersion | None = None
        self._read_at = 0.0

    @property
    def arn(self) -> str:
        """Return the secret's ARN."""
        return self._arn

    def read(self, max_age_s: float = MAX_AGE_S, *, afresh: bool = False) -> SecretVersion:
        """Return the current version, at most `max_age_s` seconds old; `afresh` always reads it from AWS.

        Raises ConfigError if the secret is missing or may not be read, Retryable if Secrets Manager does not
        answer.
        """
        with self._lock:
            if not afresh and self._kept is not None and self._clock() - self._read_at < max_age_s:
                return self._kept
            return self._keep(self._get())

    def replace(self, instead_of: SecretVersion, text: str) -> SecretVersion:
        """Write a new version on condition that `instead_of` is the current one; raises Replaced.

        Secrets Manager has no conditional write, but it refuses a second version with the same client request
        token and other contents, and does nothing for the same contents
        (https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html, read 2026-11-29).
        The token is therefore derived from the version that was read: of two writers who read the same one, only
        the first succeeds. A write that is repeated because its answer was lost succeeds again.

        What an operator writes between the last look at the current version and the write, milliseconds apart,
        is not seen; it stays in the secret as its previous version.

        Raises ConfigError when the function's role lacks a permission, Retryable when Secrets Manager does not
        answer. That page also asks for no more than one write every ten minutes on average: versions of the last
        24 hours are never removed, and their number is limited.
        """
        with self._lock:
            for rollbacks in range(ROLLBACKS):
                current = self._get()
                if current.version_id != instead_of.version_id and current.text != text:
                    raise Replaced(self._keep(current))
                version_id = str(uuid.uuid5(NAMESPACE, f"{instead_of.version_id}/{rollbacks}"))
                if self._put(version_id, text):
                    return self._keep(SecretVersion(text, version_id))
                # The id exists. Either another writer was faster, which the next read of the current version
                # shows, or an operator has rolled back to `instead_of` after it had been replaced.
            raise Retryable("secret_service", "the secret cannot be written at the moment")

    def check_writable(self, version: SecretVersion) -> None:
        """Check the permissions that `replace` needs without creating a version: write `version` again.

        Secrets Manager ignores a request whose token and contents are those of an existing version (on the page
        that `replace` names), but still requires `secretsmanager:PutSecretValue`. Not verified: whether it also
        checks `kms:GenerateDataKey` on a customer managed key.

        Raises ConfigError if the permission is missing, Retryable if Secrets Manager does not answer.
        """
        with self._lock:
            self._put(version.version_id, version.text)

    def _keep(self, version: SecretVersion) -> SecretVersion:
        self._kept, self._read_at = version, self._clock()
        return version

    def _get(self) -> SecretVersion:
        error: ConfigError | Retryable
        try:
            answer = self._client.get_secret_value(SecretId=self._arn)
        except (ClientError, BotoCoreError) as failed:
            error = _unreadable(failed)
        else:
            return SecretVersion(answer.get("SecretString", ""), answer["VersionId"])
        raise error  # outside the handler: the failed call must not be in a traceback

    def _put(self, version_id: str, text: str) -> bool:
        """Write a version as the current one; return False when its id exists and is not the current one."""
        error: ConfigError | Retryable
        try:
            answer = self._client.put_secret_value(
                SecretId=self._arn, ClientRequestToken=version_id, SecretString=text
            )
        except (ClientError, BotoCoreError) as failed:
            if code_of(failed) == "ResourceExistsException":
                return False
            error = _unwritable(failed)
        else:
            return CURRENT in answer.get("VersionStages", [CURRENT])
        raise error


def _unreadable(error: ClientError | BotoCoreError, *, verb: str = "read") -> ConfigError | Retryable:
    if kind_of(error) is ErrorKind.BUSY:
        return Retryable("secret_service", f"the secret cannot be {verb} at the moment ({code_of(error)})")
    return ConfigError("no_secret", f"the secret cannot be {verb} ({code_of(error)}); check it and redrive")


def _unwritable(error: ClientError | BotoCoreError) -> ConfigError | Retryable:
    if missing := UNWRITABLE.get(code_of(error)):
        return ConfigError(
            "secret_not_writable",
            "the connector's secret cannot be written, and the platform's new token has to be stored in it:"
            f" the AWS identity that tried lacks {missing}; grant it and redrive",
        )
    return _unreadable(error, verb="written")
