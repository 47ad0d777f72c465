"""A connector's secret: one that the app makes, or a secret or parameter that exists."""

from __future__ import annotations

from dataclasses import dataclass

from activation.platforms.platform import Platform
from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from stacks.context import Reader
from stacks.names import KEY_ARN, KEY_MEANING

_SECRET = r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]{1,512}-[A-Za-z0-9]{6}"  # noqa: S105


@dataclass(frozen=True)
class SecretSettings:
    """Where a connector's credentials are, if not in a secret of the app's own, for which all are "".

    `arn` is an existing secret, `parameter` the name of an existing SSM parameter, `key_arn` the customer key that
    encrypts either.
    """

    arn: str = ""
    parameter: str = ""
    key_arn: str = ""

    @property
    def exists(self) -> bool:
        """Return whether the settings name a secret or a parameter."""
        return bool(self.arn or self.parameter)


OWN_SECRET = SecretSettings()


def read_secret(reader: Reader, platform: Platform | None) -> SecretSettings:
    """Read a connector's secret; mistakes are the reader's. `platform` is None for one that is not known."""
    secret = SecretSettings(
        arn=reader.text(
            "secret_arn",
            pattern=_SECRET,
            meaning="the ARN of a secret in Secrets Manager, with the six characters at its end",
            default="",
        ),
        parameter=reader.text(
            "ssm_parameter",
            pattern=r"(?=.{1,1011}\Z)/?[\w.-]+(/[\w.-]+)*",
            meaning="the name of an SSM parameter, such as /activation/meta",
            default="",
        ),
        key_arn=reader.text("secret_key_arn", pattern=KEY_ARN, meaning=KEY_MEANING, default=""),
    )
    if secret.arn and secret.parameter:
        reader.mistake("ssm_parameter", "there is a secret_arn already; a connector has one secret")
    if secret.parameter and platform and platform.authentication.rotates:
        reader.mistake(
            "ssm_parameter",
            f"{platform.title} replaces its token with each use, and only Secrets Manager can store the next one"
            " safely: use a secret",
        )
    if secret.key_arn and not secret.exists:
        reader.mistake("secret_key_arn", "the app's own secret is encrypted with the app's key")
    return secret


def own_secret(
    scope: Construct, connector: str, key: kms.IKey, removal: RemovalPolicy
) -> secretsmanager.CfnSecret:
    """Make a secret without a value: the operator writes it, so no template or history ever contains one."""
    secret = secretsmanager.CfnSecret(
        scope,
        "Secret",
        description=f"Credentials of connector {connector}; empty until an operator writes them",
        kms_key_id=key.key_arn,
    )
    secret.apply_removal_policy(removal)
    return secret


def existing_secret(scope: Construct, secret: SecretSettings) -> str:
    """Return the ARN of the secret or the parameter that the settings name."""
    if secret.arn:
        return secret.arn
    name = secret.parameter.removeprefix("/")
    return Stack.of(scope).format_arn(service="ssm", resource="parameter", resource_name=name)
