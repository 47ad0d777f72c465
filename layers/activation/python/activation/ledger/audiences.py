"""The audiences that were ever written to, each in an item of its own that never expires, and which are ours.

Records of runs and locks expire with the ledger. What says which audiences exist must not: somebody who asks to
be forgotten has to be removed from all of them, however long ago they were filled.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from activation.aws.table import ConditionalTable, ConditionFailed, Write, number, read_number, read_text
from activation.ledger.keys import known_audience_key
from activation.model import Audience
from activation.platforms.publisher import Opened

ANY = "any"  # in place of an audience's id: whichever has the name
# Meta takes some seconds to list a new audience; nobody says how long the others take. Whoever deletes a new
# audience at the platform waits so long for another.
NEW_S = 600.0
# Of the sizes that a platform tells, one a day: 40 bytes each, in a record that DynamoDB lets have 400 kB.
MOST_SIZES = 800


@dataclass(frozen=True)
class EstimatedSize:
    """How many people a platform estimated for an audience on a `day`, which is ISO 8601: from `low` to `high`."""

    day: str
    low: int
    high: int

    def __str__(self) -> str:
        """Return the bounds in words; what is too small to be told has one bound twice."""
        return f"{self.low:,}" if self.low == self.high else f"{self.low:,} to {self.high:,}"


@dataclass(frozen=True)
class LastWrite:
    """Which run has written to an audience last, and when that was noted, in Unix seconds; "" and 0 for none."""

    run_id: str = ""
    at: float = 0.0


@dataclass(frozen=True)
class KnownAudiences:
    """The audiences that runs have written to, in the ledger's `table`; `clock` returns Unix seconds.

    Those that this process knows to be new are remembered until they are not.
    """

    table: ConditionalTable
    clock: Callable[[], float] = time.time
    _new: dict[str, tuple[str, float]] = field(default_factory=dict, repr=False)  # which run's, and until when

    def claim(self, lock: str, audience: Audience, run_id: str) -> None:
        """Record that a run is about to write to an audience; `lock` is the key of the audience's lock.

        A run that dies for good after its first request has then left the audience's name. Raises what the table
        raises.
        """
        with contextlib.suppress(ConditionFailed):  # it is known
            self.table.update(
                known_audience_key(lock),
                "SET audience = :audience, connector = :connector, claimed_at = :now, claimed_by = :run",
                {
                    ":audience": {"S": audience.name},
                    ":connector": {"S": audience.connector},
                    ":now": number(self.clock()),
                    ":run": {"S": run_id},
                },
                condition="attribute_not_exists(pk)",
            )

    def claiming(self, lock: str, audience: Audience, run_id: str) -> Write:
        """Return the write of `claim`, whether or not the audience is known; what its record says already stays.

        It is on condition that no other run has created the audience lately, unless that is remembered.
        """
        values = {
            ":audience": {"S": audience.name},
            ":connector": {"S": audience.connector},
            ":now": number(self.clock()),
            ":run": {"S": run_id},
        }
        firsts = {"audience": ":audience", "connector": ":connector", "claimed_at": ":now", "claimed_by": ":run"}
        sets = ", ".join(f"{name} = if_not_exists({name}, {value})" for name, value in firsts.items())
        if self.is_remembered_as_new(lock, run_id):
            return Write(known_audience_key(lock), f"SET {sets}", values, "attribute_exists(created_at)")
        not_new = "attribute_not_exists(created_at) OR created_at <= :lately OR created_by = :run"
        values[":lately"] = number(self.clock() - NEW_S)
        return Write(known_audience_key(lock), f"SET {sets}", values, not_new)

    def noting(
        self, lock: str, audience: Audience, opened: Opened, run_id: str, after: LastWrite | None = None
    ) -> Write:
        """Return the write of `note`, which does all that that does."""
        one = self._note(lock, audience, opened, run_id, after)
        if not (opened.created and opened.audience_id):
            return one
        return replace(
            one,
            expression=f"{one.expression}, owned_id = :id, owned_why = :why, owned_at = :now",
            values={**one.values, ":why": {"S": f"created by run {run_id}"}},
        )

    def note(
        self, lock: str, audience: Audience, opened: Opened, run_id: str, after: LastWrite | None = None
    ) -> None:
        """Record that a run has written to an audience, or may have; `lock` is the key of the audience's lock.

        Keeps when it was first and last written to, by which connector, run and action, its id at the platform
        ("" before an upload has created it), which run has created it and when that was last at work, and that it
        is ours if a run has created it. With `after`, nothing is noted once any other run has written to it after
        that: an undo must not hide who came since. Raises what the table raises.
        """
        if opened.created and opened.audience_id:
            self._own(lock, opened.audience_id, f"created by run {run_id}")
        with contextlib.suppress(ConditionFailed):  # a later run has been noted already
            self.table.write(self._note(lock, audience, opened, run_id, after))

    def _note(self, lock: str, audience: Audience, opened: Opened, run_id: str, after: LastWrite | None) -> Write:
        condition, values = "attribute_not_exists(last_written_at) OR last_written_at <= :now", {}
        if after is not None:
            condition = (
                "attribute_not_exists(last_run) OR last_run = :run"
                " OR last_run = :after AND last_written_at = :after_at"
            )
            values = {":after": {"S": after.run_id}, ":after_at": number(after.at)}
        created = ", created_at = :now, created_by = :run" if opened.created else ""
        if opened.created:
            self._new[lock] = run_id, self.clock() + NEW_S
        return Write(
            known_audience_key(lock),
            "SET first_written_at = if_not_exists(first_written_at, :now), last_written_at = :now,"
            " audience = :audience, audience_id = :id, connector = :connector, last_action = :action,"
            f" last_run = :run{created}",
            {
                ":now": number(self.clock()),
                ":audience": {"S": audience.name},
                ":id": {"S": opened.audience_id},
                ":connector": {"S": audience.connector},
                ":action": {"S": audience.action},
                ":run": {"S": run_id},
                **values,
            },
            condition,
        )

    def note_size(self, lock: str, audience_id: str, day: date, low: int, high: int) -> list[EstimatedSize]:
        """Record a day's size of an audience of ours, as the platform estimates it; the newest of a day counts.

        Returns all sizes that are kept, in the order of their days. That of another audience of the same name is
        left out, where the id of ours is known, and none are returned. Raises what the table raises.
        """
        record = self.table.read(known_audience_key(lock)) or {}
        if read_text(record, "audience_id") not in ("", audience_id):
            return []
        sizes = {one.day: one for one in sizes_in(record)}
        sizes[day.isoformat()] = EstimatedSize(day.isoformat(), low, high)
        kept = [sizes[one] for one in sorted(sizes)[-MOST_SIZES:]]
        self.table.update(
            known_audience_key(lock),
            "SET estimated_sizes = :sizes REMOVE no_size_on",
            {":sizes": {"L": [{"S": f"{one.day} {one.low} {one.high}"} for one in kept]}},
            condition="attribute_exists(pk)",
        )
        return kept

    def note_no_size(self, lock: str, audience_id: str, day: date) -> None:
        """Record that on a day the platform gave no number for an audience; raises what the table raises."""
        record = self.table.read(known_audience_key(lock)) or {}
        if read_text(record, "audience_id") in ("", audience_id):
            self.table.update(
                known_audience_key(lock),
                "SET no_size_on = :day",
                {":day": {"S": day.isoformat()}},
                condition="attribute_exists(pk)",
            )

    def is_new(self, lock: str, run_id: str) -> bool:
        """Return whether another run has created the audience so lately that a platform may not list it yet."""
        record = self.table.read(known_audience_key(lock)) or {}
        self._new[lock] = read_text(record, "created_by"), read_number(record, "created_at") + NEW_S
        return self.is_remembered_as_new(lock, run_id)

    def is_remembered_as_new(self, lock: str, run_id: str) -> bool:
        """Return what `is_new` does as far as this process knows by itself, without reading the record."""
        created_by, until = self._new.get(lock, ("", 0.0))
        if until <= self.clock():
            self._new.pop(lock, None)
            return False
        return created_by not in ("", run_id)

    def last_write(self, lock: str) -> LastWrite:
        """Return which run has written to an audience last, of those that have ended or waited."""
        return last_write_in(self.table.read(known_audience_key(lock)) or {})

    def adopt(self, lock: str, by: str) -> None:
        """Take the audience of this name to be ours alone, whoever created it; `by` is the ARN of who says so."""
        self._own(lock, ANY, f"adopted by {by}")

    def disown(self, lock: str, why: str) -> None:
        """Take the audience to hold people whom nobody knows any more, so that it is never replaced as a whole."""
        with contextlib.suppress(ConditionFailed):
            self.table.update(
                known_audience_key(lock),
                "SET owned_why = :why REMOVE owned_id",
                {":why": {"S": why}},
                condition="attribute_exists(owned_id)",
            )

    def is_ours(self, lock: str, audience_id: str) -> bool:
        """Return whether we created the audience that has this id at the platform, or have adopted its name.

        One that was deleted and made anew by somebody else has another id, and is not ours.
        """
        item = self.table.read(known_audience_key(lock)) or {}
        return read_text(item, "owned_id") in (ANY, audience_id)

    def has_own(self, lock: str) -> bool:
        """Return whether we created an audience of this name, or have adopted it."""
        return bool(read_text(self.table.read(known_audience_key(lock)) or {}, "owned_id"))

    def _own(self, lock: str, audience_id: str, why: str) -> None:
        with contextlib.suppress(ConditionFailed):
            self.table.update(
                known_audience_key(lock),
                "SET owned_id = :id, owned_why = :why, owned_at = :now",
                {":id": {"S": audience_id}, ":why": {"S": why}, ":now": number(self.clock())},
                condition="attribute_not_exists(owned_id) OR owned_id <> :id",
            )


def last_write_in(record: Mapping[str, Any]) -> LastWrite:
    """Return which run the record of an audience names as its last."""
    return LastWrite(read_text(record, "last_run"), read_number(record, "last_written_at"))


def sizes_in(record: Mapping[str, Any]) -> list[EstimatedSize]:
    """Return the sizes that the record of an audience has, in the order of their days."""
    texts = [one.get("S", "").split() for one in record.get("estimated_sizes", {}).get("L", [])]
    return [EstimatedSize(day, int(low), int(high)) for day, low, high in texts]
