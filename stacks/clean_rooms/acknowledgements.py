"""The findings of cdk-nag that are accepted in the stack of Clean Rooms queries, each with its reason."""

from __future__ import annotations

from dataclasses import replace

from stacks.clean_rooms.permissions import collaboration_arns, manifests_arn, results_arn
from stacks.clean_rooms.stack import CleanRoomsStack
from stacks.findings import accept, arn_of
from stacks.storage import StorageStack


def acknowledge_clean_rooms(stack: CleanRoomsStack | None, storage: StorageStack) -> None:
    """Acknowledge the accepted findings of cdk-nag in the stack of Clean Rooms queries."""
    if stack is None:
        return
    runs = stack.runs
    accept(
        runs.undelivered,
        "SQS3",
        "It is a dead-letter queue, of schedules and a rule's target; cdk-nag only recognises those of queues.",
    )
    accept(
        runs.function,
        "L1",
        "The runtime is the one the wheel layers are built for, a setting; newer than needed is no gain.",
    )
    own = arn_of(storage.exports) if storage.exports else ""
    for query in (replace(one, bucket_arn=own) if one.bucket_arn else one for one in runs.queries):
        for arn in (results_arn(query), manifests_arn(query)):
            accept(
                runs.role,
                f"IAM5[Resource::{_spelt(stack, arn)}]",
                "What a query writes, and the manifest over it: below its own prefix, under names that AWS makes.",
            )
    for arn in collaboration_arns(runs.queries):
        accept(
            runs.role,
            f"IAM5[Resource::{_spelt(stack, arn)}]",
            "One collaboration by its id, of whichever account has created it: the settings do not say which.",
        )
    accept(
        runs.role,
        "IAM5[Resource::*]",
        "xray:PutTraceSegments and xray:PutTelemetryRecords, and no other action: X-Ray has no resources to name.",
    )


def _spelt(stack: CleanRoomsStack, arn: str) -> str:
    """Return an ARN as cdk-nag spells it: pseudo parameters in angle brackets."""
    resolved = stack.resolve(arn)
    parts = resolved["Fn::Join"][1] if isinstance(resolved, dict) else [resolved]
    return "".join(part if isinstance(part, str) else f"<{part['Ref']}>" for part in parts)
