"""An SSM parameter of type SecureString in the place of a secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

import boto3
from botocore.config import Config

from activation.aws.sdk import checked

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

_PARAMETER = ":parameter/"


class ParameterStore(Protocol):
    """The one call of SSM's client that is made here."""

    def get_parameter(self, *, Name: str, WithDecryption: bool) -> Any:  # noqa: N803  AWS's names
        """Return a parameter."""


@dataclass(frozen=True)
class ParameterClient:
    """Reads a parameter as Secrets Manager's client reads a secret.

    It writes nothing: SSM has no conditional write, so that two functions could lose a token that is valid once.
    The settings refuse a parameter for platforms with such tokens.
    """

    ssm: ParameterStore

    def get_secret_value(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803  AWS's name
        """Return the parameter's value, decrypted, and its version; raises what SSM's client raises.

        `SecretId` is the parameter's ARN, which SSM takes for its name
        (https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html, read 2026-11-29).
        """
        found = self.ssm.get_parameter(Name=SecretId, WithDecryption=True)["Parameter"]
        return {"SecretString": found["Value"], "VersionId": str(found["Version"])}


def is_parameter(arn: str) -> bool:
    """Return whether an ARN is that of an SSM parameter, and not of a secret."""
    return _PARAMETER in arn


def secret_client(arn: str, config: Config | None = None) -> SecretsManagerClient:
    """Return the client that reads a connector's secret or parameter; raises ConfigError for an old SDK."""
    if is_parameter(arn):
        return cast("SecretsManagerClient", ParameterClient(checked(boto3.client("ssm", config=config))))
    client: SecretsManagerClient = checked(boto3.client("secretsmanager", config=config))
    return client
