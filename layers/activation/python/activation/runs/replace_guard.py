"""Several files or folders below one replace: each would take out the people of the others, so neither is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from activation.drops.places import Role, place_of, role_of
from activation.drops.source import read_error
from activation.drops.sources import Origin
from activation.errors import ConfigError
from activation.ledger.runs import RunState
from activation.runs.closing import SEVERAL_S, is_quiet, origin_of
from activation.runs.folder_events import WHOLE
from activation.runs.invocation import Invocation


def refuse_several(invocation: Invocation) -> None:
    """Raise ConfigError when another drop was written next to the run's own within 15 minutes of it.

    For a file directly below a replace or a mirror, which is a drop of its own, the others are such files; a newer
    version of the same key is none. For a folder that only a quiet time closed, they are the files of other
    folders: whether those are the rest of one export, nothing says. Asked by every invocation until the upload is
    closed, of a folder until anything of it was sent, so that a run which has begun stops at its next step; one
    whose uploads are a session ends that first. Times are S3's own, so that it does not matter when the events
    came. Raises Retryable and ConfigError when S3 cannot list the files.
    """
    located, run = invocation.located, invocation.held.run
    if located.audience.action not in WHOLE or run.state is RunState.ACCEPTED:
        return
    if invocation.session is not None and run.opened is not None and not run.opened.by_upload:
        return  # in the middle of a session: stopping would leave the audience with a part of this file's people
    if is_quiet(invocation.work.drop.key):
        if invocation.is_untouched and _other_folders(invocation):
            raise ConfigError("several_files_for_one_replace", _sentence(invocation, "folder"))
    elif located.place.role is Role.FILE and _other_files(invocation):
        raise ConfigError("several_files_for_one_replace", _sentence(invocation, "file"))


def _other_files(invocation: Invocation) -> bool:
    drop, place = invocation.work.drop, invocation.located.place
    written = _files(invocation, origin_of(invocation.connector, drop), place.base)
    mine = written.pop(drop.key, None)
    if mine is None:
        return False  # deleted since; reading it says so
    return any(abs((other - mine).total_seconds()) < SEVERAL_S for other in written.values())


def _other_folders(invocation: Invocation) -> bool:
    drop, place = invocation.work.drop, invocation.located.place
    mine: list[float] = []
    others: list[float] = []
    for folder, at in _parts(invocation, origin_of(invocation.connector, drop), place.base):
        (mine if folder == place.folder else others).append(at)
    return bool(mine) and any(min(mine) - SEVERAL_S < at < max(mine) + SEVERAL_S for at in others)


def _sentence(invocation: Invocation, what: str) -> str:
    tally, action = invocation.held.run.progress.tally, invocation.located.audience.action
    sent = (
        f"{tally.acknowledged:,} rows of this {what} had been sent" if tally.requests else "nothing of it was sent"
    )
    return (
        f"another {what} was written below this {action} within {SEVERAL_S // 60} minutes of this one, and each"
        f" would take out the people of the other; {sent}. To send them as one, write them into"
        f" a folder below {action}/ and write _SUCCESS or a manifest there last; to send this one alone, delete"
        " the other and redrive"
    )


def _files(invocation: Invocation, origin: Origin, base: str) -> dict[str, datetime]:
    """Return when each file directly below the action was written, by key; sidecars and signs are none."""
    return {
        one["Key"]: one["LastModified"]
        for one in _objects(invocation, origin, base, Delimiter="/")
        if role_of(origin.layout_key(one["Key"])) is Role.FILE
    }


def _parts(invocation: Invocation, origin: Origin, base: str) -> Iterator[tuple[str, float]]:
    """Yield the folder of each file of a folder below the action, and when it was written, in Unix seconds."""
    for one in _objects(invocation, origin, base):
        place = place_of(origin.layout_key(one["Key"]), one["Size"])
        if place is not None and place.base == base and place.role is Role.PART:
            yield place.folder, one["LastModified"].timestamp()


def _objects(invocation: Invocation, origin: Origin, base: str, **only: Any) -> Iterator[Mapping[str, Any]]:
    pages = invocation.connector.clients.s3.get_paginator("list_objects_v2")
    try:
        for page in pages.paginate(Bucket=origin.bucket, Prefix=origin.key(base), **only):
            yield from page.get("Contents", [])
    except (ClientError, BotoCoreError) as error:
        raise read_error(error) from error
