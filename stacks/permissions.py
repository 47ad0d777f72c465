"""The permissions of the app's functions: every action by name, resources as narrow as the service allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from activation.model import FORGET_PREFIX, FORGOTTEN_LIST
from activation.platforms.platform import Platform
from aws_cdk import Aws
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

from stacks.connector_settings import ConnectorSettings
from stacks.names import SUPPRESSIONS
from stacks.source_settings import SourceSettings
from stacks.statements import allow, key_through_ledger, own_logs, own_queue, owner_is, through, trace
from stacks.storage import StorageStack


@dataclass(frozen=True)
class Reach:
    """The resources that a connector's function uses."""

    key: kms.IKey
    drops: s3.IBucket
    receipts: s3.IBucket
    mirrors: s3.IBucket
    ledger: dynamodb.ITable
    bus: events.IEventBus
    queue: sqs.IQueue
    dead_letters: sqs.IQueue
    secret_arn: str
    log_group: logs.ILogGroup
    sources: Sequence[SourceSettings] = ()
    deletes_final_drops: bool = False


def statements(connector: ConnectorSettings, platform: Platform, reach: Reach) -> list[iam.PolicyStatement]:
    """Return the statements of one connector's role."""
    return [
        *_storage(connector, reach),
        *_mirrors(connector, reach),
        *_encryption(reach.key),
        *_sources(reach.sources),
        allow(
            "Ledger",
            ["dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:ConditionCheckItem"],
            [reach.ledger.table_arn],
            # Runs and audiences belong to the connector; an ad account's rate limit is shared by the platform's
            # connectors.
            {
                "ForAllValues:StringLike": {
                    "dynamodb:LeadingKeys": [f"{connector.name}#*", f"account#{connector.platform}#*"]
                }
            },
        ),
        *_suppressions(reach),
        own_queue(reach.queue),
        allow("OwnDeadLetters", ["sqs:SendMessage"], [reach.dead_letters.queue_arn]),
        *_secret(connector, platform, reach.secret_arn),
        allow("Announce", ["events:PutEvents"], [reach.bus.event_bus_arn]),
        own_logs(reach.log_group),
        trace(),
    ]


