"""What arrives in a connector's queue: an object's creation, or the function's own continuation of a run."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Protocol

from activation.drops.sources import Origin
from activation.errors import Rejected
from activation.model import NO_VERSION, UNDO_COPIES, Drop
from activation.records import DamagedRecord, from_json

CONTINUATION = "Activation Continued"
FOLDER_CHECK = "Folder Checked"


class CheckKind(StrEnum):
    """What a delayed message looks after."""

    OPEN = "open"  # a folder that is not closed yet
    LATE = "late"  # a file that came after its folder was closed


@dataclass(frozen=True)
class Check:
    """A delayed look at a folder, at the event of one of its files.

    `since` is when that event was handled, in Unix seconds. `told` says that the folder was reported as open for
    too long.
    """

    kind: CheckKind
    since: float
    told: bool = False


@dataclass(frozen=True)
class Others:
    """Whose people an undo leaves out.

    `runs` are the ids of other runs of the connector whose drops are still there, `mirror` says that people of the
    mirror's state are left out, too. `last_run` is the run that had written to the audience last when the undo was
    begun, and `last_written_at` when that was noted, in Unix seconds: after a later one, or once that one has been
    continued, nobody knows whom else it needs.
    """

    runs: tuple[str, ...] = ()
    mirror: bool = False
    last_run: str = ""
    last_written_at: float = 0.0

    @property
    def any(self) -> bool:
        """Return whether there is anybody to leave out."""
        return self.mirror or bool(self.runs)


@dataclass(frozen=True)
class Work:
    """One message, read.

    `drop` is the object. `continuation` is 0 for an event and counts the run's continuations from 1. `replay`
    names the archive replay that brought the event, "" when none did. `again` is an operator's wish to send a
    finished drop once more, see Drop.run_id. `part` is None, or counts from 0 the part of a large run that the
    message is for. `ad_account` is the id of the ad account to send to, "" for the one that the connector's secret
    names; that one has no other name here. `check` is a delayed look at the file's folder, None for any other
    message. `dropped_at` is when the object was put, in ISO 8601, and `requester` who put it, as S3 names them: an
    AWS account or a service; "" if the event does not say it
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html, read 2026-11-30).
    `undo` is the id of the run that is undone, "" for none; `others` are whose people it leaves out, None in
    messages of earlier releases. `copy` is the object that is read in place of `drop`, which was deleted: a
    person's own copy of it, uploaded for an undo; None where the drop itself is read.
    """

    drop: Drop
    continuation: int = 0
    replay: str = ""
    again: str = ""
    part: int | None = None
    ad_account: str = ""
    check: Check | None = None
    dropped_at: str = ""
    requester: str = ""
    undo: str = ""
    others: Others | None = None
    copy: Drop | None = None

    @property
    def is_event(self) -> bool:
        """Return whether the message is an object's creation."""
        return self.check is None and not self.continuation

    def run_id(self, connector: str) -> str:
        """Return the name of the run that the message is for."""
        return self.drop.run_id(connector, self.again, self.ad_account)

    def next_message(self) -> str:
        """Return the body of the run's next message; it names the object and holds nothing of its content."""
        return replace(self, continuation=self.continuation + 1, check=None)._message(CONTINUATION)

    def check_message(self, check: Check) -> str:
        """Return the body of a message that looks at the file's folder again."""
        return replace(self, check=check)._message(FOLDER_CHECK)

    def _message(self, detail_type: str) -> str:
        # In ASCII, since SQS refuses some characters that a key may have; a reader takes no `part` of null.
        known = {name: value for name, value in asdict(self).items() if value is not None}
        return json.dumps({"detail-type": detail_type, **known})


MOST_COMPARED = 200  # other runs in a message: SQS takes 256 kB, and each drop is read


class OriginFinder(Protocol):
    """Tells where an object is."""

    def of(self, bucket: str, key: str) -> Origin:
        """Return where an object is; raises Rejected (foreign_bucket) for one that is none of the reader's."""
        ...


