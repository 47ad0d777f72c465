"""The findings of cdk-nag that are accepted in the stack of exports, each with its reason."""

from __future__ import annotations

from aws_cdk import aws_s3 as s3

from stacks.findings import accept, arn_of
from stacks.normalize.databrew import LOGS
from stacks.normalize.job import NormalizeJob
from stacks.normalize.permissions import LISTINGS, RECORDS, REPORT
from stacks.normalize.stack import NormalizeStack
from stacks.normalize.start import StartFunction
from stacks.receipt_table import RESULTS_OF_EXPORTS, RESULTS_OF_PARTS
from stacks.storage import StorageStack


def acknowledge_normalize(stack: NormalizeStack | None, storage: StorageStack) -> None:
    """Acknowledge the accepted findings of cdk-nag in the stack of exports."""
    if stack is None:
        return
    own = storage.exports
    exports = arn_of(own) if isinstance(own, s3.Bucket) else f"arn:<AWS::Partition>:s3:::{stack.normalize.bucket}"
    for name, made in stack.databrew.items():
        (export,) = (each for each in stack.normalize.exports if each.name == name)
        for resource in (
            f"{exports}/{export.prefix}*",
            f"{arn_of(storage.drops)}/{export.mapping.connector}/*",
        ):
            accept(
                made.role,
                f"IAM5[Resource::{resource}]",
                "Objects below the export's prefix and the connector's, whose names are not known beforehand.",
            )
        accept(
            made.role,
            f"IAM5[Resource::arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:{LOGS}]",
            "DataBrew makes its log groups itself, under this name.",
        )
    if stack.catalogue is not None:
        for prefix in stack.catalogue.readable:
            accept(
                stack.catalogue.analyst,
                f"IAM5[Resource::{arn_of(storage.drops)}/{prefix}*]",
                "The drops of exports: folders below the audiences that the mappings name, named by occasions.",
            )
        accept(
            stack.catalogue.analyst,
            f"IAM5[Resource::{arn_of(storage.receipts)}/{RESULTS_OF_PARTS}*]",
            "What Athena writes of queries over drops, under names that it makes.",
        )
    if stack.export_catalogue is not None:
        for one in stack.export_catalogue.exports:
            accept(
                stack.export_catalogue.analyst,
                f"IAM5[Resource::{exports}/{one.prefix}*]",
                "The files of an export: objects below its prefix, whose names are not known beforehand.",
            )
        accept(
            stack.export_catalogue.analyst,
            f"IAM5[Resource::{arn_of(storage.receipts)}/{RESULTS_OF_EXPORTS}*]",
            "What Athena writes of queries over exports, under names that it makes.",
        )
    if stack.job is not None and stack.start is not None:
        _accept_glue(stack, stack.job, stack.start, storage, exports)


def _accept_glue(
    stack: NormalizeStack, job: NormalizeJob, start: StartFunction, storage: StorageStack, exports: str
) -> None:
    by_glue = stack.normalize.with_engine("glue")
    accept(
        start.function,
        "L1",
        "The runtime is the one the wheel layers are built for, a setting; newer than needed is no gain.",
    )
    for role in (job.role, start.role):
        for one in by_glue:
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
    accept(
        job.role,
        f"IAM5[Resource::{arn_of(storage.receipts)}/{RECORDS}]",
        "The reports that the job keeps beside these lists, each under the name of its export and occasion.",
    )
    accept(
        job.role,
        f"IAM5[Resource::arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:{job.log_folder}/*]",
        "The job's own log groups, in whose names Glue puts the role's, which its own policy cannot say.",
    )
    for name in sorted({one.mapping.connector for one in by_glue}):
        accept(
            job.role,
            f"IAM5[Resource::{arn_of(storage.drops)}/{name}/*]",
            "The drops that mappings make for this connector: folders below its prefix, named by occasions.",
        )
        accept(
            job.role,
            f"IAM5[Resource::{arn_of(storage.drops)}/{name}/*/{REPORT}]",
            "The reports of these drops, which hold counts and no value.",
        )
    accept(
        start.role,
        "IAM5[Resource::*]",
        "xray:PutTraceSegments and xray:PutTelemetryRecords, and no other action: X-Ray has no resources to name.",
    )
