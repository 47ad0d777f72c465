"""`activation destroy` against stacks whose resources are retained."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from moto import mock_aws
from typer.testing import CliRunner

from cli import __main__, app_stacks, removal
from cli.app_stacks import AppStack, find_stacks
from cli.removal import remove

RETAIN = {"DeletionPolicy": "Retain"}


def template(**resources: tuple[str, dict[str, Any]]) -> str:
    """Return a template of resources that stay when their stack goes."""
    found = {name: {"Type": kind, "Properties": given, **RETAIN} for name, (kind, given) in resources.items()}
    return json.dumps({"Resources": found})


@pytest.fixture
def deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Deploy two stacks of the app with data in them, and settings that name it."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    settings = {"audience_activation": {"connectors": [{"name": "meta", "platform": "meta"}]}}
    (tmp_path / "cdk.context.json").write_text(json.dumps(settings))
    monkeypatch.chdir(tmp_path)
    with mock_aws():
        client = boto3.client("cloudformation")
        key = {"AttributeName": "pk", "KeyType": "HASH"}
        storage = template(
            Receipts=("AWS::S3::Bucket", {"VersioningConfiguration": {"Status": "Enabled"}}),
            Ledger=(
                "AWS::DynamoDB::Table",
                {
                    "KeySchema": [key],
                    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                    "BillingMode": "PAY_PER_REQUEST",
                    "DeletionProtectionEnabled": True,
                },
            ),
            Key=("AWS::KMS::Key", {"KeyPolicy": '{"Statement": []}'}),
        )
        activation = template(DeadLetters=("AWS::SQS::Queue", {}))
        for name, body in (("storage", storage), ("activation", activation)):
            client.create_stack(StackName=f"audience-activation-{name}", TemplateBody=body)
        (bucket,) = boto3.client("s3").list_buckets()["Buckets"]
        for text in (b"first", b"second"):
            boto3.client("s3").put_object(Bucket=bucket["Name"], Key="receipts/one.json", Body=text)
        boto3.client("s3").delete_object(Bucket=bucket["Name"], Key="receipts/one.json")
        yield


def left() -> dict[str, int]:
    """Count what is left in the account."""
    return {
        "buckets": len(boto3.client("s3").list_buckets()["Buckets"]),
        "tables": len(boto3.client("dynamodb").list_tables()["TableNames"]),
        "queues": len(boto3.client("sqs").list_queues().get("QueueUrls", [])),
        "stacks": len(boto3.client("cloudformation").describe_stacks()["Stacks"]),
    }


@pytest.mark.usefixtures("deployed")
def test_everything_goes_once_the_name_is_typed() -> None:
    """Buckets are emptied with all versions, and what the stacks retain is removed as well."""
    result = CliRunner().invoke(__main__.app, ["destroy"], input="audience-activation\n")
    assert result.exit_code == 0, result.output
    assert "audience-activation-storage (eu-west-1): 3 resources" in result.output
    assert "Amazon" not in result.output
    assert left() == dict.fromkeys(("buckets", "tables", "queues", "stacks"), 0)
    (key,) = boto3.client("kms").list_keys()["Keys"]
    assert boto3.client("kms").describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] == "PendingDeletion"


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("typed", ["\n", "yes\n", "audience\n"])
def test_nothing_goes_for_any_other_answer(typed: str) -> None:
    """Only the app's own name is taken for a yes."""
    before = left()
    result = CliRunner().invoke(__main__.app, ["destroy"], input=typed)
    assert (result.exit_code, left()) == (1, before)
    assert "nothing was removed" in result.output


@pytest.mark.usefixtures("deployed")
def test_a_second_try_finds_nothing_to_remove() -> None:
    """After everything is gone the command says so."""
    CliRunner().invoke(__main__.app, ["destroy", "--yes"])
    result = CliRunner().invoke(__main__.app, ["destroy", "--yes"])
    assert result.exit_code == 1
    assert "no stack of audience-activation is deployed" in result.output


