"""What is left of an app is found by its name, and by what its stacks held."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from smoke import leftovers

APP = "smoke-12345678"
GLUE = "database"  # for which moto needs a package that nothing else does


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[leftovers.Client]:
    """Return what makes clients of an empty account."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(leftovers, "LISTED", {kind: one for kind, one in leftovers.LISTED.items() if kind != GLUE})
    with mock_aws():

        def client(service: str) -> Any:
            return boto3.client(service)  # type: ignore[call-overload]  # the service is not a literal here

        yield client


def test_of_an_account_without_the_app_nothing_is_left(aws: leftovers.Client) -> None:
    """Another app's bucket does not count."""
    aws("s3").create_bucket(Bucket="audience-activation-drops")
    assert leftovers.said(leftovers.left(aws, APP, {})) == "nothing"


def test_a_thing_of_the_apps_name_is_left(aws: leftovers.Client) -> None:
    """Each is named, so that it can be removed by hand."""
    aws("s3").create_bucket(Bucket=f"{APP}-storage-drops")
    aws("sqs").create_queue(QueueName=f"{APP}-activation-Queue")
    aws("logs").create_log_group(logGroupName=f"/aws/lambda/{APP}-activation-Function")
    found = leftovers.left(aws, APP, {})
    assert {one.kind for one in found} == {"bucket", "queue", "log group"}
    assert f"bucket {APP}-storage-drops" in leftovers.said(found)


def test_a_thing_without_the_apps_name_is_found_among_what_its_stacks_held(aws: leftovers.Client) -> None:
    """A secret and a key have names of their own; before they are deleted they are left, afterwards pending."""
    arn = aws("secretsmanager").create_secret(Name="MetaSecret", SecretString="{}")["ARN"]
    key = aws("kms").create_key()["KeyMetadata"]["KeyId"]
    known = {arn: "AWS::SecretsManager::Secret", key: "AWS::KMS::Key"}
    assert [one.pending for one in leftovers.left(aws, APP, known)] == [False, False]
    aws("secretsmanager").delete_secret(SecretId=arn, RecoveryWindowInDays=7)
    aws("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    found = leftovers.left(aws, APP, known)
    assert all(one.pending for one in found)
    assert leftovers.said(found) == "1 key and 1 secret pending deletion"