def read(body: str, *, origins: OriginFinder, account: str) -> Work:
    """Read a message's body, and refuse what neither this app nor a source of the connector's caused.

    `origins` are the buckets and prefixes that the connector's drops are in, and `account` is the function's own
    AWS account ("" to skip that check). The rules and the queue's policy let nothing else in; this is the second
    lock on the same door.

    Raises Rejected: not_json, not_understood, foreign_bucket, foreign_account, no_version.
    """
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise Rejected("not_json", "the message is not JSON; the queue takes EventBridge events only") from None
    if not isinstance(message, dict):
        raise Rejected("not_understood", "the message is no JSON object")
    try:
        continued = message.get("detail-type") in (CONTINUATION, FOLDER_CHECK)
        work = _continuation(body, message) if continued else _event(message)
        work.run_id("")  # half of a surrogate pair, which JSON can hold and S3 cannot, fails here
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError, DamagedRecord):
        raise Rejected(
            "not_understood", "the message lacks what an S3 Object Created event or a continuation has"
        ) from None
    origin = origins.of(work.drop.bucket, work.drop.key)
    if work.copy is not None and not _is_of_undo(work, work.copy):
        raise Rejected("not_understood", "the copy of a drop is not where an undo uploads it")
    owner = origin.account or account
    # In an event of S3's, the account is the bucket's owner:
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html, read 2026-11-29
    if owner and message.get("account", owner) != owner:
        raise Rejected("foreign_account", "the event is of another AWS account")
    if not work.drop.is_versioned and not (origin.is_source and work.drop.etag):
        # Of the app's own bucket, "null" is overwritten in place while versioning is suspended.
        raise Rejected("no_version", "the event names no object version; versioning must be on for the bucket")
    return work


def _event(message: dict[str, Any]) -> Work:
    if message["source"] != "aws.s3" or message["detail-type"] != "Object Created":
        raise Rejected("not_understood", "the message is no S3 Object Created event")
    detail, item = message["detail"], message["detail"]["object"]
    drop = Drop(
        bucket=str(detail["bucket"]["name"]),
        key=str(item["key"]),
        version_id=str(item.get("version-id", NO_VERSION)),
        sequencer=str(item.get("sequencer", "")),
        size_bytes=int(item.get("size", 0)),
    )
    if not drop.is_versioned:
        drop = replace(drop, version_id=NO_VERSION, etag=str(item.get("etag", "")))
    return Work(
        drop,
        replay=str(message.get("replay-name", "")),
        again=str(message.get("again", "")),
        ad_account=str(message.get("ad_account", "")),
        dropped_at=str(message.get("time", "")),
        requester=str(detail.get("requester", "")),
        undo=str(message.get("undo", "")),
        others=_others(message["others"]) if "others" in message else None,
        copy=_copy(message["copy"]) if "copy" in message else None,
    )


def _is_of_undo(work: Work, copy: Drop) -> bool:
    """Return whether a copy is beside the drop of an undo, in the folder of copies: it is deleted at the end."""
    connector, folder = copy.key.partition("/")[0], copy.key.rpartition("/")[0].rpartition("/")[2]
    is_named = folder == UNDO_COPIES and connector == work.drop.key.partition("/")[0]
    return bool(work.undo) and is_named and copy.bucket == work.drop.bucket and copy.is_versioned


def _copy(told: dict[str, Any]) -> Drop:
    return Drop(str(told["bucket"]), str(told["key"]), str(told["version_id"]), "", int(told["size_bytes"]))


def _others(told: dict[str, Any]) -> Others:
    runs = tuple(str(one) for one in told["runs"])
    if len(runs) > MOST_COMPARED:
        raise ValueError("more runs than an undo compares")
    written_at = float(told.get("last_written_at", 0.0))
    return Others(runs, bool(told["mirror"]), str(told["last_run"]), written_at)


def _continuation(body: str, message: dict[str, Any]) -> Work:
    work = from_json(body, Work)
    # "hop" is what the first release called it; its messages may still be queued or in the dead letters.
    return replace(work, continuation=int(message["hop"])) if "hop" in message else work
