"""The permissions of the function that runs Clean Rooms queries: every action by name."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs

from stacks.clean_rooms.settings import CleanRoomsQuery
from stacks.statements import allow, key_through_ledger, own_logs, own_queue, through, trace
from stacks.storage import StorageStack

MANIFEST = "_manifest.json"  # as the function names it: lambdas/clean_rooms/results.py
# Clean Rooms writes results in the name of whoever starts the query, as AWS's own policy for people allows it
# (WriteQueryResults): https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSCleanRoomsFullAccess.html,
# read 2026-11-30
_BY_CLEAN_ROOMS = {"ForAnyValue:StringEquals": {"aws:CalledVia": "cleanrooms.amazonaws.com"}}
_OWNER: dict[str, str] = {"s3:ResourceAccount": Aws.ACCOUNT_ID}


def statements(
    queries: Sequence[CleanRoomsQuery],
    storage: StorageStack,
    queue: sqs.IQueue,
    dead_letters: sqs.IQueue,
    log_group: logs.ILogGroup,
) -> list[iam.PolicyStatement]:
    """Return the statements of the function's role."""
    return [
        *_queries(queries),
        *_results(queries),
        allow(
            "Slots",
            ["dynamodb:GetItem", "dynamodb:UpdateItem"],
            [storage.ledger.table_arn],
            {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["_#start#clean_rooms#*"]}},
        ),
        key_through_ledger(storage.key),
        own_queue(queue),
        allow("OwnDeadLetters", ["sqs:SendMessage"], [dead_letters.queue_arn]),
        own_logs(log_group),
        trace(),
    ]


def collaboration_arns(queries: Sequence[CleanRoomsQuery]) -> list[str]:
    """Return the ARNs of the collaborations, each of which may be of any account: whoever has created it."""
    ids = sorted({one.collaboration for one in queries})
    return [f"arn:{Aws.PARTITION}:cleanrooms:{Aws.REGION}:*:collaboration/{one}" for one in ids]


def manifests_arn(query: CleanRoomsQuery) -> str:
    """Return the ARN of the manifests over a query's results."""
    return f"{_bucket(query)}/{query.results_prefix}*/{MANIFEST}"


def results_arn(query: CleanRoomsQuery) -> str:
    """Return the ARN of a query's results."""
    return f"{_bucket(query)}/{query.results_prefix}*"


def _bucket(query: CleanRoomsQuery) -> str:
    return query.bucket_arn or f"arn:{Aws.PARTITION}:s3:::{query.bucket}"


def _queries(queries: Sequence[CleanRoomsQuery]) -> list[iam.PolicyStatement]:
    """Allow starting, reading and listing the queries of the memberships.

    Of the start, the service also asks for the schema and the template in the caller's name, as AWS's guide to
    Clean Rooms' permissions lists them; resources: https://docs.aws.amazon.com/service-authorization/latest/
    reference/list_cleanrooms.html, read 2026-11-30
    """
    own = f"arn:{Aws.PARTITION}:cleanrooms:{Aws.REGION}:{Aws.ACCOUNT_ID}:membership/"
    memberships = [f"{own}{one}" for one in sorted({one.membership for one in queries})]
    templates = sorted({one.template for one in queries if one.template})
    return [
        allow("Start", ["cleanrooms:StartProtectedQuery"], [*memberships, *templates]),
        allow("Read", ["cleanrooms:GetProtectedQuery", "cleanrooms:ListProtectedQueries"], memberships),
        allow(
            "ReadWhatTheyAreMadeOf",
            ["cleanrooms:GetSchema", "cleanrooms:GetCollaborationAnalysisTemplate"],
            collaboration_arns(queries),
        ),
    ]


def _results(queries: Sequence[CleanRoomsQuery]) -> list[iam.PolicyStatement]:
    """Allow Clean Rooms to write results in the role's name, and the role to list them and to close them.

    Each bucket is bound to the app's account, because a bucket's name is free again once the bucket is deleted:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-bucket.html, read 2026-11-30
    """
    buckets = sorted({_bucket(one) for one in queries})
    own: dict[str, object] = {"StringEquals": _OWNER}
    below: dict[str, object] = {"StringLike": {"s3:prefix": sorted({f"{one.results_prefix}*" for one in queries})}}
    written: dict[str, object] = {**own, **_BY_CLEAN_ROOMS}
    found = [
        allow("WriteResults", ["s3:PutObject"], [results_arn(one) for one in queries], written),
        allow("FindBucket", ["s3:GetBucketLocation", "s3:ListBucket"], buckets, written),
        allow("ListResults", ["s3:ListBucket"], buckets, {**own, **below}),
        allow("CloseResults", ["s3:PutObject"], [manifests_arn(one) for one in queries], own),
    ]
    if keys := sorted({one.key_arn for one in queries if one.key_arn}):
        found.append(allow("EncryptResults", ["kms:Decrypt", "kms:GenerateDataKey"], keys, through("s3")))
    return found
