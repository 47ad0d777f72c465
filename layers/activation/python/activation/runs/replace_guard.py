"""Several files below one replace: each would take out the people of the others, so neither is sent."""

from __future__ import annotations

from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError

from activation.drops.places import Role, role_of
from activation.drops.source import read_error
from activation.drops.sources import Origin
from activation.errors import ConfigError
from activation.ledger.runs import RunState
from activation.runs.closing import SEVERAL_S, is_quiet, origin_of
from activation.runs.folder_events import WHOLE
from activation.runs.invocation import Invocation


def refuse_several(invocation: Invocation) -> None:
    """Raise ConfigError when another file was written next to the run's own within 15 minutes of it.

    Only for a file directly below a replace or a mirror, which is a drop of its own; a newer version of the same
    key is not another file. Asked by every invocation until the upload is closed, so that a run which has begun
    stops at its next step; one whose uploads are a session ends that first. Times are S3's own, so that it does
    not matter when the events came. Raises Retryable and ConfigError when S3 cannot list the files.
    """
    drop, located, run = invocation.work.drop, invocation.located, invocation.held.run
    place = located.place
    is_alone = located.audience.action in WHOLE and place.role is Role.FILE and not is_quiet(drop.key)
    if not is_alone or run.state is RunState.ACCEPTED:
        return
    if invocation.session is not None and run.opened is not None and not run.opened.by_upload:
        return  # in the middle of a session: stopping would leave the audience with a part of this file's people
    written = _files(invocation, origin_of(invocation.connector, drop), place.base)
    mine = written.pop(drop.key, None)
    if mine is None:
        return  # deleted since; reading it says so
    if any(abs((other - mine).total_seconds()) < SEVERAL_S for other in written.values()):
        raise ConfigError("several_files_for_one_replace", _sentence(invocation))


def _sentence(invocation: Invocation) -> str:
    tally, action = invocation.held.run.progress.tally, invocation.located.audience.action
    sent = (
        f"{tally.acknowledged:,} rows of this file had been sent" if tally.requests else "nothing of it was sent"
    )
    return (
        f"another file was written directly below this {action} within {SEVERAL_S // 60} minutes of this one, and"
        f" each would take out the people of the other; {sent}. To send them as one, write them into"
        f" a folder below {action}/ and write _SUCCESS or a manifest there last; to send this one alone, delete"
        " the other and redrive"
    )


def _files(invocation: Invocation, origin: Origin, base: str) -> dict[str, datetime]:
    """Return when each file directly below the action was written, by key; sidecars and signs are none."""
    found: dict[str, datetime] = {}
    pages = invocation.connector.clients.s3.get_paginator("list_objects_v2")
    try:
        for page in pages.paginate(Bucket=origin.bucket, Prefix=origin.key(base), Delimiter="/"):
            for one in page.get("Contents", []):
                if role_of(origin.layout_key(one["Key"])) is Role.FILE:
                    found[one["Key"]] = one["LastModified"]
    except (ClientError, BotoCoreError) as error:
        raise read_error(error) from error
    return found
