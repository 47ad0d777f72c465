"""The permissions of the sync's function: it reads sources, and writes exports and deletes them once sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from aws_cdk import Aws, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

from stacks.connector_settings import AUDIENCE_FILE
from stacks.statements import allow, key_through_ledger, own_logs, own_queue, through, through_key, trace
from stacks.storage import StorageStack
from stacks.sync.settings import ATHENA, SyncSettings, SyncSource

EXPORTS = "*/raw/*/slot-*"  # see lambdas/sync/export.py
DECLARATIONS = "_declarations/"  # see lambdas/sync/catalogue.py
RECORDS = "sync#*"  # see lambdas/sync/slots.py
RECEIPTS = "receipts/*.json"


def statements(
    settings: SyncSettings,
    storage: StorageStack,
    *,
    queue: sqs.IQueue,
    dead_letters: sqs.IQueue,
    failed_calls: sqs.IQueue,
    secrets: Mapping[str, str],
    log_group: logs.ILogGroup,
) -> list[iam.PolicyStatement]:
    """Return the statements of the function's role; `secrets` are the ARNs of secrets by their sources' names."""
    return [
        *_objects(storage),
        allow(
            "Records",
            ["dynamodb:GetItem", "dynamodb:UpdateItem"],
            [storage.ledger.table_arn],
            {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [RECORDS]}},
        ),
        key_through_ledger(storage.key),
        through_key(storage.key, ["kms:Decrypt", "kms:GenerateDataKey"], "s3"),
        own_queue(queue),
        allow("DeadLetters", ["sqs:SendMessage"], [dead_letters.queue_arn, failed_calls.queue_arn]),
        *_secrets(settings, storage, secrets),
        *_lakes([one for one in settings.sources if one.kind == ATHENA], storage.drops, Stack.of(log_group)),
        *_network(settings),
        own_logs(log_group),
        trace(),
    ]


def _objects(storage: StorageStack) -> list[iam.PolicyStatement]:
    drops, mirrors = storage.drops, storage.mirrors
    return [
        allow("ReadDeclarations", ["s3:GetObject"], [mirrors.arn_for_objects(f"{DECLARATIONS}*")]),
        # Without it, S3 answers 403 where nothing was declared yet:
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, read 2026-11-30
        allow(
            "TellAbsentDeclarations",
            ["s3:ListBucket"],
            [mirrors.bucket_arn],
            {"StringLike": {"s3:prefix": [f"{DECLARATIONS}*", ""]}},
        ),
        # It reads its own exports only, to copy one to a second audience; all their versions are deleted.
        allow(
            "Exports",
            [
                "s3:GetObject",
                "s3:PutObject",
                "s3:DeleteObjectVersion",
                "s3:AbortMultipartUpload",
                "s3:ListMultipartUploadParts",
            ],
            [drops.arn_for_objects(EXPORTS)],
        ),
        allow("AudienceOptions", ["s3:GetObject", "s3:PutObject"], [drops.arn_for_objects(f"*/{AUDIENCE_FILE}")]),
        allow("FindExports", ["s3:ListBucket", "s3:ListBucketVersions"], [drops.bucket_arn]),
        allow("ReadReceipts", ["s3:GetObject"], [storage.receipts.arn_for_objects(RECEIPTS)]),
    ]


def _secrets(
    settings: SyncSettings, storage: StorageStack, secrets: Mapping[str, str]
) -> Iterator[iam.PolicyStatement]:
    if secrets:
        yield allow("ReadLogins", ["secretsmanager:GetSecretValue"], sorted(secrets.values()))
    if any(one.has_own_secret for one in settings.sources):
        yield through_key(storage.key, ["kms:Decrypt"], "secretsmanager")
    if keys := sorted({one.key_arn for one in settings.sources if one.key_arn and one.secret_arn}):
        yield allow("KeysOfExistingSecrets", ["kms:Decrypt"], keys, through("secretsmanager"))
    if users := [f"{one.iam}/{one.user}" for one in settings.sources if one.iam]:
        # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html (2026-11-30)
        arns = [f"arn:{Aws.PARTITION}:rds-db:{Aws.REGION}:{Aws.ACCOUNT_ID}:dbuser:{user}" for user in users]
        yield allow("LogIn", ["rds-db:connect"], arns)


def _lakes(lakes: Sequence[SyncSource], drops: s3.IBucket, here: Stack) -> Iterator[iam.PolicyStatement]:
    """Allow UNLOAD of tables of the lakes' databases, with the data and the metadata that it reads.

    https://docs.aws.amazon.com/athena/latest/ug/managed-policies.html, read 2026-11-30, without what it writes.
    """
    if not lakes:
        return
    workgroups = sorted({one.workgroup for one in lakes})
    yield allow(
        "Query",
        ["athena:StartQueryExecution", "athena:GetQueryExecution"],
        [here.format_arn(service="athena", resource="workgroup", resource_name=name) for name in workgroups],
    )
    databases = sorted({one.database for one in lakes})
    tables = [
        here.format_arn(service="glue", resource=kind, resource_name=f"{name}{rest}")
        for name in databases
        for kind, rest in (("database", ""), ("table", "/*"))
    ]
    yield allow(
        "ReadCatalogue",
        [
            "glue:GetDatabase",
            "glue:GetTable",
            "glue:GetTables",
            "glue:GetPartition",
            "glue:GetPartitions",
            "glue:BatchGetPartition",
        ],
        [here.format_arn(service="glue", resource="catalog"), *tables],
    )
    buckets = sorted({bucket for one in lakes for bucket in one.buckets})
    arns = [f"arn:{Aws.PARTITION}:s3:::{bucket}" for bucket in buckets]
    yield allow("ReadLake", ["s3:GetObject"], [f"{arn}/*" for arn in arns])
    yield allow("ListLake", ["s3:ListBucket"], arns)
    yield allow("LocateBuckets", ["s3:GetBucketLocation"], [*arns, drops.bucket_arn])
    if keys := sorted({one.key_arn for one in lakes if one.key_arn}):
        yield allow("KeysOfLake", ["kms:Decrypt"], keys, through("s3"))
    if results := sorted({one.results for one in lakes if one.results}):
        # What Athena notes of an UNLOAD there: the statement's metadata and the list of its files, no row.
        yield allow(
            "KeepResults",
            ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
            [f"arn:{Aws.PARTITION}:s3:::{one}*" for one in results],
        )
        own = sorted({one.partition("/")[0] for one in results})
        arns = [f"arn:{Aws.PARTITION}:s3:::{one}" for one in own]
        yield allow("FindResults", ["s3:GetBucketLocation", "s3:ListBucket"], arns)


def _network(settings: SyncSettings) -> Iterator[iam.PolicyStatement]:
    if settings.subnets:
        # Lambda attaches the function with its role, and names no resource:
        # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html, read 2026-11-30
        yield allow(
            "Attach",
            [
                "ec2:CreateNetworkInterface",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSubnets",
                "ec2:DeleteNetworkInterface",
                "ec2:AssignPrivateIpAddresses",
                "ec2:UnassignPrivateIpAddresses",
            ],
            ["*"],
        )


def operator_statements(
    storage: StorageStack, queue: sqs.IQueue, dead_letters: sqs.IQueue, undelivered: sqs.IQueue
) -> list[iam.PolicyStatement]:
    """Return the statements of who declares audiences: to apply, to run, and to redrive."""
    mirrors = storage.mirrors
    here = Stack.of(queue)
    return [
        allow(
            "FindTheSync",
            ["cloudformation:DescribeStacks"],
            [
                here.format_arn(service="cloudformation", resource="stack", resource_name=f"{here.stack_name}/*"),
            ],
        ),
        allow("Declare", ["s3:GetObject", "s3:PutObject"], [mirrors.arn_for_objects(f"{DECLARATIONS}*")]),
        allow(
            "TellAbsentDeclarations",
            ["s3:ListBucket"],
            [mirrors.bucket_arn],
            {"StringLike": {"s3:prefix": [f"{DECLARATIONS}*", ""]}},
        ),
        through_key(storage.key, ["kms:Decrypt", "kms:GenerateDataKey"], "s3"),
        # What a move task needs of its queues (read 2026-11-29): https://docs.aws.amazon.com/
        # AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
        allow(
            "RunAndRedrive",
            [
                "sqs:CancelMessageMoveTask",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:ListMessageMoveTasks",
                "sqs:ReceiveMessage",
                "sqs:SendMessage",
                "sqs:StartMessageMoveTask",
            ],
            [queue.queue_arn, dead_letters.queue_arn, undelivered.queue_arn],
        ),
    ]
