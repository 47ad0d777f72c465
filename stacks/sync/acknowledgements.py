"""The findings of cdk-nag that are accepted in the stack of the sync, each with its reason."""

from __future__ import annotations

from stacks.connector_settings import AUDIENCE_FILE
from stacks.findings import accept, arn_of
from stacks.storage import StorageStack
from stacks.sync.permissions import DECLARATIONS, EXPORTS, RECEIPTS
from stacks.sync.settings import ATHENA
from stacks.sync.stack import SyncStack


def acknowledge_sync(stack: SyncStack | None, storage: StorageStack) -> None:
    """Acknowledge the accepted findings of cdk-nag in the stack of the sync."""
    if stack is None:
        return
    sync = stack.sync
    accept(
        sync.undelivered,
        "SQS3",
        "It is a dead-letter queue, of a rule's target; cdk-nag only recognises those of queues and functions.",
    )
    accept(
        sync.function,
        "L1",
        "The runtime is the one the wheel layers are built for, a setting; newer than needed is no gain.",
    )
    for secret in sync.secrets.values():
        accept(
            secret,
            "SMG4",
            "A login of the company's database, which rotates it as its own secrets; the function reads it again.",
        )
    drops, mirrors = arn_of(storage.drops), arn_of(storage.mirrors)
    for resource, why in (
        (f"{mirrors}/{DECLARATIONS}*", "What was declared: the objects of one folder."),
        (f"{drops}/{EXPORTS}", "Exports of the sync, of any connector and audience, by how their folders begin."),
        (
            f"{drops}/*/{AUDIENCE_FILE}",
            "The files that say what audiences are like, of any connector and audience.",
        ),
        (
            f"{arn_of(storage.receipts)}/{RECEIPTS}",
            "Receipts of runs that sent exports, whose names are not known.",
        ),
    ):
        accept(sync.role, f"IAM5[Resource::{resource}]", why)
    accept(
        sync.role,
        "IAM5[Resource::*]",
        "X-Ray has no resources to name, nor has EC2 for the network interfaces of a function in a VPC.",
    )
    here = "<AWS::Region>:<AWS::AccountId>"
    for source in stack.settings.sources:
        if source.kind != ATHENA:
            continue
        accept(
            sync.role,
            f"IAM5[Resource::arn:<AWS::Partition>:glue:{here}:table/{source.database}/*]",
            "The tables of a source's database, as its SQL names them.",
        )
        for bucket in source.buckets:
            accept(
                sync.role,
                f"IAM5[Resource::arn:<AWS::Partition>:s3:::{bucket}/*]",
                "The objects of a lake's tables, to be read.",
            )
        if source.results:
            accept(
                sync.role,
                f"IAM5[Resource::arn:<AWS::Partition>:s3:::{source.results}*]",
                "What Athena notes of statements in the workgroup's result location, under names that it makes.",
            )
    accept(
        stack.operator,
        f"IAM5[Resource::{mirrors}/{DECLARATIONS}*]",
        "What is declared: the objects of one folder.",
    )
    accept(
        stack.operator,
        f"IAM5[Resource::arn:<AWS::Partition>:cloudformation:{here}:stack/{stack.stack_name}/*]",
        "One stack by its name; CloudFormation makes the end of its ARN.",
    )
