"""The findings of cdk-nag that are accepted in the stack of exports, each with its reason."""

from __future__ import annotations

from aws_cdk import aws_s3 as s3

from stacks.findings import accept, arn_of
from stacks.normalize.permissions import LISTINGS
from stacks.normalize.stack import NormalizeStack
from stacks.storage import StorageStack


def acknowledge_normalize(stack: NormalizeStack | None, storage: StorageStack) -> None:
    """Acknowledge the accepted findings of cdk-nag in the stack of exports."""
    if stack is None:
        return
    own = storage.exports
    exports = arn_of(own) if isinstance(own, s3.Bucket) else f"arn:<AWS::Partition>:s3:::{stack.normalize.bucket}"
    accept(
        stack.start.function,
        "L1",
        "The runtime is the one the wheel layers are built for, a setting; newer than needed is no gain.",
    )
    for role in (stack.job.role, stack.start.role):
        for one in stack.normalize.exports:
            accept(
                role,
                f"IAM5[Resource::{exports}/{one.prefix}*]",
                "The files of an export: objects below its prefix, whose names are not known beforehand.",
            )
        accept(
            role,
            f"IAM5[Resource::{arn_of(storage.receipts)}/{LISTINGS}*]",
            "The lists of exports' files, each under the name of its export and occasion.",
        )
    for name in sorted({one.mapping.connector for one in stack.normalize.exports}):
        accept(
            stack.job.role,
            f"IAM5[Resource::{arn_of(storage.drops)}/{name}/*]",
            "The drops that mappings make for this connector: folders below its prefix, named by occasions.",
        )
    accept(
        stack.start.role,
        "IAM5[Resource::*]",
        "xray:PutTraceSegments and xray:PutTelemetryRecords, and no other action: X-Ray has no resources to name.",
    )
