"""Drops without a run: what the drops bucket and the sources hold, compared with what the ledger knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from activation.drops.expectation import leads_to_run
from activation.drops.places import place_of
from activation.ledger.keys import NO_CONNECTOR, folder_key, run_key, unread_key
from activation.model import Drop

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import ObjectVersionTypeDef

GRACE_S = 3600.0  # an event, its retries and a full queue may take this long before anything is wrong
# A request reads up to 100 records, and three are looked for of each object:
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html, read 2026-11-29
_OBJECTS_A_REQUEST = 33
Candidate = tuple["Missing", Sequence[str]]


@dataclass(frozen=True)
class Missing:
    """An object that should have a run and has none.

    `connector` is "" under no connector's prefix, where no event leads to a run. `modified_at` is Unix seconds.
    `version_id` is NO_VERSION in a source without versions.
    """

    bucket: str
    key: str
    version_id: str
    modified_at: float
    connector: str


@dataclass(frozen=True)
class Bucket:
    """The drops bucket: `connectors` are the first parts of drops' keys, `elsewhere` prefixes of other files."""

    name: str
    connectors: Sequence[str]
    elsewhere: Sequence[str] = ()

    def connector_of(self, key: str) -> str:
        """Return the connector whose prefix a key begins with, "" if there is none."""
        first, slash, _ = key.partition("/")
        return first if slash and first in self.connectors else ""

    def is_elsewhere(self, key: str) -> bool:
        """Return whether the key is of files that are no drops."""
        return key.startswith(tuple(self.elsewhere))


def find_missing(
    s3: S3Client, dynamodb: DynamoDBClient, bucket: Bucket, table: str, *, before: float
) -> Iterator[Missing]:
    """Yield the newest versions older than `before`, in Unix seconds, of which the ledger knows nothing.

    Older versions are left out: the newest replaces them. Raises what the SDK raises.
    """
    return unknown(dynamodb, table, _candidates(s3, bucket, before))


def unknown(dynamodb: DynamoDBClient, table: str, candidates: Iterable[Candidate]) -> Iterator[Missing]:
    """Yield the objects that the ledger has under none of the keys beside them; raises what the SDK raises."""
    for some in _batches(candidates):
        # Files of one folder ask for its record together, and DynamoDB refuses a key that is asked for twice.
        known = _known(dynamodb, table, list(dict.fromkeys(pk for _, keys in some for pk in keys)))
        yield from (one for one, keys in some if not known & set(keys))


def newest_versions(
    s3: S3Client, bucket: str, prefix: str, before: float
) -> Iterator[tuple[Missing, ObjectVersionTypeDef]]:
    """Yield the newest versions below a prefix older than `before`, of no connector yet, with S3's own entry."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        for version in page.get("Versions", []):
            modified_at = version["LastModified"].timestamp()
            if version["IsLatest"] and modified_at <= before:
                yield Missing(bucket, version["Key"], version["VersionId"], modified_at, ""), version


def _candidates(s3: S3Client, bucket: Bucket, before: float) -> Iterator[Candidate]:
    for found, version in newest_versions(s3, bucket.name, "", before):
        connector = bucket.connector_of(found.key)
        if bucket.is_elsewhere(found.key):
            continue
        if leads_to_run(found.key, version["Size"], under_connector=bool(connector)):
            one = replace(found, connector=connector)
            yield one, _records(bucket, one)


def _records(bucket: Bucket, one: Missing) -> tuple[str, ...]:
    """Return the keys under which the ledger may know an object: its run's, or its folder's.

    A file directly below its audience may be one of a folder's, if a sign stood beside it.
    """
    owner = one.connector or NO_CONNECTOR
    run_id = Drop(bucket.name, one.key, one.version_id, "", 0).run_id(owner)
    place = place_of(one.key)
    folder = (folder_key(owner, bucket.name, place.folder, ""),) if place else ()
    return (run_key(owner, run_id), unread_key(owner, run_id), *folder)


def _known(dynamodb: DynamoDBClient, table: str, keys: Sequence[str]) -> set[str]:
    """Return those of the keys that the ledger has."""
    found: set[str] = set()
    asked: dict[str, Any] = {table: {"Keys": [{"pk": {"S": key}} for key in keys], "ProjectionExpression": "pk"}}
    while asked:
        answer = dynamodb.batch_get_item(RequestItems=asked)
        found.update(item["pk"]["S"] for item in answer["Responses"].get(table, []))
        asked = dict(answer.get("UnprocessedKeys", {}))
    return found


def _batches(found: Iterable[Candidate]) -> Iterator[list[Candidate]]:
    left = iter(found)
    while some := list(islice(left, _OBJECTS_A_REQUEST)):
        yield some
