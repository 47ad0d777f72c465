"""The calls to a simulated platform, one by one: the evidence that tests count."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass
class Entry:
    """One call, filled in while it is read and answered.

    `rows` and `digest` are of the members it carried, `applied` says whether it changed anything. `status` is 0 if
    the connection was closed without an answer, `fault` is the scripted fault that it got, `watched` says whether
    it carried one of the texts that a test watches for, and `note` contains the platform's own terms (session,
    batch, action); never a member.
    """

    number: int
    time: float
    method: str
    route: str
    status: int = 0
    rows: int = 0
    digest: str = ""
    applied: bool = False
    fault: str = ""
    watched: bool = False
    note: dict[str, str | int | bool | None] = field(default_factory=dict)

    def as_json(self) -> Mapping[str, Any]:
        """Return the entry as `/_sim/requests` shows it."""
        return vars(self)


class Journal:
    """Every call since the last reset, oldest first."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def open(self, time: float, method: str, route: str) -> Entry:
        """Start the entry of a call that just came in."""
        entry = Entry(len(self.entries) + 1, time, method, route)
        self.entries.append(entry)
        return entry

    def counters(self) -> dict[str, int]:
        """Return the number of calls: all, applied, with a fault; and the rows of the applied ones."""
        applied = [entry for entry in self.entries if entry.applied]
        return {
            "requests": len(self.entries),
            "applied": len(applied),
            "faults": sum(1 for entry in self.entries if entry.fault),
            "rows_applied": sum(entry.rows for entry in applied),
        }


def digest_of_rows(rows: object) -> str:
    """Return a digest of rows as sent, SHA-256 of their compact JSON in UTF-8, to recognise a batch sent again."""
    return hashlib.sha256(orjson.dumps(rows)).hexdigest()
