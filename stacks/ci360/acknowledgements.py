"""The findings of cdk-nag that are accepted in the stack of SAS CI360, each with its reason."""

from __future__ import annotations

from stacks.ci360.stack import Ci360Stack
from stacks.findings import accept, arn_of, logical_id_of
from stacks.storage import StorageStack


def acknowledge_ci360(stack: Ci360Stack | None, storage: StorageStack) -> None:
    """Acknowledge the accepted findings of cdk-nag in the stack of SAS CI360."""
    if stack is None:
        return
    ci360 = stack.ci360
    for function in filter(None, (stack.webhook, stack.transfer, stack.results)):
        accept(
            function.function,
            "L1",
            "The runtime is the one the wheel layers are built for, a setting; newer than needed is no gain.",
        )
    if ci360.sas_files:
        made = storage.sas_files
        bucket = arn_of(made) if made else f"arn:<AWS::Partition>:s3:::{ci360.sas_files.bucket}"
        accept(
            stack.transfer.role,
            f"IAM5[Resource::{bucket}/*]",
            "Files under the names that tasks choose, as SAS's own connector writes them, in a bucket for that.",
        )
        if made and storage.sas_files_reader:
            accept(
                storage.sas_files_reader,
                f"IAM5[Resource::<{logical_id_of(made)}.Arn>/*]",
                "Every object of a bucket that is there to be read by whoever has the policy.",
            )
    for prefix in ci360.prefixes:
        accept(
            stack.transfer.role,
            f"IAM5[Resource::{arn_of(storage.drops)}/{prefix}/*]",
            "Files below a prefix that the settings open to CI360; their names hold the occurrence's id.",
        )
    for rule in ("APIG4", "COG4"):
        accept(
            stack.api.method,
            rule,
            "SAS CI360's connector signs in with a key in a header; a usage plan and the addresses in the"
            " settings limit its use.",
        )
    if not ci360.allowed_ips:
        accept(
            stack.api.api.deployment_stage,
            "APIG3",
            "SAS publishes no addresses of CI360's; whoever knows theirs lists them in `allowed_ips`.",
        )
    if ci360.logs_role == "none":
        accept(
            stack.api.api.deployment_stage,
            "APIG1",
            "Access logs need a role that the whole account and region share; `logs_role` asks for one.",
        )
    accept(
        stack.api.api.deployment_stage,
        "APIG6",
        "Execution logs go to a group of API Gateway's own, without retention or key; the function logs calls.",
    )
    if ci360.logs_role == "app":
        accept(
            stack.api.logs_role,
            "IAM5[Resource::arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:*]",
            "It is the one role with which API Gateway logs for every API of the account and region.",
        )
    if stack.results:
        accept(
            stack.secret,
            "SMG4",
            "The access point's secret is issued and renewed in CI360; a rotation function has nothing to call.",
        )
