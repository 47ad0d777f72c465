"""The policy of people who query tables of the stack of exports, and read what the tables are over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from stacks.athena import may_query
from stacks.statements import allow


@dataclass(frozen=True)
class Queried:
    """Tables that are queried in a workgroup, whose results are below `results` in the bucket `receipts`.

    The data is below `prefixes` in the bucket `data`, as policies write prefixes: `*`, `?` and `$` have a meaning.
    """

    database: str
    workgroup: str
    tables: Sequence[str]
    receipts: s3.IBucket
    results: str
    data: s3.IBucket
    prefixes: Sequence[str]


def may_read(stack: Stack, queried: Queried) -> list[iam.PolicyStatement]:
    """Return what lets people query these tables, but for the keys that encrypt data and results."""
    receipts, data, results = queried.receipts, queried.data, queried.results
    below = [f"{one}*" for one in queried.prefixes]
    return [
        *may_query(
            stack,
            workgroup=queried.workgroup,
            database=queried.database,
            tables=queried.tables,
            bucket=receipts,
            results=results,
        ),
        allow("ReadData", ["s3:GetObject"], [data.arn_for_objects(one) for one in below]),
        allow("SeeData", ["s3:ListBucket"], [data.bucket_arn], {"StringLike": {"s3:prefix": below}}),
        allow("FindTheBucket", ["s3:GetBucketLocation"], [receipts.bucket_arn, data.bucket_arn]),
        allow(
            "SeeResults", ["s3:ListBucket"], [receipts.bucket_arn], {"StringLike": {"s3:prefix": [f"{results}*"]}}
        ),
    ]
