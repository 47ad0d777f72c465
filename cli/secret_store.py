"""A connector's secret as the command reads and writes it: a secret, or an SSM parameter in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from activation.authentication.store import SecretVersion


def read(arn: str) -> SecretVersion | None:
    """Return the current version, None if nothing was written yet; raises what `read_secret` raises."""
    from lambdas.doctor.secret import read_secret

    return read_secret(arn)


def write(arn: str, text: str, *, instead_of: SecretVersion | None = None) -> None:
    """Write a new version, on condition that `instead_of`, if given, is still the current one.

    Raises ClientError and BotoCoreError, ConfigError for an SDK that is too old or a permission that is missing,
    Retryable, and Replaced if the secret has changed.
    """
    from activation.authentication.parameter import is_parameter, secret_client
    from activation.authentication.store import SecretStore

    if is_parameter(arn):
        _write_parameter(arn, text)
    elif instead_of is None:
        secret_client(arn).put_secret_value(SecretId=arn, SecretString=text)
    else:
        SecretStore(secret_client(arn), arn).replace(instead_of, text)


def _write_parameter(arn: str, text: str) -> None:
    """Write an existing parameter again, under the key that it has: without one, SSM would take its default."""
    import boto3

    client = boto3.client("ssm")
    name = client.get_parameter(Name=arn)["Parameter"]["Name"]
    found = client.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": [name]}])["Parameters"]
    key = {"KeyId": found[0]["KeyId"]} if found and "KeyId" in found[0] else {}
    client.put_parameter(Name=name, Value=text, Type="SecureString", Overwrite=True, **key)
