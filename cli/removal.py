"""Deleting stacks and what they keep: buckets with all versions, tables, queues, archives, logs, secrets, keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from cli.app_stacks import AppStack

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

SECRET_DAYS, KEY_DAYS = 7, 7  # the shortest that AWS offers: until then both can be restored
BATCH = 1000  # objects that S3 deletes at once
BUCKET = "AWS::S3::Bucket"


def delete_stack(stack: AppStack) -> bool:
    """Delete a stack, its buckets emptied and its protection lifted; return whether AWS could."""
    import boto3
    from botocore.exceptions import WaiterError

    client = boto3.client("cloudformation", region_name=stack.region)
    for name, kind in stack.resources.items():
        if kind == BUCKET:
            _empty(name, stack.region)  # else a stack that deletes its buckets would fail
    if client.describe_stacks(StackName=stack.name)["Stacks"][0].get("EnableTerminationProtection"):
        client.update_termination_protection(EnableTerminationProtection=False, StackName=stack.name)
    client.delete_stack(StackName=stack.name)
    try:
        waiter = client.get_waiter("stack_delete_complete")
        waiter.wait(StackName=stack.name, WaiterConfig={"Delay": 5, "MaxAttempts": 360})
    except WaiterError:
        return False
    return True


def remove(stacks: Iterable[AppStack]) -> list[str]:
    """Remove what the stacks left behind, as `removal` `retain` asks them to; what is gone is passed over.

    Returns a sentence for each thing that AWS refused to remove.
    """
    from botocore.exceptions import ClientError

    refused, listed = [], list(stacks)
    # The keys last: the others are encrypted with them. Access logs after the buckets whose access they log.
    for kind, remover in REMOVERS.items():
        left = [(name, one.region) for one in listed for name in one.resources if one.resources[name] == kind]
        for name, region in sorted(left, key=lambda one: "accesslogs" in one[0]):
            try:
                remover(name, region)
            except ClientError as error:
                code = error.response.get("Error", {}).get("Code", "")
                if code not in GONE:
                    refused.append(f"{kind} {name} is left, remove it by hand: AWS answered {code}")
    return refused


def _bucket(name: str, region: str) -> None:
    import boto3

    _empty(name, region)  # access logs may have arrived meanwhile
    boto3.client("s3", region_name=region).delete_bucket(Bucket=name)


def _empty(name: str, region: str) -> None:
    """Delete every version of every object of a bucket, if it is there."""
    import boto3
    from botocore.exceptions import ClientError

    client = boto3.client("s3", region_name=region)
    try:
        for page in client.get_paginator("list_object_versions").paginate(Bucket=name):
            every = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            for start in range(0, len(every), BATCH):
                some = every[start : start + BATCH]
                objects: list[ObjectIdentifierTypeDef] = [
                    {"Key": one["Key"], "VersionId": one["VersionId"]} for one in some
                ]
                client.delete_objects(Bucket=name, Delete={"Objects": objects, "Quiet": True})
    except ClientError as error:
        if error.response.get("Error", {}).get("Code", "") not in GONE:  # gone: an earlier try was cut off
            raise


def _table(name: str, region: str) -> None:
    import boto3

    client = boto3.client("dynamodb", region_name=region)
    client.update_table(TableName=name, DeletionProtectionEnabled=False)
    # A table that is being updated is not deleted but answers ResourceInUseException (read 2026-11-30):
    # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteTable.html
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 5, "MaxAttempts": 60})
    client.delete_table(TableName=name)


def _queue(url: str, region: str) -> None:
    import boto3

    boto3.client("sqs", region_name=region).delete_queue(QueueUrl=url)


def _secret(arn: str, region: str) -> None:
    import boto3

    client = boto3.client("secretsmanager", region_name=region)
    client.delete_secret(SecretId=arn, RecoveryWindowInDays=SECRET_DAYS)


def _archive(name: str, region: str) -> None:
    import boto3

    boto3.client("events", region_name=region).delete_archive(ArchiveName=name)


def _logs(name: str, region: str) -> None:
    import boto3

    boto3.client("logs", region_name=region).delete_log_group(logGroupName=name)


def _key(key: str, region: str) -> None:
    import boto3

    boto3.client("kms", region_name=region).schedule_key_deletion(KeyId=key, PendingWindowInDays=KEY_DAYS)


REMOVERS: Mapping[str, Callable[[str, str], None]] = {
    BUCKET: _bucket,
    "AWS::DynamoDB::Table": _table,
    "AWS::SQS::Queue": _queue,
    "AWS::Events::Archive": _archive,
    "AWS::SecretsManager::Secret": _secret,
    "AWS::Logs::LogGroup": _logs,
    "AWS::KMS::Key": _key,
}
GONE = frozenset(
    {
        "NoSuchBucket", "ResourceNotFoundException", "AWS.SimpleQueueService.NonExistentQueue",
        "QueueDoesNotExist", "NotFoundException", "KMSInvalidStateException",
    }
)  # fmt: skip
