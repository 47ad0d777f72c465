"""CloudFormation resources that the emulator provisions in part."""

from __future__ import annotations

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from tests.unit.sandbox.emulator.driver import ROLE, Emulator, until


def test_reference_to_a_secret_is_its_arn_and_it_has_no_value(emulator: Emulator) -> None:
    """`Ref` of a secret gives the ARN; until a value is put, reading it fails as on AWS."""
    arn = emulator.stack({"S": {"Type": "AWS::SecretsManager::Secret", "Properties": {}}}, {"Arn": {"Ref": "S"}})[
        "Arn"
    ]
    assert arn.startswith("arn:aws:secretsmanager:us-east-1:111122223333:secret:")
    secrets = emulator.client("secretsmanager")
    with pytest.raises(ClientError) as raised:
        secrets.get_secret_value(SecretId=arn)
    assert raised.value.response["Error"]["Code"] == "ResourceNotFoundException"
    secrets.put_secret_value(SecretId=arn, SecretString="{}")
    assert secrets.get_secret_value(SecretId=arn)["SecretString"] == "{}"


def test_secret_keeps_its_arn_on_update_and_goes_with_its_stack(emulator: Emulator) -> None:
    """A changed description keeps the secret and its value; deleting the stack removes it."""
    cloudformation, secrets = emulator.client("cloudformation"), emulator.client("secretsmanager")
    name = f"s{uuid.uuid4().hex[:8]}"

    def template(description: str) -> str:
        secret = {"Type": "AWS::SecretsManager::Secret", "Properties": {"Description": description}}
        return json.dumps({"Resources": {"S": secret}})

    def arn() -> str:
        (resource,) = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
        return str(resource["PhysicalResourceId"])

    cloudformation.create_stack(StackName=name, TemplateBody=template("one"))
    until(lambda: cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE")
    first = arn()
    secrets.put_secret_value(SecretId=first, SecretString="kept")
    cloudformation.update_stack(StackName=name, TemplateBody=template("two"))
    until(lambda: secrets.describe_secret(SecretId=first)["Description"] == "two")
    assert arn() == first
    assert secrets.get_secret_value(SecretId=first)["SecretString"] == "kept"
    cloudformation.delete_stack(StackName=name)
    until(lambda: first not in [one["ARN"] for one in secrets.list_secrets()["SecretList"]])


def test_function_keeps_reserved_concurrency_and_recursion_setting(emulator: Emulator) -> None:
    """What the template says of concurrency and loops is what the function has."""
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Role": ROLE,
            "Runtime": "python3.11",
            "Handler": "index.handler",
            "Code": {"ZipFile": "def handler(event, context): pass"},
            "ReservedConcurrentExecutions": 3,
            "RecursiveLoop": "Allow",
        },
    }
    name = emulator.stack({"F": function}, {"Name": {"Ref": "F"}})["Name"]
    client = emulator.client("lambda")
    assert client.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 3
    assert client.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Allow"


def test_table_expires_its_items_and_is_backed_up(emulator: Emulator) -> None:
    """The time to live and the continuous backups of the template are on."""
    table = {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
            "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        },
    }
    name = emulator.stack({"T": table}, {"Name": {"Ref": "T"}})["Name"]
    client = emulator.client("dynamodb")
    assert client.describe_time_to_live(TableName=name)["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "expires_at",
    }
    backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_a_failed_rule_of_a_template_creates_nothing(emulator: Emulator) -> None:
    """A template whose rule fails is refused with the rule's sentence, and leaves no stack behind."""
    cloudformation, name = emulator.client("cloudformation"), f"s{uuid.uuid4().hex[:8]}"
    undecided = {"Fn::Equals": [{"Ref": "Told"}, "undecided"]}
    template = {
        "Parameters": {"Told": {"Type": "String", "Default": "undecided"}},
        "Rules": {"R": {"Assertions": [{"Assert": {"Fn::Not": [undecided]}, "AssertDescription": "say who"}]}},
        "Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}}},
    }
    with pytest.raises(ClientError, match="say who"):
        cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    with pytest.raises(ClientError, match="does not exist"):
        cloudformation.describe_stacks(StackName=name)
    with pytest.raises(ClientError, match="NonExistentQueue"):
        emulator.client("sqs").get_queue_url(QueueName=name)
