"""What a company prescribes for every resource: a permissions boundary and tags."""

from __future__ import annotations

from aws_cdk import App, Stack, Tags
from aws_cdk import aws_iam as iam

from stacks.settings import Settings


def prescribe(app: App, storage: Stack, settings: Settings) -> None:
    """Bound every role by the policy of the settings, and give every resource their tags."""
    if settings.permissions_boundary:
        policy = iam.ManagedPolicy.from_managed_policy_arn(storage, "Boundary", settings.permissions_boundary)
        iam.PermissionsBoundary.of(app).apply(policy)
    for key, value in settings.tags:
        Tags.of(app).add(key, value)
