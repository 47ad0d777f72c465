"""The functions' permissions: every action by name, every resource as narrow as the service allows."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Aws
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs

from stacks.statements import allow


def record(table: dynamodb.ITable, key: kms.IKey, actions: Sequence[str]) -> list[iam.PolicyStatement]:
    """Allow use of the occurrence table, and of its encryption key through DynamoDB."""
    return [
        allow("Occurrences", [f"dynamodb:{action}" for action in actions], [table.table_arn]),
        # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html (2026-11-22)
        allow(
            "KeyThroughOccurrences",
            [
                "kms:Decrypt",
                "kms:DescribeKey",
                "kms:Encrypt",
                "kms:GenerateDataKey",
                "kms:GenerateDataKeyWithoutPlaintext",
                "kms:ReEncryptFrom",
                "kms:ReEncryptTo",
            ],
            [key.key_arn],
            _via("dynamodb"),
        ),
    ]


def files(bucket: s3.IBucket, key: kms.IKey, prefixes: Sequence[str]) -> list[iam.PolicyStatement]:
    """Allow uploads below the prefixes that are open to CI360, if any; nothing there can be deleted."""
    if not prefixes:
        return []
    return [
        # GetObject reads the head of an existing object, to tell whether it is this file.
        allow(
            "Land",
            ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
            [bucket.arn_for_objects(f"{prefix}/*") for prefix in prefixes],
        ),
        # Without it, S3 answers 403 for a missing object:
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html, read 2026-11-22
        allow("TellAbsentFromForbidden", ["s3:ListBucket"], [bucket.bucket_arn]),
        # An upload in parts with checksums needs both:
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html, read 2026-11-29
        allow("KeyThroughBucket", ["kms:Decrypt", "kms:GenerateDataKey"], [key.key_arn], _via("s3")),
    ]


def sas_files(bucket_arn: str, key_arn: str) -> list[iam.PolicyStatement]:
    """Allow writing any object of the bucket of SAS's files, whose names the tasks choose; none can be deleted.

    `key_arn` is the KMS key that encrypts the bucket, "" for S3's own encryption. The bucket is bound to the app's
    account, because a bucket's name is free again once the bucket is deleted:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-bucket.html, read 2026-11-30
    """
    owner: dict[str, object] = {"StringEquals": {"s3:ResourceAccount": Aws.ACCOUNT_ID}}
    through_key = allow("KeyThroughSasFiles", ["kms:Decrypt", "kms:GenerateDataKey"], [key_arn], _via("s3"))
    return [
        # GetObject reads the head of the object to be replaced, and S3 wants it for a write with If-Match:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html, read 2026-11-30
        allow(
            "LandSasFiles",
            ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
            [f"{bucket_arn}/*"],
            owner,
        ),
        # As for the drops bucket.
        allow("TellAbsentSasFilesFromForbidden", ["s3:ListBucket"], [bucket_arn], owner),
        *([through_key] if key_arn else []),
    ]


def consume(queue: sqs.IQueue) -> list[iam.PolicyStatement]:
    """Allow receiving messages from a queue, which Lambda does with the function's role."""
    actions = ["ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes"]
    return [allow("Consume", [f"sqs:{action}" for action in actions], [queue.queue_arn])]


def send(sid: str, queue: sqs.IQueue) -> iam.PolicyStatement:
    """Allow sending messages to a queue."""
    return allow(sid, ["sqs:SendMessage"], [queue.queue_arn])


def put_events(bus: events.IEventBus) -> iam.PolicyStatement:
    """Allow putting events on the app's bus."""
    return allow("Announce", ["events:PutEvents"], [bus.event_bus_arn])


def read_secret(secret: secretsmanager.CfnSecret, key: kms.IKey) -> list[iam.PolicyStatement]:
    """Allow reading one secret."""
    return [
        allow("OwnSecret", ["secretsmanager:GetSecretValue"], [secret.ref]),
        allow("KeyThroughSecret", ["kms:Decrypt"], [key.key_arn], _via("secretsmanager")),
    ]


def _via(service: str) -> dict[str, object]:
    return {"StringEquals": {"kms:ViaService": f"{service}.{Aws.REGION}.amazonaws.com"}}