def watch_statements(
    connectors: Sequence[str],
    storage: StorageStack,
    log_group: logs.ILogGroup,
    sources: Sequence[SourceSettings] = (),
    expecting: Sequence[str] = (),
) -> list[iam.PolicyStatement]:
    """Return the statements of the role that compares buckets with the ledger; it reads no drop.

    `expecting` are the connectors for whose audiences drops are expected.
    """
    kinds = ("#run#", "#unread#", "#folder#", *(["#unversioned#"] if sources else []))
    records = [f"{name}{record}*" for name in (*connectors, "_") for record in kinds]
    return [
        allow("ListDrops", ["s3:ListBucketVersions"], [storage.drops.bucket_arn]),
        allow(
            "LookUpRuns",
            ["dynamodb:BatchGetItem"],
            [storage.ledger.table_arn],
            {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": records}},
        ),
        *(
            [
                allow(
                    "LookUpArrivals",
                    ["dynamodb:GetItem", "dynamodb:UpdateItem"],
                    [storage.ledger.table_arn],
                    {
                        "ForAllValues:StringLike": {
                            "dynamodb:LeadingKeys": [f"{one}#arrived#*" for one in expecting]
                        }
                    },
                )
            ]
            if expecting
            else []
        ),
        allow(
            "RecordStrays",
            ["dynamodb:UpdateItem"],
            [storage.ledger.table_arn],
            {
                "ForAllValues:StringLike": {
                    "dynamodb:LeadingKeys": ["_#unread#*", *(["_#source#*"] if sources else [])]
                }
            },
        ),
        *(
            allow(
                f"List{source.id}",
                ["s3:ListBucketVersions"],
                [f"arn:{Aws.PARTITION}:s3:::{source.bucket}"],
                {"StringEquals": owner_is(source), "StringLike": {"s3:prefix": f"{source.prefix}*"}},
            )
            for source in sources
        ),
        key_through_ledger(storage.key),
        allow("Announce", ["events:PutEvents"], [storage.bus.event_bus_arn]),
        own_logs(log_group),
        trace(),
    ]


def list_statements(
    storage: StorageStack,
    queue: sqs.IQueue,
    dead_letters: sqs.IQueue,
    log_group: logs.ILogGroup,
    *,
    deletes_final_drops: bool,
) -> list[iam.PolicyStatement]:
    """Return the statements of the role that reads suppression drops and writes the lists."""
    name, drops, receipts = SUPPRESSIONS, storage.drops, storage.receipts
    own = [drops.arn_for_objects(f"{name}/*")]
    return [
        allow("ReadOwnDrops", ["s3:GetObject", "s3:GetObjectVersion"], own),
        # As of a connector's drops; where the settings keep those, who asked to be forgotten is not kept.
        allow(
            "DeleteFinalDrops",
            ["s3:DeleteObjectVersion"],
            own if deletes_final_drops else [drops.arn_for_objects(f"{FORGOTTEN_LIST}{FORGET_PREFIX}*")],
        ),
        # Without it, S3 answers 403 for a deleted object, which looks like a missing permission.
        allow("TellGoneFromForbidden", ["s3:ListBucket"], [drops.bucket_arn]),
        allow(
            "ListOwnFolders",
            ["s3:ListBucketVersions"],
            [drops.bucket_arn],
            {"StringLike": {"s3:prefix": [f"{name}/*"]}},
        ),
        allow("OwnListings", ["s3:GetObject", "s3:PutObject"], [receipts.arn_for_objects(f"listings/{name}/*")]),
        allow(
            "OwnReceipts",
            ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
            [receipts.arn_for_objects(f"receipts/{name}/*")],
        ),
        allow(
            "DiscardWhatARunNeeded",
            ["s3:DeleteObject"],
            [receipts.arn_for_objects(f"receipts/{name}/*/*.rejects/*")],
        ),
        allow(
            "ListOwnReceipts",
            ["s3:ListBucket"],
            [receipts.bucket_arn],
            {"StringLike": {"s3:prefix": [f"receipts/{name}/*"]}},
        ),
        allow(
            "Lists",
            ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            [storage.mirrors.arn_for_objects(f"{name}/*")],
        ),
        allow("TellLostList", ["s3:ListBucket"], [storage.mirrors.bucket_arn]),
        allow("KeyThroughStorage", ["kms:Decrypt", "kms:GenerateDataKey"], [storage.key.key_arn], through("s3")),
        key_through_ledger(storage.key),
        allow(
            "Ledger",
            ["dynamodb:GetItem", "dynamodb:UpdateItem"],
            [storage.ledger.table_arn],
            {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{name}#*"]}},
        ),
        own_queue(queue),
        allow("OwnDeadLetters", ["sqs:SendMessage"], [dead_letters.queue_arn]),
        allow("Announce", ["events:PutEvents"], [storage.bus.event_bus_arn]),
        own_logs(log_group),
        trace(),
    ]


def waking(others: Sequence[sqs.IQueue]) -> iam.PolicyStatement:
    """Return the statement that lets a function wake runs of other connectors, in their queues.

    Connectors of a platform may send to one ad account, whose audiences' locks they pass to each other.
    """
    return allow("WakeOthers", ["sqs:SendMessage"], [queue.queue_arn for queue in others])


def _storage(connector: ConnectorSettings, reach: Reach) -> list[iam.PolicyStatement]:
    return [
        allow(
            "ReadOwnDrops",
            ["s3:GetObject", "s3:GetObjectVersion"],
            [reach.drops.arn_for_objects(f"{connector.name}/*")],
        ),
        # One version of one's own, by its id: what was only overwritten stays, and no delete marker hides it.
        # Where the settings keep drops, those of a forget alone.
        allow(
            "DeleteFinalDrops",
            ["s3:DeleteObjectVersion"],
            [
                reach.drops.arn_for_objects(
                    f"{connector.name}/*"
                    if reach.deletes_final_drops
                    else f"{connector.name}/*/remove/{FORGET_PREFIX}*/*"
                )
            ],
        ),
        # Without it, S3 answers 403 for a deleted object, which looks like a missing permission:
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, read 2026-11-22. No condition on the
        # prefix: S3's own check does not send one.
        allow("TellGoneFromForbidden", ["s3:ListBucket"], [reach.drops.bucket_arn]),
        # The files of a folder, with their versions, when its sign has arrived.
        allow(
            "ListOwnFolders",
            ["s3:ListBucketVersions"],
            [reach.drops.bucket_arn],
            {"StringLike": {"s3:prefix": [f"{connector.name}/*"]}},
        ),
        allow(
            "OwnListings",
            ["s3:GetObject", "s3:PutObject"],
            [reach.receipts.arn_for_objects(f"listings/{connector.name}/*")],
        ),
        # If-Match on a write needs s3:GetObject as well:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html, read 2026-11-29
        allow(
            "OwnReceipts",
            ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
            [reach.receipts.arn_for_objects(f"receipts/{connector.name}/*")],
        ),
        # Receipts and lists of rejects are directly below their audience, whose name has no slash; only the parts
        # that a list is joined from, and the sets of refused identifiers, are one folder deeper.
        allow(
            "DiscardWhatARunNeeded",
            ["s3:DeleteObject"],
            [
                reach.receipts.arn_for_objects(f"receipts/{connector.name}/*/*.{kind}/*")
                for kind in ("rejects", "refused")
            ],
        ),
        allow(
            "ListOwnReceipts",
            ["s3:ListBucket"],
            [reach.receipts.bucket_arn],
            {"StringLike": {"s3:prefix": [f"receipts/{connector.name}/*"]}},
        ),
    ]


def _mirrors(connector: ConnectorSettings, reach: Reach) -> list[iam.PolicyStatement]:
    """Allow keeping what the mirrored audiences of the platform hold.

    Below the platform's name, not the connector's: several connectors may fill one audience, with one lock.
    """
    return [
        allow(
            "OwnMirrors",
            ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
            [reach.mirrors.arn_for_objects(f"{connector.platform}/*")],
        ),
        # To find what no state needs any more; and to tell a lost snapshot from a missing permission, for which
        # S3's own check sends no prefix. The names are digests and runs'.
        allow("ListMirrors", ["s3:ListBucket"], [reach.mirrors.bucket_arn]),
    ]


def _suppressions(reach: Reach) -> list[iam.PolicyStatement]:
    """Allow asking the suppression lists, and no more: one function alone writes them."""
    return [
        allow("ReadSuppressions", ["s3:GetObject"], [reach.mirrors.arn_for_objects(f"{SUPPRESSIONS}/*")]),
        allow(
            "ReadSuppressionRecord",
            ["dynamodb:GetItem"],
            [reach.ledger.table_arn],
            {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [f"{SUPPRESSIONS}#lists"]}},
        ),
    ]


def _secret(connector: ConnectorSettings, platform: Platform, arn: str) -> list[iam.PolicyStatement]:
    """Allow reading the connector's secret, and the use of the customer key that the settings name for it."""
    service = "ssm" if connector.secret.parameter else "secretsmanager"
    rotates = platform.authentication_of(dict(connector.options)).rotates
    read = "ssm:GetParameter" if connector.secret.parameter else "secretsmanager:GetSecretValue"
    # If a platform's tokens can be used only once, the function must store the next one.
    found = [allow("OwnSecret", [read, *["secretsmanager:PutSecretValue"] * rotates], [arn])]
    if connector.secret.key_arn:
        actions = ["kms:Decrypt", *["kms:GenerateDataKey"] * rotates]
        found.append(allow("OwnSecretKey", actions, [connector.secret.key_arn], through(service)))
    return found


def _sources(sources: Sequence[SourceSettings]) -> list[iam.PolicyStatement]:
    """Allow reading the sources below their prefixes, and nothing else: what is there stays as it is.

    Each is bound to its owner's account, because a bucket's name is free again once the bucket is deleted:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-bucket.html, read 2026-11-30
    """
    found = []
    for source in sources:
        bucket = f"arn:{Aws.PARTITION}:s3:::{source.bucket}"
        owner = owner_is(source)
        found += [
            allow(
                f"Read{source.id}",
                ["s3:GetObject", "s3:GetObjectVersion"],
                [f"{bucket}/{source.prefix}*"],
                {"StringEquals": owner},
            ),
            allow(
                f"List{source.id}",
                ["s3:ListBucket", "s3:ListBucketVersions"],
                [bucket],
                {"StringEquals": owner, "StringLike": {"s3:prefix": f"{source.prefix}*"}},
            ),
        ]
    if keys := sorted({source.key_arn for source in sources if source.key_arn}):
        found.append(allow("DecryptSources", ["kms:Decrypt"], keys, through("s3")))
    return found


def _encryption(key: kms.IKey) -> list[iam.PolicyStatement]:
    """Allow use of the customer key only through the services that store the data."""
    return [
        allow(
            "KeyThroughStorage",
            ["kms:Decrypt", "kms:GenerateDataKey"],
            [key.key_arn],
            through("s3", "secretsmanager"),
        ),
        key_through_ledger(key),
    ]
