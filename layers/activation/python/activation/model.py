"""The words of the project as values: drop, audience, action, kind, cursor and warning."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from activation.audience_options import NO_OPTIONS, AudienceOptions

# What S3 calls the version of an object that was written while the bucket was not versioned:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html, read 2026-11-29
NO_VERSION = "null"


# How the name of a folder below `remove` begins that `activation forget` drops, and of its file on this list.
FORGET_PREFIX = "forget-"
FORGOTTEN_LIST = "suppressions/forgotten/raw/"
UNDO_COPIES = "_activation_undo"  # the folder, a sidecar's, of the copies that `run undo --drop` uploads
UNREADABLE = "_unreadable"  # the audience of receipts of drops whose key names none


class Action(StrEnum):
    """What a drop does to its audience."""

    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"
    MIRROR = "mirror"


# Each version of such a drop is all of its audience, so a newer one takes the place of an older one.
SNAPSHOTS = frozenset({Action.REPLACE, Action.MIRROR})


@dataclass(frozen=True)
class Kind:
    """What the drop's key declares its cells to be.

    `raw`, `hashed` and `events` files have a header row that names the columns. A single-column list declares one
    identifier type in the key (`single` is its wire key, for instance EMAIL_SHA256) and has no header, or one; its
    values are digests, but for the types email and phone.
    """

    declared: str
    hashed: bool
    single: str | None = None


RAW = Kind("raw", hashed=False)
HASHED = Kind("hashed", hashed=True)
EVENTS = Kind("events", hashed=False)  # each row is an event of a person; the header row names the columns


@dataclass(frozen=True)
class Audience:
    """Where a drop's people go: an audience, by name, of an ad account that a connector can send to.

    `account` is the ad account's id, "" for the one that the connector's secret names. `options` are what the
    settings and its `_audience.json` say of it. `is_new` is True if a run has created it a short while ago, so
    that the platform may not list it yet.
    """

    connector: str
    name: str
    action: Action = Action.ADD
    account: str = ""
    options: AudienceOptions = NO_OPTIONS
    is_new: bool = False


@dataclass(frozen=True)
class Drop:
    """One version of one object in the drops bucket, or in a bucket that the settings name as a source.

    `sequencer` orders the versions of one key (hexadecimal, compared right-padded with zeros, within a key
    only: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html, read
    2026-11-22). `size_bytes` is the stored size, compressed or not. `version_id` is NO_VERSION where the
    bucket keeps one object for each key; `etag`, without quotes, then names the bytes. It is "" for other drops.
    """

    bucket: str
    key: str
    version_id: str
    sequencer: str
    size_bytes: int
    etag: str = ""

    @property
    def is_versioned(self) -> bool:
        """Return whether the object keeps the version although its key is written again."""
        return self.version_id not in ("", NO_VERSION)

    def run_id(self, connector: str, again: str = "", account: str = "") -> str:
        """Return the name of the one run this version may cause in an ad account.

        It has 32 hex digits and is the same on every redelivery and replay. `account` is "" for the ad account
        that the connector's secret names. `again` is empty except when an operator forces a finished drop to be
        sent once more; each force has a text of its own and so a run of its own.

        Without a version, the ETag and the event's sequencer stand for it: the same bytes written once more, after
        others, are a drop of their own.
        """
        version = self.version_id if self.is_versioned else f"{NO_VERSION}\n{self.etag}\n{self.sequencer}"
        parts = (connector, self.bucket, self.key, version, again, *([account] if account else []))
        text = "\n".join(parts)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, order=True)
class Cursor:
    """Where reading goes on: after `row` source rows.

    `row` counts data rows from 0 (a header is none; malformed rows count, empty lines do not). `position` says
    the same place in the file's own measure so that reading need not start over: the byte offset of a record's
    first byte in a text, counted as it is when unpacked (what comes before is unpacked again, but not looked at),
    or the row group in Parquet. Where the drop is a folder, `position` is a place in the file with the index
    `file`, and `before` rows of the drop are in files before that one.
    """

    row: int = 0
    position: int = 0
    file: int = 0
    before: int = 0


def visible_name(name: str) -> str:
    """Return a name as people see it: in Unicode's composed form, without white space at its ends.

    macOS writes file names in the decomposed form (https://github.com/aws/aws-cli/issues/1639, read 2026-11-29),
    and a space at an end cannot be seen.
    """
    return unicodedata.normalize("NFC", name).strip()


@dataclass(frozen=True)
class RunWarning:
    """What looks wrong with a drop although it may be sent: a stable `code` and a `sentence` without any value."""

    code: str
    sentence: str
