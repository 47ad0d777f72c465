"""The findings of cdk-nag that are accepted in the stacks of Amazon Marketing Stream, each with its reason."""

from __future__ import annotations

from stacks.findings import accept
from stacks.marketing_stream import pinned
from stacks.marketing_stream.app import Streams
from stacks.marketing_stream.dataset import StreamDatasetStack
from stacks.marketing_stream.region import StreamRegionStack


def acknowledge_streams(streams: Streams) -> None:
    """Acknowledge the accepted findings of cdk-nag in the stacks of Amazon Marketing Stream."""
    for region in streams.regions.values():
        accept(region.access_logs, "S1", "It is where access is logged to; logging it would log itself.")
        if region.guard:
            _accept_guard(region)
    for stack in streams.datasets:
        _accept_stream(stack)


def _accept_guard(region: StreamRegionStack) -> None:
    guard = region.guard
    assert guard is not None
    accept(
        guard.function,
        "L1",
        "One runtime for all functions of the project: the one its tests run with, and a setting.",
    )
    here = "<AWS::Region>:<AWS::AccountId>"
    accept(
        guard.role,
        f"IAM5[Resource::arn:<AWS::Partition>:cloudformation:{here}:stack/*AmzStream-{region.realm}-*/*]",
        "The dataset stacks of one realm, by their names; CloudFormation makes the ends of their ARNs.",
    )


def _accept_kept(stack: StreamDatasetStack) -> None:
    """Accept what the roles of Amazon's example stack may do, while its functions may still be at work."""
    kept = stack.kept
    assert kept is not None
    reason = "A resource of Amazon's example stack, kept between the two deployments that replace it."
    bucket, dataset = f"<{pinned.LANDING_BUCKET}.Arn>", stack.wanted.dataset.id
    for prefix in (f"{dataset}/", f"errors/{dataset}/"):
        accept(kept, f"IAM5[Resource::{bucket}/{prefix}*]", reason)
    accept(kept, "IAM5[Action::s3:*Object]", reason)
    if stack.fan_out:
        accept(kept, f"IAM5[Resource::{stack.wanted.source}]", reason)
        managed = "Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
        accept(kept, f"IAM4[{managed}]", reason)


def _accept_stream(stack: StreamDatasetStack) -> None:
    bucket, dataset = f"<{pinned.LANDING_BUCKET}.Arn>", stack.wanted.dataset.id
    for prefix in (f"{dataset}/", f"errors/{dataset}/"):
        accept(
            stack.landing.role,
            f"IAM5[Resource::{bucket}/{prefix}*]",
            "The objects the delivery stream writes, below its own prefix; their names hold the time of writing.",
        )
    if stack.kept:
        _accept_kept(stack)
    roles = []
    if stack.fan_out:
        roles.append(stack.fan_out.confirm.role)
        for worker in (stack.fan_out.fan_out, stack.fan_out.confirm):
            accept(
                worker.function,
                "L1",
                "One runtime for all functions of the project: the one its tests run with, and a setting.",
            )
    if stack.direct:
        roles.append(stack.direct.subscriber_role)
    for role in roles:
        accept(
            role,
            f"IAM5[Resource::{stack.wanted.source}]",
            "Amazon's topics of this one dataset, in one account of Amazon's: it makes one for each advertiser.",
        )
