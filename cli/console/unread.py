"""The files that no run reads: missing ones, those whose key cannot be read, strays, and folders that wait."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
from activation.aws.table import read_number, read_text
from activation.codes import explain
from activation.ledger.keys import FOLDER, NO_CONNECTOR, UNREAD
from activation.ledger.orders import DISCARDED

from cli.console.source import UnreadFile
from cli.missing import missing_drops
from cli.open_folders import folder_row

if TYPE_CHECKING:
    from cli.deployment import Deployment

MISSING = "no_run"
STRAY = "unknown_connector"


def unread_files(found: Deployment) -> tuple[UnreadFile, ...]:
    """Return the files that no run reads, the newest first. Reads the ledger as a whole, and lists the buckets."""
    files = [*_missing(found), *_recorded(found)]
    return tuple(sorted(files, key=lambda one: one.found_at, reverse=True))


def _missing(found: Deployment) -> Iterator[UnreadFile]:
    for one in missing_drops(found):
        place = one.key if one.bucket == found.drops_bucket else f"s3://{one.bucket}/{one.key}"
        code = MISSING if one.connector else STRAY
        yield UnreadFile(one.connector, place, code, explain(code).happened, _time(one.modified_at))


def _recorded(found: Deployment) -> Iterator[UnreadFile]:
    pages = (
        boto3.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=found.ledger_table,
            FilterExpression="contains(pk, :unread) OR contains(pk, :folder)",
            ExpressionAttributeValues={":unread": {"S": UNREAD}, ":folder": {"S": FOLDER}},
        )
    )
    for page in pages:
        yield from filter(None, map(_unread, page["Items"]))


def _unread(item: Mapping[str, Any]) -> UnreadFile | None:
    connector, _, rest = read_text(item, "pk").partition(UNREAD)
    if rest:
        name, code = "" if connector == NO_CONNECTOR else connector, read_text(item, "code")
        if code == DISCARDED:
            return None
        key, at = read_text(item, "object_key"), _time(read_number(item, "updated_at"))
        return UnreadFile(name, key, code, read_text(item, "sentence"), at, run_id=rest if name else "")
    folder = folder_row(dict(item))
    if folder is None:
        return None
    return UnreadFile(folder["connector"], folder["key"], folder["code"], folder["sentence"], folder["updated_at"])


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
