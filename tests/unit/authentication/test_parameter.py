"""A connector whose credentials are in an SSM parameter."""

from __future__ import annotations

import json

import boto3
import pytest
from activation.authentication.parameter import secret_client
from activation.authentication.store import SecretStore
from activation.errors import ConfigError
from moto import mock_aws

ARN = "arn:aws:ssm:us-east-1:123456789012:parameter/activation/meta"


@mock_aws
def test_a_parameter_is_read_like_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its JSON is the credentials, decrypted, and another version of it is another version."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    ssm = boto3.client("ssm")  # type: ignore[call-overload,unused-ignore]  # no stubs of SSM
    for token in ("one", "two"):
        ssm.put_parameter(
            Name="/activation/meta", Type="SecureString", Value=json.dumps({"token": token}), Overwrite=True
        )
        if token == "one":
            store = SecretStore(secret_client(ARN), ARN)
            first = store.read()
    second = store.read(afresh=True)
    assert (first.values["token"], second.values["token"]) == ("one", "two")
    assert first.version_id != second.version_id


@mock_aws
def test_a_parameter_that_is_not_there_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run is blocked with the code of a missing secret."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with pytest.raises(ConfigError, match="ParameterNotFound") as raised:
        SecretStore(secret_client(ARN), ARN).read()
    assert raised.value.code == "no_secret"


def test_a_secret_is_read_from_secrets_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ARN says which service is asked."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = secret_client("arn:aws:secretsmanager:us-east-1:123456789012:secret:parameter-AbCdEf")
    assert client.meta.service_model.service_name == "secretsmanager"
