"""Log groups: encrypted with the app's key, kept for as many days as the settings say."""

from __future__ import annotations

from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.removal import removal_policy
from stacks.settings import Settings


def log_group(
    scope: Construct, settings: Settings, key: kms.IKey | None, id_: str = "Logs", *, name: str | None = None
) -> logs.LogGroup:
    """Make a log group in `scope`; without `name` CloudFormation chooses one."""
    group = logs.LogGroup(
        scope, id_, log_group_name=name, encryption_key=key, removal_policy=removal_policy(settings)
    )
    # The construct only accepts an enumeration; the resource and the settings use days.
    resource = group.node.default_child
    assert isinstance(resource, logs.CfnLogGroup)
    resource.retention_in_days = settings.retention.logs_days
    return group
