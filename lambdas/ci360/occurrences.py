"""The occurrence table: one record per file of a task run, claimed by a lease, advanced by its holder only."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from activation.aws.lease import Changes, Lease, LeaseHeld, Leases
from activation.aws.table import ConditionalTable, ConditionFailed, Item, read_number, read_text

LEASE_S = 60.0  # outlasts the longest silence of a server and the upload of a part


# The metadata with which an object that is written anew says which run it is of, in milliseconds of Unix time.
ACCEPTED_MS = "accepted-ms"


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


@dataclass(frozen=True)
class Occurrence:
    """One file to land. Its key is its identity: the key is made of the occurrence's id and the task's target.

    It is also the key of the object in the drops bucket, unless there is a `sas_key`: that of the object in the
    bucket of SAS's files, which every run of the task writes anew.

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
    sas_key: str = ""

    @property
    def object_key(self) -> str:
        """Return the key of the object in its bucket."""
        return self.sas_key or self.key

    @property
    def uploaded(self) -> bool:
        """Whether every part is in the bucket, so that nothing but the object is missing."""
        return bool(self.upload_id) and self.offset == self.size_bytes

    @property
    def metadata(self) -> Mapping[str, str]:
        """The object's metadata, which S3 takes when an upload begins: rows and checksum are not known yet."""
        whose = {"occurrence": self.occurrence_id or self.link_digest, "source": "ci360"}
        if self.sas_key:
            return {ACCEPTED_MS: str(int(self.accepted_at * 1000)), **whose}
        return {"columns": str(self.columns), **whose}

    def __repr__(self) -> str:
        return f"Occurrence({self.key!r}, {self.state}, part={self.part})"


# The lease writes the fence; nothing else may, since it must never fall.
_NUMBERS = tuple(one.name for one in fields(Occurrence) if one.type in ("int", "float") and one.name != "fence")
_TEXTS = tuple(one.name for one in fields(Occurrence) if one.type == "str" and one.name != "key")
_NAMES = {f"#{name}": name for name in ("state", *_TEXTS, *_NUMBERS)}  # some are reserved words of DynamoDB's
_STATES = {f":{state}": {"S": state.value} for state in State}


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
        self._leases = Leases(table, keep_s=self._keep_s, clock=clock)
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
        """Restart what failed with other links than a newer call's; raises Taken for any other record."""
        return self._begin(
            wanted, "#state = :failed AND #link_digest <> :link_digest", {":failed": _STATES[":failed"]}
        )

    def _begin(self, wanted: Occurrence, condition: str, values: Item) -> Occurrence:
        begun = _changes(replace(wanted, state=State.ACCEPTED, accepted_at=self._clock()))
        expires = {"N": str(int(self._clock()) + self._keep_s)}
        try:
            item = self._table.update(
                _pk(wanted.key),
                f"SET {begun.sets}, expires_at = :expires",
                {**begun.values, **values, ":expires": expires},
                condition=condition,
                names=begun.names,
            )
        except ConditionFailed as failed:
            raise Taken(_occurrence(wanted.key, failed.item)) from None
        return _occurrence(wanted.key, item)

    def claim(self, key: str) -> Occurrence:
        """Acquire the lease of an occurrence; a final record is returned as it is.

        Raises LeaseHeld while another worker holds the lease.
        """
        open_states = {name: _STATES[name] for name in (":accepted", ":fetching")}
        try:
            item = self._leases.acquire(
                _pk(key),
                uuid.uuid4().hex,
                for_s=self._lease_s,
                changes=Changes("turns = turns + :one", open_states, {"#state": "state"}),
                only_if=f"#state IN ({', '.join(open_states)})",
            ).record
        except LeaseHeld as held:
            if read_text(held.record, "state") not in FINAL:
                raise
            item = held.record
        return _occurrence(key, item)

    def save(self, occurrence: Occurrence, *, release: bool = False) -> None:
        """Save the record and renew the lease, or release it; raises LeaseLost when another worker holds it.

        A final record is released, and loses its links.
        """
        final = occurrence.state in FINAL
        if final:
            occurrence = replace(occurrence, data_link="", metadata_link="")
        if release or final:
            self._leases.release(_lease(occurrence), changes=_changes(occurrence))
        else:
            self._leases.renew(_lease(occurrence), for_s=self._lease_s, changes=_changes(occurrence))

    def renew(self, occurrence: Occurrence) -> None:
        """Renew the lease; raises LeaseLost when another worker holds it."""
        self._leases.renew(_lease(occurrence), for_s=self._lease_s)

    def release(self, occurrence: Occurrence) -> None:
        """Release the lease and leave the record; raises LeaseLost when another worker holds it."""
        self._leases.release(_lease(occurrence))


def _pk(key: str) -> str:
    return f"file#{key}"


def _lease(occurrence: Occurrence) -> Lease:
    return Lease(_pk(occurrence.key), "", occurrence.fence, 0.0)


def _changes(occurrence: Occurrence) -> Changes:
    """Return the assignments that write an occurrence, all but its fence."""
    values: dict[str, Any] = {":state": _STATES[f":{occurrence.state}"]}
    values |= {f":{name}": {"S": getattr(occurrence, name)} for name in _TEXTS}
    values |= {f":{name}": {"N": str(getattr(occurrence, name))} for name in _NUMBERS}
    return Changes(", ".join(f"#{name[1:]} = {name}" for name in values), values, _NAMES)


def _occurrence(key: str, item: Item) -> Occurrence:
    values: dict[str, Any] = {name: read_text(item, name) for name in _TEXTS}
    values |= {name: int(read_number(item, name)) for name in ("fence", *_NUMBERS)}
    values |= {"state": State(read_text(item, "state")), "accepted_at": read_number(item, "accepted_at")}
    return Occurrence(key, **values)
