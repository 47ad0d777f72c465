"""The sources that the settings name, made from the function's environment and their secrets."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from activation.authentication.parameter import secret_client
from activation.authentication.store import SecretStore
from activation.aws.clients import CONFIG
from activation.aws.sdk import checked

from lambdas.sync.declaration import SourceDeclaration, SourceKind
from lambdas.sync.extract.athena import AthenaSource
from lambdas.sync.extract.postgres import PostgresSource
from lambdas.sync.extract.postgres_access import PostgresAccess
from lambdas.sync.source import Source, not_configured

CA = "ca"  # the secret's key with the certificates of a private authority, as PEM


@dataclass(frozen=True)
class SourceSettings:
    """What the settings say of a source: see stacks/sync/settings.py. "" and 0 are said by the secret."""

    name: str
    kind: SourceKind
    secret_arn: str = ""
    host: str = ""
    port: int = 0
    database: str = ""
    user: str = ""
    iam: bool = False


@dataclass(frozen=True)
class Sources:
    """The sources of the settings; their secrets are cached, and read again when they are five minutes old."""

    settings: Mapping[str, SourceSettings]
    _secrets: dict[str, SecretStore] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Sequence[SourceSettings]) -> Sources:
        """Return the sources of a list of settings."""
        return cls({one.name: one for one in settings})

    def source(self, declared: SourceDeclaration) -> Source:
        """Return a source; raises ConfigError (source_not_configured), and what reading its secret raises."""
        if declared.kind is SourceKind.POSTGRES:
            return PostgresSource(*self.postgres(declared.name))
        self._settings(declared.name, SourceKind.ATHENA)
        athena, s3 = (checked(boto3.client(service, config=CONFIG)) for service in ("athena", "s3"))
        return AthenaSource(athena, s3, declared.workgroup, declared.database)

    def postgres(self, name: str) -> tuple[PostgresAccess, SecretStore | None]:
        """Return how a PostgreSQL is reached; raises as `source` does."""
        found = self._settings(name, SourceKind.POSTGRES)
        secret = self._secret(found.secret_arn)
        ca_file = _ca_file(secret.read().values if secret else {})
        access = PostgresAccess(found.host, found.port, found.database, found.user, found.iam, ca_file)
        return access, secret

    def _settings(self, name: str, kind: SourceKind) -> SourceSettings:
        found = self.settings.get(name)
        if found is None or found.kind is not kind:
            raise not_configured(
                f"the settings have no source {name} of the kind {kind}: add it to `sources` in cdk.context.json,"
                " and deploy"
            )
        return found

    def _secret(self, arn: str) -> SecretStore | None:
        if not arn:
            return None
        if arn not in self._secrets:
            self._secrets[arn] = SecretStore(secret_client(arn, config=CONFIG), arn)
        return self._secrets[arn]


def _ca_file(secret: Mapping[str, Any]) -> Path | None:
    """Return the file with a secret's authority, None where it names none."""
    text = secret.get(CA)
    return _written(text) if isinstance(text, str) and text.strip() else None


@cache
def _written(authority: str) -> Path:
    """Write an authority where libpq can read it; it is public, and goes with the process."""
    with tempfile.NamedTemporaryFile("w", suffix=".pem", delete=False) as file:
        file.write(authority)
    return Path(file.name)
