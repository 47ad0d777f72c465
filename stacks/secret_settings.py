"""Where a connector's credentials are: settings, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from activation.platforms.options import Value
from activation.platforms.platform import RENEW_TOKEN, Platform

from stacks.context import Reader
from stacks.names import KEY_ARN, KEY_MEANING

SECRET_ARN = r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]{1,512}-[A-Za-z0-9]{6}"  # noqa: S105  an ARN's form


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


def read_secret(reader: Reader, platform: Platform | None, options: Mapping[str, Value]) -> SecretSettings:
    """Read a connector's secret; mistakes are the reader's.

    `platform` is None for one that is not known, `options` are the connector's.
    """
    secret = SecretSettings(
        arn=reader.text(
            "secret_arn",
            pattern=SECRET_ARN,
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
    if secret.parameter and platform and platform.authentication_of(options).rotates:
        when = "with each use" if platform.authentication.rotates else f"by the option {RENEW_TOKEN}"
        reader.mistake(
            "ssm_parameter",
            f"{platform.title} replaces its token {when}, and only Secrets Manager can store the next one safely:"
            " use a secret",
        )
    if secret.key_arn and not secret.exists:
        reader.mistake("secret_key_arn", "the app's own secret is encrypted with the app's key")
    return secret
