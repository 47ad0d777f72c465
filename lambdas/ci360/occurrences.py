"""The occurrence table: one record per file of a task run, claimed by a lease, advanced by its holder only."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from activation.aws.table import ConditionalTable, ConditionFailed, Item, number, read_number, read_text

LEASE_S = 60.0  # outlasts the longest silence of a server and the upload of a part


class State(StrEnum):
    """Where an occurrence is."""

    ACCEPTED = "accepted"  # the webhook has answered
    FETCHING = "fetching"
    LANDED = "landed"
    FAILED = "failed"


FINAL = frozenset({State.LANDED, State.FAILED})


class Taken(Exception):
    """The key belongs to a record already; `record` is that one."""

    def __init__(self, record: Occurrence) -> None:
        super().__init__("the key is taken")
        self.record = record


class LeaseHeld(Exception):
    """Another worker has the occurrence for up to `for_s` more seconds."""

    def __init__(self, for_s: float) -> None:
        super().__init__("another worker has the occurrence")
        self.for_s = for_s


class LeaseLost(Exception):
    """Another worker took the occurrence over; this one must stop and may record nothing."""


@dataclass(frozen=True)
class Occurrence:
    """One file to land. Its key is its identity: the key is made of the occurrence's id and the task's target.

    `data_link` and `metadata_link` are bearer secrets and are taken out of the record when it is final. `offset`
    is where in the source the next part begins, `part` its number; `written_bytes`, `crc32` and `rows` are of the
    object as far as the parts before it make it. `idle` counts turns in a row without progress,
    `restarts` how often an upload was lost and the file begun again.
    """

    key: str
    state: State = State.ACCEPTED
    occurrence_id: str = ""
    connector: str = ""
    file_name: str = ""
    data_link: str = ""
    metadata_link: str = ""
    link_digest: str = ""
    tracking_code: str = ""
    task_code: str = ""
    request_id: str = ""
    accepted_at: float = 0.0
    fence: int = 0
    turns: int = 0
    idle: int = 0
    restarts: int = 0
    upload_id: str = ""
    etag: str = ""
    size_bytes: int = 0
    offset: int = 0
    part: int = 1
    rows: int = 0
    written_bytes: int = 0
    crc32: int = 0
    columns: int = 0
    landed_version: str = ""
    code: str = ""
    sentence: str = ""

    @property
    def uploaded(self) -> bool:
        """Whether every part is in the bucket, so that nothing but the object is missing."""
        return bool(self.upload_id) and self.offset == self.size_bytes

    @property
    def metadata(self) -> Mapping[str, str]:
        """The object's metadata, which S3 takes when an upload begins: rows and checksum are not known yet."""
        whose = self.occurrence_id or self.link_digest
        return {"columns": str(self.columns), "occurrence": whose, "source": "ci360"}

    def __repr__(self) -> str:
        return f"Occurrence({self.key!r}, {self.state}, part={self.part})"


_NUMBERS = (
    "accepted_at", "fence", "turns", "idle", "size_bytes", "offset", "part", "rows", "written_bytes", "crc32",
    "columns", "restarts",
)  # fmt: skip
_TEXTS = (
    "occurrence_id", "connector", "file_name", "data_link", "metadata_link", "link_digest", "tracking_code",
    "task_code", "request_id", "upload_id", "etag", "landed_version", "code", "sentence",
)  # fmt: skip
# Words of DynamoDB's own: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
_RESERVED = ("state", "part", "rows", "offset", "columns")
_NAMES = {f"#{name}": name for name in _RESERVED}


