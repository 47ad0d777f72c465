"""Upload sessions: which batches belong together, and what a session still accepts.

https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences and
https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/custom-audience/sessions
(read 2026-11-22).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.platforms.meta.errors import invalid, missing
from sandbox.platforms.meta.members import Members

LIFETIME_S = 90 * 60
LARGEST_ID = 2**63 - 1
SESSION_FIELDS = (
    "session_id",
    "stage",
    "progress",
    "start_time",
    "end_time",
    "num_received",
    "num_matched",
    "num_invalid_entries",
)


@dataclass(frozen=True)
class Batch:
    """A request's position in a session; `session_id` is 0 if the request does not name one."""

    session_id: int
    sequence: int
    last: bool

    @classmethod
    def of(cls, value: Any) -> Batch | None:
        """Read the `session` parameter; None if there is none. Raises GraphError for numbers out of range."""
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise invalid("Param session must be an object")
        for name in ("session_id", "batch_seq"):
            if value.get(name) is None:
                raise missing(f"session[{name}]")
        session_id, sequence = _whole(value, "session_id"), _whole(value, "batch_seq")
        if not 1 <= session_id <= LARGEST_ID:
            raise invalid("Param session[session_id] must be a positive 64-bit integer")
        if sequence < 1:
            raise invalid("Param session[batch_seq] must be an integer from 1")
        if value.get("estimated_num_total") is not None:
            _whole(value, "estimated_num_total")
        last = str(value.get("last_batch_flag", False)).lower()
        if last not in ("true", "false", "1", "0"):
            raise invalid("Param session[last_batch_flag] must be a boolean")
        return cls(session_id, sequence, last in ("true", "1"))


def _whole(value: Mapping[str, Any], name: str) -> int:
    text = str(value[name])
    if not text.lstrip("-").isdigit():
        raise invalid(f"Param session[{name}] must be an integer")
    return int(text)


@dataclass
class Session:
    """One upload and its counts so far. `ended` is set by the last batch or after ninety minutes."""

    id: int
    verb: str
    started: float
    ended: float | None = None
    received: int = 0
    invalid: int = 0
    batches: set[int] = field(default_factory=set)

    @property
    def expires(self) -> float:
        """Return when the session ends by itself."""
        return self.started + LIFETIME_S

    def expired(self, now: float) -> bool:
        """Return whether its ninety minutes are over."""
        return now >= self.expires

    def open(self, now: float) -> bool:
        """Return whether a batch that arrives now is accepted."""
        return self.ended is None and not self.expired(now)

    def take(self, batch: Batch, received: int, invalid_rows: int, now: float) -> None:
        """Count a batch; a batch sent twice is counted twice."""
        self.received += received
        self.invalid += invalid_rows
        self.batches.add(batch.sequence)
        if batch.last:
            self.ended = now

    def shown(self, now: float, match_rate: float) -> dict[str, str]:
        """Return the session as the `sessions` edge shows it: all values as text."""
        done = not self.open(now)
        found = {
            "session_id": str(self.id),
            "stage": "finished" if done else "uploading",
            "progress": "100" if done else "0",
            "start_time": str(int(self.started)),
            "num_received": str(self.received),
            "num_matched": str(int((self.received - self.invalid) * match_rate)),
            "num_invalid_entries": str(self.invalid),
        }
        if done:
            found["end_time"] = str(int(self.ended if self.ended is not None else self.expires))
        return found


@dataclass
class Replace:
    """A replace in progress: the people received so far become the audience at its end.

    `replacing_s` is how many seconds Meta works on it after that.
    """

    session: Session
    schema: tuple[str, ...]
    replacing_s: float = 0.0
    staged: Members = field(default_factory=Members)
    people: set[str] = field(default_factory=set)
