"""The next slot of each table row, as the newest tick found it, so that commands need not read the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from activation.aws.table import ConditionalTable, ConditionFailed, number, read_text
from activation.records import DamagedRecord, from_json, to_json

from lambdas.sync.declaration import Declaration
from lambdas.sync.due import following_slot, slot_at
from lambdas.sync.slots import SYNC

KEY = f"{SYNC}#upcoming"
# A record has room for some 4,000 rows; of more, those that come first are noted. (400 KB:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html, read 2026-11-30)
_MOST_BYTES = 390_000


@dataclass(frozen=True)
class Coming:
    """A declaration's next slot by its name, its time zone, and whether it is paused."""

    slot: str
    timezone: str
    paused: bool = False


def coming(declaration: Declaration, now: datetime, newest: str) -> Coming:
    """Return what comes next of a declaration whose newest slot so far is `newest`, "" for none."""
    slots = [following_slot(declaration, now, newest)]
    if declaration.asked_for is not None and declaration.asked_for > now:
        slots.append(slot_at(declaration.asked_for))
    return Coming(min(slots).name, declaration.schedule.zone.key, declaration.paused)


class Upcoming:
    """Reads and writes the record; `ttl_days` is how long it is kept after its last change."""

    def __init__(self, table: ConditionalTable, *, ttl_days: int) -> None:
        self._table, self._keep_s = table, ttl_days * 86_400

    def read(self) -> dict[str, Coming]:
        """Return what is noted, by the declarations' names; none where this release cannot read the record."""
        text = read_text(self._table.read(KEY) or {}, "rows")
        try:
            return from_json(text or "{}", dict[str, Coming])
        except DamagedRecord:
            return {}  # the next tick finds it anew

    def note(self, found: Mapping[str, Coming], began_at: float, unread: Iterable[str] = ()) -> None:
        """Note what a tick found that began at a Unix time, unless a later tick has noted what it found.

        Of sources that it could not read, `unread`, what was noted stays.
        """
        before = self.read()
        kept = {name: one for name, one in before.items() if name.partition(":")[0] in set(unread)}
        after = _fitting({**kept, **found})
        if after == before:
            return
        values = {
            ":rows": {"S": to_json(after)},
            ":began": number(began_at),
            ":expires": {"N": str(int(began_at) + self._keep_s)},
        }
        with suppress(ConditionFailed):
            self._table.update(
                KEY,
                "SET #rows = :rows, updated_at = :began, expires_at = :expires",
                values,
                condition="attribute_not_exists(updated_at) OR updated_at <= :began",
                names={"#rows": "rows"},
            )


def _fitting(found: Mapping[str, Coming]) -> dict[str, Coming]:
    left, fitting = _MOST_BYTES, dict[str, Coming]()
    for name, one in sorted(found.items(), key=lambda item: (item[1].slot, item[0])):
        left -= len(to_json({name: one}).encode())
        if left < 0:
            break
        fitting[name] = one
    return fitting