@pytest.mark.usefixtures("deployed")
def test_what_a_deleted_stack_kept_goes_although_a_later_stack_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second try could not find it any more: nothing but the stack would have said whose it is."""
    delete = removal.delete_stack
    monkeypatch.setattr(removal, "delete_stack", lambda one: "storage" not in one.name and delete(one))
    result = CliRunner().invoke(__main__.app, ["destroy", "--yes"])
    assert result.exit_code == 1
    assert "audience-activation-storage could not be deleted" in result.output
    assert (left()["queues"], left()["stacks"]) == (0, 1)
    monkeypatch.setattr(removal, "delete_stack", delete)
    assert CliRunner().invoke(__main__.app, ["destroy", "--yes"]).exit_code == 0
    assert left() == dict.fromkeys(("buckets", "tables", "queues", "stacks"), 0)


@pytest.mark.usefixtures("deployed")
def test_a_table_is_deleted_once_its_protection_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a table is being updated DynamoDB refuses to delete it, so the command waits."""
    client = boto3.client("dynamodb")
    (table,) = client.list_tables()["TableNames"]
    statuses = ["UPDATING", "UPDATING", "ACTIVE"]
    call = BaseClient._make_api_call  # type: ignore[attr-defined]  # private: all calls go through it

    def updating(self: BaseClient, operation: str, given: dict[str, Any]) -> Any:
        if operation == "DeleteTable" and len(statuses) > 1:
            raise ClientError({"Error": {"Code": "ResourceInUseException"}}, operation)
        answer = call(self, operation, given)
        if operation == "DescribeTable":
            answer["Table"]["TableStatus"] = statuses.pop(0) if len(statuses) > 1 else statuses[0]
        return answer

    monkeypatch.setattr(BaseClient, "_make_api_call", updating)
    monkeypatch.setattr("botocore.waiter.time.sleep", lambda _: None)
    assert remove([AppStack("stack", "eu-west-1", {table: "AWS::DynamoDB::Table"})]) == []
    assert client.list_tables()["TableNames"] == []


@pytest.mark.usefixtures("deployed")
def test_a_secret_can_be_restored_for_a_while() -> None:
    """Secrets and what is gone already: the one is kept for a week, the other passed over."""
    client = boto3.client("secretsmanager")
    arn = client.create_secret(Name="meta", SecretString="{}")["ARN"]
    gone = {"gone": "AWS::S3::Bucket", "lost": "AWS::DynamoDB::Table"}
    stack = AppStack("stack", "eu-west-1", {arn: "AWS::SecretsManager::Secret", **gone})
    assert remove([stack]) == []
    days = client.describe_secret(SecretId=arn)["DeletedDate"] - datetime.now(tz=UTC)
    assert timedelta(days=6) < days < timedelta(days=8)


@pytest.fixture
def streaming(deployed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deploy stacks of the stream as well: two that use the realm's, and one of somebody else's."""
    client = boto3.client("cloudformation", region_name="us-west-2")
    bucket = {"Type": "AWS::S3::Bucket", **RETAIN}
    logs = {"Value": {"Ref": "AccessLogs"}, "Export": {"Name": "audience-activation-stream-fe:AccessLogs"}}
    shared = json.dumps({"Resources": {"AccessLogs": bucket}, "Outputs": {"AccessLogs": logs}})
    client.create_stack(StackName="audience-activation-stream-fe", TemplateBody=shared)
    for name in ("AmzStream-FE-ads", "AmzStream-FE-sp-traffic", "AmzStream-FE-targets"):
        client.create_stack(StackName=name, TemplateBody=template(Queue=("AWS::SQS::Queue", {})))
    # The AWS of these tests does not know who imports what; the emulator of the end-to-end tests does.
    client.create_stack(StackName="finance-dashboard", TemplateBody=template(Facts=("AWS::S3::Bucket", {})))
    ours = ["AmzStream-FE-sp-traffic", "AmzStream-FE-ads"]
    using = {"audience-activation-stream-fe:AccessLogs": [*ours, "finance-dashboard"]}
    monkeypatch.setattr(app_stacks, "importers", lambda _, export: using[export])


@pytest.mark.usefixtures("streaming")
def test_the_stacks_of_the_stream_go_first_in_their_own_region() -> None:
    """Those that use what the realm's own stack exports go before it; their names alone make nobody's theirs."""
    found = find_stacks("audience-activation")
    assert [(one.name, one.region) for one in found.stacks if one.streams] == [
        ("AmzStream-FE-ads", "us-west-2"),
        ("AmzStream-FE-sp-traffic", "us-west-2"),
        ("audience-activation-stream-fe", "us-west-2"),
    ]
    result = CliRunner().invoke(__main__.app, ["destroy"], input="audience-activation\n")
    assert result.exit_code == 0, result.output
    assert "archive them first" in result.output
    assert result.output.index("deleting AmzStream-FE-ads") < result.output.index(
        "deleting audience-activation-st"
    )
    stacks = boto3.client("cloudformation", region_name="us-west-2").describe_stacks()["Stacks"]
    assert {one["StackName"] for one in stacks} == {"AmzStream-FE-targets", "finance-dashboard"}
    assert len(boto3.client("sqs", region_name="us-west-2").list_queues()["QueueUrls"]) == 1
    (bucket,) = boto3.client("s3").list_buckets()["Buckets"]
    assert bucket["Name"].startswith("finance-dashboard")


@pytest.mark.usefixtures("streaming")
def test_the_stacks_of_the_stream_can_be_kept() -> None:
    """With --keep-streams nothing of them is listed, asked about or deleted."""
    result = CliRunner().invoke(__main__.app, ["destroy", "--keep-streams"], input="audience-activation\n")
    assert result.exit_code == 0, result.output
    assert "tream" not in result.output
    assert len(boto3.client("cloudformation", region_name="us-west-2").describe_stacks()["Stacks"]) == 5