class Occurrences:
    """Reads and writes the records. `clock` returns Unix seconds.

    Every call raises Retryable when DynamoDB is throttled or failing, ConfigError when the table cannot be used.
    """

    def __init__(
        self,
        table: ConditionalTable,
        *,
        keep_days: int,
        lease_s: float = LEASE_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._table = table
        self._keep_s = keep_days * 86_400
        self._lease_s = lease_s
        self._clock = clock

    def read(self, key: str) -> Occurrence | None:
        """Read a record; None when there is none."""
        item = self._table.read(_pk(key))
        return None if item is None else _occurrence(key, item)

    def accept(self, wanted: Occurrence) -> Occurrence:
        """Make the record; raises Taken with the one that is there."""
        return self._begin(wanted, "attribute_not_exists(pk)", {})

    def accept_again(self, wanted: Occurrence) -> Occurrence:
        """Begin anew what failed, with a newer call's links; raises Taken when it goes on or had these."""
        return self._begin(
            wanted, "#state = :failed AND link_digest <> :link_digest", {":failed": {"S": State.FAILED}}
        )

    def _begin(self, wanted: Occurrence, condition: str, values: Item) -> Occurrence:
        begun = replace(wanted, state=State.ACCEPTED, accepted_at=self._clock())
        sets, all_values = _assignments(begun)
        try:
            item = self._table.update(
                _pk(wanted.key),
                f"SET {sets}, lease_until = :lease, expires_at = :expires",
                {**all_values, **values, ":lease": number(0), ":expires": self._expires()},
                condition=condition,
                names=_NAMES,
            )
        except ConditionFailed as failed:
            raise Taken(_occurrence(wanted.key, failed.item)) from None
        return _occurrence(wanted.key, item)

    def claim(self, key: str) -> Occurrence:
        """Take the lease, and a fence higher than any before; a final record is returned as it is.

        Raises LeaseHeld while another worker's lease runs. A claim whose answer was lost and that the SDK repeated
        is recognised as one's own by its token.
        """
        now, token = self._clock(), uuid.uuid4().hex
        try:
            item = self._table.update(
                _pk(key),
                "SET lease_until = :until, lease_token = :token, fence = fence + :one, turns = turns + :one",
                {
                    ":token": {"S": token},
                    ":until": number(now + self._lease_s),
                    ":one": {"N": "1"},
                    ":now": number(now),
                    **{f":{state}": {"S": state.value} for state in FINAL},
                },
                condition="lease_until < :now AND NOT #state IN (:landed, :failed)",
                names={"#state": "state"},
            )
        except ConditionFailed as failed:
            if read_text(failed.item, "lease_token") == token or read_text(failed.item, "state") in FINAL:
                return _occurrence(key, failed.item)
            raise LeaseHeld(max(read_number(failed.item, "lease_until") - now, 1.0)) from None
        return _occurrence(key, item)

    def save(self, occurrence: Occurrence, *, release: bool = False) -> None:
        """Record the occurrence and renew the lease, or give it up; raises LeaseLost when it is another's by now.

        A final record loses its links. Writing the same twice is harmless.
        """
        final = occurrence.state in FINAL
        if final:
            occurrence = replace(occurrence, data_link="", metadata_link="")
        until = 0.0 if release or final else self._clock() + self._lease_s
        sets, values = _assignments(occurrence)
        try:
            self._table.update(
                _pk(occurrence.key),
                f"SET {sets}, lease_until = :lease, expires_at = :expires",
                {**values, ":lease": number(until), ":expires": self._expires()},
                condition="fence = :fence",
                names=_NAMES,
            )
        except ConditionFailed:
            raise LeaseLost from None

    def renew(self, occurrence: Occurrence) -> None:
        """Keep the lease; raises LeaseLost."""
        try:
            self._table.update(
                _pk(occurrence.key),
                "SET lease_until = :until",
                {":until": number(self._clock() + self._lease_s), ":fence": {"N": str(occurrence.fence)}},
                condition="fence = :fence",
            )
        except ConditionFailed:
            raise LeaseLost from None

    def _expires(self) -> Mapping[str, str]:
        return {"N": str(int(self._clock()) + self._keep_s)}


def _pk(key: str) -> str:
    return f"file#{key}"


def _assignments(occurrence: Occurrence) -> tuple[str, dict[str, Any]]:
    """Return what to set of a record, and the values for it."""
    values: dict[str, Any] = {"state": {"S": occurrence.state.value}}
    values |= {name: {"S": getattr(occurrence, name)} for name in _TEXTS}
    values |= {name: {"N": str(getattr(occurrence, name))} for name in _NUMBERS}
    sets = ", ".join(f"{'#' if name in _RESERVED else ''}{name} = :{name}" for name in values)
    return sets, {f":{name}": value for name, value in values.items()}


def _occurrence(key: str, item: Item) -> Occurrence:
    fields: dict[str, Any] = {name: read_text(item, name) for name in _TEXTS}
    fields |= {name: int(read_number(item, name)) for name in _NUMBERS if name != "accepted_at"}
    return Occurrence(
        key=key,
        state=State(read_text(item, "state")),
        accepted_at=read_number(item, "accepted_at"),
        **fields,
    )
