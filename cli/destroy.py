"""`activation destroy`: remove the app and all it keeps from an account, after listing it and asking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

# In the order in which they go: the others use what the storage stack exports.
PARTS = ("activation", "ci360", "storage")
SECRET_DAYS, KEY_DAYS = 7, 7  # the shortest that AWS offers: until then both can be restored
BATCH = 1000  # objects that S3 deletes at once


def destroy(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; for scripts.")] = False,
) -> None:
    """Remove the stacks, and every drop, receipt, record, dead letter and secret of the app.

    Lists what goes, and goes on when the app's name is typed. Secrets and the key can be restored for a week;
    nothing else can. Stacks of Amazon Marketing Stream are left alone.
    """
    import boto3

    from cli import deployment

    name = deployment.app_name()
    client = boto3.client("cloudformation")
    stacks = {stack: kept for part in PARTS if (kept := _resources(client, stack := f"{name}-{part}"))}
    if not stacks:
        deployment.fail(f"no stack of {name} is deployed in this account and region")
    for line in _listed(stacks):
        print(line)
    if (
        not yes
        and typer.prompt(f"All of this goes, for good. Type {name} to go on", default="", show_default=False)
        != name
    ):
        deployment.fail("nothing was removed")
    for stack, resources in stacks.items():
        _delete(client, stack, resources)
    if refused := remove(stacks):
        deployment.fail("\n".join(refused))
    print(f"{name} is removed; its secrets and its key can be restored for {KEY_DAYS} days")


def _delete(client: CloudFormationClient, stack: str, resources: Mapping[str, str]) -> None:
    """Delete a stack, its buckets emptied; end the command if AWS cannot."""
    from botocore.exceptions import WaiterError

    from cli import deployment

    for name, kind in resources.items():
        if kind == "AWS::S3::Bucket":
            _empty(name)  # else a stack that deletes its buckets would fail
    if client.describe_stacks(StackName=stack)["Stacks"][0].get("EnableTerminationProtection"):
        client.update_termination_protection(EnableTerminationProtection=False, StackName=stack)
    print(f"deleting {stack}")
    client.delete_stack(StackName=stack)
    try:
        waiter = client.get_waiter("stack_delete_complete")
        waiter.wait(StackName=stack, WaiterConfig={"Delay": 5, "MaxAttempts": 360})
    except WaiterError:
        deployment.fail(f"{stack} could not be deleted: see its events in CloudFormation, then try again")


def _resources(client: CloudFormationClient, stack: str) -> dict[str, str]:
    """Return a stack's resources as physical id -> type, none if there is no such stack."""
    from botocore.exceptions import ClientError

    try:
        pages = client.get_paginator("list_stack_resources").paginate(StackName=stack)
        return {
            one["PhysicalResourceId"]: one["ResourceType"]
            for page in pages
            for one in page["StackResourceSummaries"]
            if one.get("PhysicalResourceId")
        }
    except ClientError as error:
        if "does not exist" in str(error):
            return {}
        raise


def _listed(stacks: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return what goes, a line for each stack and for each thing that holds data."""
    lines = []
    for stack, resources in stacks.items():
        kinds = Counter(kind for kind in resources.values() if kind in REMOVERS)
        lines.append(f"{stack}: {len(resources)} resources")
        lines += [f"  {count} {kind.removeprefix('AWS::')}" for kind, count in sorted(kinds.items())]
        lines += [f"  bucket {name}" for name, kind in resources.items() if kind == "AWS::S3::Bucket"]
    return lines


def remove(stacks: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Remove what the stacks left behind, as `removal` `retain` asks them to; what is gone is passed over.

    Returns a sentence for each thing that AWS refused to remove.
    """
    from botocore.exceptions import ClientError

    refused = []
    # The key last: the others are encrypted with it. Access logs after the buckets whose access they log.
    for kind, remover in REMOVERS.items():
        for resources in stacks.values():
            for name in sorted(resources, key=lambda one: "accesslogs" in one):
                if resources[name] != kind:
                    continue
                try:
                    remover(name)
                except ClientError as error:
                    code = error.response.get("Error", {}).get("Code", "")
                    if code not in GONE:
                        refused.append(f"{kind} {name} is left, remove it by hand: AWS answered {code}")
    return refused


def _bucket(name: str) -> None:
    import boto3

    _empty(name)  # access logs may have arrived meanwhile
    boto3.client("s3").delete_bucket(Bucket=name)


def _empty(name: str) -> None:
    """Delete every version of every object of a bucket."""
    import boto3

    client = boto3.client("s3")
    for page in client.get_paginator("list_object_versions").paginate(Bucket=name):
        every = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        for start in range(0, len(every), BATCH):
            some = every[start : start + BATCH]
            objects: list[ObjectIdentifierTypeDef] = [
                {"Key": one["Key"], "VersionId": one["VersionId"]} for one in some
            ]
            client.delete_objects(Bucket=name, Delete={"Objects": objects, "Quiet": True})


def _table(name: str) -> None:
    import boto3

    client = boto3.client("dynamodb")
    client.update_table(TableName=name, DeletionProtectionEnabled=False)
    client.delete_table(TableName=name)


def _queue(url: str) -> None:
    import boto3

    boto3.client("sqs").delete_queue(QueueUrl=url)


def _secret(arn: str) -> None:
    import boto3

    boto3.client("secretsmanager").delete_secret(SecretId=arn, RecoveryWindowInDays=SECRET_DAYS)


def _archive(name: str) -> None:
    import boto3

    boto3.client("events").delete_archive(ArchiveName=name)


def _logs(name: str) -> None:
    import boto3

    boto3.client("logs").delete_log_group(logGroupName=name)


def _key(key: str) -> None:
    import boto3

    boto3.client("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=KEY_DAYS)


REMOVERS: Mapping[str, Callable[[str], None]] = {
    "AWS::S3::Bucket": _bucket,
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
