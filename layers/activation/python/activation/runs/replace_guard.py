"""Several files or folders below one replace: each would take out the people of the others, so neither is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from activation.drops.folder_listing import shown_file
from activation.drops.places import Role, place_of, role_of
from activation.drops.source import head_error, read_error
from activation.drops.sources import Origin
from activation.errors import ConfigError
from activation.ledger.audience_lock import Superseded
from activation.ledger.runs import RunState
from activation.model import SNAPSHOTS
from activation.runs.closing import is_quiet
from activation.runs.earlier_closings import SEVERAL_S, origin_of
from activation.runs.invocation import Invocation

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MOST_OTHERS = 10  # files that are asked whether they were sent


def refuse_several(invocation: Invocation) -> None:
    """Raise ConfigError when another drop was written next to the run's own within 15 minutes of it.

    Raises Superseded for a drop of which nothing was sent and whose object is not there any more: who is told to
    delete one of two files and to redrive means the other. A forced replay sends a deleted one on purpose.

    For a file directly below a replace or a mirror, which is a drop of its own, the others are such files; a newer
    version of the same key is none. For a folder that only a quiet time closed, they are the files of other
    folders: whether those are the rest of one export, nothing says. Asked by every invocation until the upload is
    closed, of a folder until anything of it was sent, so that a run which has begun stops at its next step; one
    whose uploads are a session ends that first. Times are S3's own, so that it does not matter when the events
    came. Raises Retryable and ConfigError when S3 cannot list the files.
    """
    located, run = invocation.located, invocation.held.run
    if located.audience.action not in SNAPSHOTS or run.state is RunState.ACCEPTED:
        return
    if invocation.session is not None and run.opened is not None and not run.opened.by_upload:
        return  # in the middle of a session: stopping would leave the audience with a part of this file's people
    if is_quiet(invocation.work.drop.key):
        if invocation.is_untouched and _other_folders(invocation):
            raise ConfigError("several_files_for_one_replace", _sentence(invocation, "folder"))
    elif located.place.role is Role.FILE and (others := _other_files(invocation)):
        sentence = _sentence(invocation, "file", _sent_before(invocation, others))
        raise ConfigError("several_files_for_one_replace", sentence)


def _other_files(invocation: Invocation) -> list[str]:
    """Return the keys of the other files of the run's time; raises Superseded if its own was deleted."""
    drop, place = invocation.work.drop, invocation.located.place
    written = files_below(invocation.connector.clients.s3, origin_of(invocation.connector, drop), place.base)
    mine = written.pop(drop.key, None)
    if mine is None:
        _refuse_deleted(invocation, "file was")
        return []
    return [key for key, at in written.items() if abs((at - mine).total_seconds()) < SEVERAL_S]


def _refuse_deleted(invocation: Invocation, what: str) -> None:
    """Raise Superseded unless something of the deleted drop was sent, or its sending was forced."""
    if invocation.is_untouched and not invocation.work.again:
        raise Superseded(f"the {what} deleted before anything of it was sent, so nothing of it is sent")


def _sent_before(invocation: Invocation, others: Sequence[str]) -> str:
    """Return what the sentence says of the first of the other files of which anything was sent, "" for none."""
    connector, work = invocation.connector, invocation.work
    for key in others[:MOST_OTHERS]:
        try:
            head = connector.clients.s3.head_object(Bucket=work.drop.bucket, Key=key)
        except (ClientError, BotoCoreError) as error:
            found = head_error(connector.clients.s3, work.drop.bucket, key, error)
            if found.code == "object_gone":
                continue
            raise found from error
        other = replace(work.drop, key=key, version_id=head.get("VersionId", ""))
        run = connector.ledger.read(replace(work, drop=other, again="").run_id(connector.settings.connector))
        if run is not None and run.progress.tally.acknowledged:
            name = shown_file(key.rsplit("/", 1)[-1])
            rows = run.progress.tally.acknowledged
            return f", while of {name} {rows:,} row{'s' * (rows != 1)} had been sent before"
    return ""


def _other_folders(invocation: Invocation) -> bool:
    drop, place = invocation.work.drop, invocation.located.place
    mine: list[float] = []
    others: list[float] = []
    client = invocation.connector.clients.s3
    for folder, at in _parts(client, origin_of(invocation.connector, drop), place.base):
        (mine if folder == place.folder else others).append(at)
    if not mine:
        _refuse_deleted(invocation, "folder's files were")
        return False
    return any(min(mine) - SEVERAL_S < at < max(mine) + SEVERAL_S for at in others)


def _sentence(invocation: Invocation, what: str, before: str = "") -> str:
    tally, action = invocation.held.run.progress.tally, invocation.located.audience.action
    sent = (
        f"{tally.acknowledged:,} rows of this {what} had been sent" if tally.requests else "nothing of it was sent"
    )
    return (
        f"another {what} was written below this {action} within {SEVERAL_S // 60} minutes of this one, and each"
        f" would take out the people of the other; {sent}{before}. To send them as one, write them into"
        f" a folder below {action}/ and write _SUCCESS or a manifest there last; to send only one"
        f" {what}, delete the other and redrive: the deleted one is not sent"
    )


def files_below(client: S3Client, origin: Origin, base: str) -> dict[str, datetime]:
    """Return when each file directly below the action was written, by key; sidecars and signs are none.

    Raises Retryable and ConfigError when S3 cannot list them.
    """
    return {
        one["Key"]: one["LastModified"]
        for one in _objects(client, origin, base, Delimiter="/")
        if role_of(origin.layout_key(one["Key"])) is Role.FILE
    }


def _parts(client: S3Client, origin: Origin, base: str) -> Iterator[tuple[str, float]]:
    """Yield the folder of each file of a folder below the action, and when it was written, in Unix seconds."""
    for one in _objects(client, origin, base):
        place = place_of(origin.layout_key(one["Key"]), one["Size"])
        if place is not None and place.base == base and place.role is Role.PART:
            yield place.folder, one["LastModified"].timestamp()


def _objects(client: S3Client, origin: Origin, base: str, **only: Any) -> Iterator[Mapping[str, Any]]:
    pages = client.get_paginator("list_objects_v2")
    try:
        for page in pages.paginate(Bucket=origin.bucket, Prefix=origin.key(base), **only):
            yield from page.get("Contents", [])
    except (ClientError, BotoCoreError) as error:
        raise read_error(error) from error
