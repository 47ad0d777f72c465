"""A connector's secret as `doctor` reads it: one without a value is not one that does not exist."""

from __future__ import annotations

import boto3
from activation.authentication.parameter import is_parameter, secret_client
from activation.authentication.store import SecretVersion
from botocore.exceptions import ClientError


def read_secret(arn: str) -> SecretVersion | None:
    """Return the current version of a secret or parameter, None if nothing was written yet.

    Raises ClientError and BotoCoreError, and ConfigError for an SDK that is too old. For a secret without a value
    AWS answers as for one that does not exist.
    """
    try:
        answer = secret_client(arn).get_secret_value(SecretId=arn)
    except ClientError as error:
        if is_parameter(arn) or error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        try:
            boto3.client("secretsmanager").describe_secret(SecretId=arn)
        except ClientError:
            raise error from None
        return None
    text = answer.get("SecretString", "")
    return SecretVersion(text, answer["VersionId"]) if text else None
