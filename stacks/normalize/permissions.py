"""The permissions of the Glue job and of the function that starts it, written out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

from stacks.normalize.settings import NormalizeSettings
from stacks.statements import allow, key_through_ledger, own_logs, through, through_key, trace
from stacks.storage import StorageStack

REPORT = "_activation/report.json"  # of a drop that was made: glue_scripts/normalize/job.py
LISTINGS = "listings/_/"  # in the receipts bucket, where a connector's name stands elsewhere; see ledger/keys.py
RECORDS = f"{LISTINGS}*.made.json"  # reports that the job keeps there: lambdas/normalize_start/closing.py
STARTS, FOLDERS = "_#start#normalize#*", "_#folder#*"  # the function's records in the ledger


def of_job(
    normalize: NormalizeSettings,
    storage: StorageStack,
    exports: s3.IBucket,
    assets: Sequence[str],
    groups: Sequence[str],
) -> list[iam.PolicyStatement]:
    """Return the statements of the job's role.

    `assets` are the ARNs of its script, archives and mappings, `groups` those of its log groups.
    """
    connectors = sorted({one.mapping.connector for one in normalize.exports})
    return [
        *_read_exports(normalize, exports, ["s3:GetObject"]),
        allow("ReadListings", ["s3:GetObject"], [storage.receipts.arn_for_objects(f"{LISTINGS}*")]),
        # S3 answers 403 for what is not there unless the bucket may be listed.
        allow(
            "SeeListings",
            ["s3:ListBucket"],
            [storage.receipts.bucket_arn],
            {"StringLike": {"s3:prefix": [f"{LISTINGS}*"]}},
        ),
        allow("KeepReports", ["s3:PutObject"], [storage.receipts.arn_for_objects(RECORDS)]),
        allow("ReadCode", ["s3:GetObject"], list(assets)),
        # What a failed attempt has left is deleted by the next one.
        allow(
            "WriteDrops",
            ["s3:PutObject", "s3:DeleteObject"],
            [storage.drops.arn_for_objects(f"{name}/*") for name in connectors],
        ),
        # By the report of a drop that is there, a run knows whether an earlier attempt has made it.
        allow(
            "ReadReports",
            ["s3:GetObject"],
            [storage.drops.arn_for_objects(f"{name}/*/{REPORT}") for name in connectors],
        ),
        allow(
            "SeeDrops",
            ["s3:ListBucket"],
            [storage.drops.bucket_arn],
            {"StringLike": {"s3:prefix": [f"{name}/*" for name in connectors]}},
        ),
        through_key(storage.key, ["kms:Decrypt", "kms:GenerateDataKey"], "s3"),
        # With a security configuration Glue sets the key of the groups, which they have already:
        # https://docs.aws.amazon.com/glue/latest/dg/set-up-encryption.html, read 2026-11-30
        allow(
            "OwnLogs",
            ["logs:CreateLogStream", "logs:PutLogEvents", "logs:AssociateKmsKey"],
            list(groups),
        ),
    ]


def of_function(
    normalize: NormalizeSettings,
    storage: StorageStack,
    exports: s3.IBucket,
    *,
    job_arn: str,
    queues: tuple[sqs.IQueue, sqs.IQueue],
    log_group: logs.ILogGroup,
) -> list[iam.PolicyStatement]:
    """Return the statements of the function's role; `queues` are its queue and its dead letters."""
    queue, dead_letters = queues
    consume = ["ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes"]
    return [
        *_read_exports(normalize, exports, ["s3:GetObject", "s3:GetObjectVersion"]),
        # S3 answers 403 for what is not there unless the bucket may be listed.
        allow(
            "Listings",
            ["s3:GetObject", "s3:PutObject"],
            [storage.receipts.arn_for_objects(f"{LISTINGS}*")],
        ),
        allow(
            "SeeListings",
            ["s3:ListBucket"],
            [storage.receipts.bucket_arn],
            {"StringLike": {"s3:prefix": [f"{LISTINGS}*"]}},
        ),
        through_key(storage.key, ["kms:Decrypt", "kms:GenerateDataKey"], "s3"),
        allow(
            "Records",
            ["dynamodb:GetItem", "dynamodb:UpdateItem"],
            [storage.ledger.table_arn],
            {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [STARTS, FOLDERS]}},
        ),
        key_through_ledger(storage.key),
        allow("Start", ["glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns"], [job_arn]),
        allow("Consume", [f"sqs:{action}" for action in consume], [queue.queue_arn]),
        allow("Send", ["sqs:SendMessage"], [queue.queue_arn, dead_letters.queue_arn]),
        allow("Announce", ["events:PutEvents"], [storage.bus.event_bus_arn]),
        own_logs(log_group),
        trace(),
    ]


def _read_exports(
    normalize: NormalizeSettings, exports: s3.IBucket, actions: list[str]
) -> Iterator[iam.PolicyStatement]:
    """Yield what lets exports be read and listed below their prefixes, in a bucket that is still the account's."""
    owner: dict[str, str] = {"s3:ResourceAccount": Aws.ACCOUNT_ID}
    prefixes = [f"{one.prefix}*" for one in normalize.exports]
    yield allow(
        "ReadExports",
        actions,
        [exports.arn_for_objects(one) for one in prefixes],
        {"StringEquals": owner},
    )
    yield allow(
        "SeeExports",
        ["s3:ListBucket", "s3:ListBucketVersions"],
        [exports.bucket_arn],
        {"StringEquals": owner, "StringLike": {"s3:prefix": prefixes}},
    )
    if normalize.key_arn:
        yield allow("KeyOfExports", ["kms:Decrypt"], [normalize.key_arn], through("s3"))
