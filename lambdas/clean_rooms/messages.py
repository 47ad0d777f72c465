"""The messages of the queue: a slot of a schedule, its continuation, or an event of Clean Rooms.

A schedule sends `{"query": "vip", "slot": "2026-12-01T06:00:00Z"}`. Neither kind holds anything of a result.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from activation.errors import Rejected

EVENT_SOURCE = "aws.cleanrooms"
MOST_IDS = 10  # of one event; a real one names a query, a membership and a collaboration
_SLOT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
_ID = re.compile(r"(?<![0-9a-f-])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-f-])")


@dataclass(frozen=True)
class Slot:
    """A query that is due: its name, and the time that the schedule ran it for, in UTC.

    `after` is the number of the failed attempt that a redrive repeats, 0 for none. `turn` counts continuations.
    """

    query: str
    at: str
    after: int = 0
    turn: int = 0

    @property
    def body(self) -> str:
        """Return the message of this slot."""
        more = {name: value for name, value in (("after", self.after), ("turn", self.turn)) if value}
        return json.dumps({"query": self.query, "slot": self.at, **more})


@dataclass(frozen=True)
class Hint:
    """An event of Clean Rooms: the ids in it, one of which may be that of a query of ours.

    AWS does not document the fields of its detail, so nothing in it is believed:
    https://docs.aws.amazon.com/clean-rooms/latest/userguide/events-detail-reference-full.html, read 2026-11-30
    """

    ids: tuple[str, ...]


def read_message(body: str) -> Slot | Hint:
    """Read a message; raises Rejected (not_understood) for anything else."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _not_understood()
    if found.get("source") == EVENT_SOURCE:
        texts = _texts([found.get("resources"), found.get("detail")])
        return Hint(tuple(dict.fromkeys(id_ for text in texts for id_ in _ID.findall(text)))[:MOST_IDS])
    query, slot = found.get("query"), found.get("slot")
    after, turn = found.get("after", 0), found.get("turn", 0)
    if not (isinstance(query, str) and isinstance(slot, str) and _SLOT.fullmatch(slot)):
        raise _not_understood()
    if type(after) is not int or type(turn) is not int or min(after, turn) < 0:
        raise _not_understood()
    return Slot(query, slot, after, turn)


def _texts(value: Any) -> Iterator[str]:
    """Yield every text of a JSON value, keys left out."""
    waiting = [value]
    while waiting:
        match waiting.pop(0):
            case str(text):
                yield text
            case list(items):
                waiting += items
            case dict(members):
                waiting += members.values()


def _not_understood() -> Rejected:
    return Rejected(
        "not_understood",
        "the message is neither a slot of a schedule nor an event of Clean Rooms; it changes nothing",
    )
