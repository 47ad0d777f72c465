"""Drops without a run in the sources: what came to other owners' buckets since a source is watched."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from activation.aws.errors import code_of
from activation.aws.table import ConditionalTable, number, read_number
from activation.drops.expectation import leads_to_run
from activation.drops.places import place_of
from activation.drops.sources import BucketSource, Origins
from activation.ledger.keys import folder_key, run_key, source_key, unread_key, unversioned_key
from activation.model import NO_VERSION, Drop
from activation.runs.missing import Candidate, Missing, newest_versions, unknown

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_s3.client import S3Client

# Less than the ledger remembers a run in any case, as long as a dead letter: an older object may be forgotten.
LOOK_BACK_S = 13 * 86_400.0


@dataclass(frozen=True)
class WatchedSource:
    """A source, and the connector whose drops its objects are."""

    connector: str
    source: BucketSource

    @property
    def key(self) -> str:
        """Return the key of the record of when it was first watched."""
        return source_key(self.connector, self.source.bucket, self.source.prefix)


def begin_watching(
    table: ConditionalTable, watched: WatchedSource, *, ttl_days: int, clock: Callable[[], float] = time.time
) -> float:
    """Return since when the source is watched, in Unix seconds, which is now if it was not before.

    Objects that are in a source already are never sent, so they are not missing either. The record is kept for
    `ttl_days` from each call. Raises what writing to the ledger raises.
    """
    now = clock()
    record = table.update(
        watched.key,
        "SET since = if_not_exists(since, :now), updated_at = :now, expires_at = :expires",
        {":now": number(now), ":expires": {"N": str(int(now) + ttl_days * 86_400)}},
        condition="attribute_not_exists(pk) OR attribute_exists(pk)",
    )
    return read_number(record, "since")


def cannot_list(error: ClientError) -> bool:
    """Return whether a bucket's owner does not let us list it, or has deleted it."""
    return code_of(error) in {"AccessDenied", "AllAccessDisabled", "NoSuchBucket"}


def watched_since(dynamodb: DynamoDBClient, table: str, watched: Sequence[WatchedSource]) -> dict[str, float]:
    """Return since when sources are watched, by the keys of their records; none of which is not watched yet."""
    found: dict[str, float] = {}
    for start in range(0, len(watched), 100):  # as many as one request takes
        keys: list[Any] = [{"pk": {"S": one.key}} for one in watched[start : start + 100]]
        asked: Any = {table: {"Keys": keys}}
        while asked:
            answer = dynamodb.batch_get_item(RequestItems=asked)
            items = answer["Responses"].get(table, [])
            found.update((str(item["pk"]["S"]), read_number(item, "since")) for item in items)
            asked = answer.get("UnprocessedKeys", {})
    return found


def find_missing_in(
    s3: S3Client, dynamodb: DynamoDBClient, watched: WatchedSource, table: str, *, since: float, before: float
) -> Iterator[Missing]:
    """Yield the newest objects of a source that came between the times of which the ledger knows nothing.

    Times are Unix seconds; nothing older than LOOK_BACK_S is looked for. An object without a version is known if
    one with its key and its bytes was handled. Raises what the SDK raises.
    """
    return unknown(dynamodb, table, _candidates(s3, watched, max(since, before - LOOK_BACK_S), before))


def _candidates(s3: S3Client, watched: WatchedSource, since: float, before: float) -> Iterator[Candidate]:
    source, connector = watched.source, watched.connector
    origins = Origins(connector, "", (source,))
    for found, version in newest_versions(s3, source.bucket, source.prefix, before):
        layout_key = origins.of(source.bucket, found.key).layout_key(found.key)
        if found.modified_at > since and leads_to_run(layout_key, version["Size"]):
            one = replace(found, connector=connector)
            yield one, _records(one, version["ETag"].strip('"'), layout_key, origins)


def _records(one: Missing, etag: str, layout_key: str, origins: Origins) -> tuple[str, ...]:
    drop = Drop(one.bucket, one.key, one.version_id, "", 0)
    place, origin = place_of(layout_key), origins.of(one.bucket, one.key)
    folder = (folder_key(one.connector, one.bucket, origin.key(place.folder), ""),) if place else ()
    if not drop.is_versioned or one.version_id == NO_VERSION:
        return (unversioned_key(one.connector, one.bucket, one.key, etag), *folder)
    run_id = drop.run_id(one.connector)
    return (run_key(one.connector, run_id), unread_key(one.connector, run_id), *folder)
