"""The role with which EventBridge Scheduler acts for a schedule."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from constructs import Construct


def schedule_role(
    scope: Construct, description: str, statements: Sequence[iam.PolicyStatement], *, policy: str = "Schedule"
) -> iam.Role:
    """Make a role that Scheduler assumes for schedules of this account alone, allowed what `statements` say.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html, read
    2026-11-30
    """
    return iam.Role(
        scope,
        "ScheduleRole",
        description=description,
        assumed_by=iam.ServicePrincipal(
            "scheduler.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
        ),
        inline_policies={policy: iam.PolicyDocument(statements=list(statements))},
    )
