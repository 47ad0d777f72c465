"""What becomes of resources with data when their stack is deleted."""

from __future__ import annotations

from aws_cdk import RemovalPolicy

from stacks.settings import Settings


def removal_policy(settings: Settings) -> RemovalPolicy:
    """Return the policy that the setting `removal` asks for: "destroy" deletes the data, all else keeps it."""
    return RemovalPolicy.DESTROY if settings.removal == "destroy" else RemovalPolicy.RETAIN
