"""Event patterns of new objects in buckets, for the rules and the archive."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_events as events
from aws_cdk import aws_s3 as s3

from stacks.source_settings import SourceSettings


def object_created(
    bucket: str, prefix: str = "", *, account: str = "", but: Sequence[str] = ()
) -> events.EventPattern:
    """Return the pattern of new objects in this bucket, below `prefix` or none of `but`, which end in a slash.

    `account` is the bucket's owner, "" for any. `anything-but` takes a list of prefixes:
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html, read 2026-11-29.
    """
    return events.EventPattern(
        source=["aws.s3"],
        detail_type=["Object Created"],
        account=[account] if account else None,
        detail=_created(bucket, prefix, but),
    )


def any_created(drops: s3.IBucket, sources: Sequence[SourceSettings]) -> events.EventPattern:
    """Return the pattern of new objects in the drops bucket, or below the prefix of a source."""
    either = [_created(drops.bucket_name), *(_created(one.bucket, one.prefix) for one in sources)]
    return events.EventPattern(source=["aws.s3"], detail_type=["Object Created"], detail={"$or": either})


def any_below(bucket: str, prefixes: Sequence[str]) -> events.EventPattern:
    """Return the pattern of new objects in a bucket below any of these prefixes, of which there is one or more."""
    return events.EventPattern(
        source=["aws.s3"],
        detail_type=["Object Created"],
        detail={"bucket": {"name": [bucket]}, "object": {"key": [{"prefix": one} for one in prefixes]}},
    )


def _created(bucket: str, prefix: str = "", but: Sequence[str] = ()) -> dict[str, object]:
    below: dict[str, object] = {"object": {"key": [{"prefix": prefix}]}} if prefix else {}
    if but:
        below = {"object": {"key": [{"anything-but": {"prefix": list(but)}}]}}
    return {"bucket": {"name": [bucket]}, **below}
