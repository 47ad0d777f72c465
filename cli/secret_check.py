"""Whether a connector could use a secret, judged before it is written by what reads it in the connector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from activation.authentication.store import SecretVersion
    from activation.platforms.platform import Platform

    from cli.connectors import NamedConnector

ENDPOINT = "endpoint"  # another server than the platform's, where the deployment allows it


@dataclass(frozen=True)
class _Candidate:
    """Answers as Secrets Manager would if the text were written."""

    text: str

    def get_secret_value(self, *, SecretId: str) -> dict[str, Any]:  # noqa: ARG002, N803  AWS's name
        return {"SecretString": self.text, "VersionId": "candidate"}


def fields_of(platform: Platform) -> tuple[str, ...]:
    """Return the keys that a platform's secret may have, those it must have first."""
    authentication = platform.authentication
    renewing = [key for one in platform.renewals.values() for key in one.optional_keys]
    keys = (
        platform.account.key,
        *authentication.required_keys,
        *authentication.optional_keys,
        *renewing,
        ENDPOINT,
    )
    return tuple(dict.fromkeys(keys))


def asked_fields(named: NamedConnector) -> tuple[str, ...]:
    """Return the keys that a connector's secret needs or may have, as its options are."""
    authentication = named.platform.authentication_of(named.options)
    keys = (named.platform.account.key, *authentication.required_keys, *authentication.optional_keys)
    return tuple(dict.fromkeys(keys))


def missing_fields(platform: Platform, text: str) -> list[str]:
    """Return the keys that a secret must have and this text lacks, [] where the text is read otherwise."""
    from activation.authentication.store import SecretVersion
    from activation.errors import ConfigError
    from activation.platforms.credentials import Credentials

    try:
        secret = Credentials(SecretVersion(text, "candidate").values)
        needed = dict.fromkeys((platform.account.key, *platform.authentication.required_keys))
        return [key for key in needed if not secret.optional(key)]
    except ConfigError:
        return []  # a value that is unusable, which the connector names


def other_account(platform: Platform, before: SecretVersion | None, text: str) -> str:
    """Return a sentence if a secret's text is for another ad account than the secret before it, else ""."""
    from activation.authentication.store import SecretVersion
    from activation.errors import ConfigError

    try:
        was = platform.account.own(before.credentials) if before else ""
    except ConfigError:
        was = ""  # unusable, so nothing was sent with it
    now = platform.account.own(SecretVersion(text, "candidate").credentials)
    if not was or was == now:
        return ""
    return f"it is for another ad account than before: {platform.account.key} was {was} and is now {now}"


def check_usable(named: NamedConnector, text: str, *, any_endpoint: bool) -> None:
    """Read a secret's text as the connector would; the platform is not asked.

    Raises ConfigError naming the keys that are missing or the one that is unusable, or that the secret is another
    account's.
    """
    import boto3
    from activation.aws.table import ConditionalTable
    from activation.errors import ConfigError
    from activation.platforms.http import PooledHttp
    from activation.runs.secret import ConnectorSecret

    if len(missing := missing_fields(named.platform, text)) > 1:
        raise ConfigError("bad_secret", f"the connector's secret lacks {', '.join(missing)}")
    ConnectorSecret(
        named.platform,
        cast("Any", _Candidate(text)),
        "candidate",
        table=ConditionalTable(boto3.client("dynamodb"), "no table is read"),
        http=PooledHttp(connections=1),
        options=named.options,
        expected_account=named.settings.get("account") or "",
        any_endpoint=any_endpoint,
    ).account()
