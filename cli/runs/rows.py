"""One run of a list: what its record in the ledger says, as plain values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from activation.aws.table import read_number, read_text
from activation.ledger.keys import NO_CONNECTOR, RUN, UNREAD
from activation.model import UNREADABLE
from activation.report.verdict import state_word

OPEN = frozenset({"running", "waiting", "accepted"})  # states in which a run continues by itself
NO_ROWS = {"whole": 0, "read": 0, "acknowledged": 0, "rejected_by_us": 0, "rejected_by_platform": 0}
WAITS = frozenset({"waiting", "accepted"})  # states in which it continues at a set time


@dataclass(frozen=True)
class RunRow:
    """A run as lists show it. Times are Unix seconds.

    `file` is the key of its object. `rows_whole` is how many rows the drop has, None until its end was read;
    `rows_read` counts those with a known outcome: `rows_acknowledged`, `rows_rejected`, and `rows_left_in`, whom
    an undo leaves in the audience, since other runs have sent them too, or may have.
    `rows_per_s` is how many had one in a second in which a worker was at it, None before the first second.
    `started_at` is when the record was last written where it does not say when it began, as that of an object
    under no connector's prefix. `ended_at` is None while the run goes on by itself. `waits_until` is when a
    waiting run continues, None for any other; `code` and `sentence` are why a run waits or stopped, "" when it
    does neither. `is_unread` says that no run has begun, since the key cannot be read: then `audience` is that
    of such receipts, and `action` is nothing.
    """

    run_id: str
    connector: str
    audience: str
    action: str
    file: str
    state: str
    started_at: float
    rows_whole: int | None
    rows_read: int
    rows_acknowledged: int
    rows_rejected: int
    rows_per_s: float | None
    ended_at: float | None
    waits_until: float | None
    code: str
    sentence: str
    is_unread: bool = False
    rows_left_in: int = 0

    @property
    def state_word(self) -> str:
        """Return what the state is called: of a run that somebody has ended, what was done, and not `failed`."""
        return state_word(self.state, self.code)

    @property
    def fills(self) -> str:
        """Return what the run fills and how, or what it is where no key says that."""
        if not self.is_unread:
            return f"{self.connector}: {self.audience} ({self.action})"
        if self.connector == NO_CONNECTOR:
            return "nothing: its key begins with no connector's name"
        return f"{self.connector}: {'its key cannot be read' if self.file else 'a message that cannot be read'}"

    def duration_s(self, now: float) -> float:
        """Return how many seconds the run took, or has taken until `now`."""
        return max((now if self.ended_at is None else self.ended_at) - self.started_at, 0.0)


def is_counted(item: Mapping[str, Any]) -> bool:
    """Return whether an item of the index says all that a row needs.

    A run that a worker holds has newer counts in its record, and one of an earlier release has them only there. A
    drop whose key cannot be read has none.
    """
    if UNREAD in read_text(item, "pk"):
        return True
    return "counted" in item and read_text(item, "state") not in OPEN


def run_row(item: Mapping[str, Any]) -> RunRow:
    """Return the row of a run's record, or of an item of the index of which `is_counted` holds."""
    pk = read_text(item, "pk")
    is_unread = UNREAD in pk
    connector, _, run_id = pk.partition(UNREAD if is_unread else RUN)
    state = read_text(item, "state")
    rows, active_s, left_at = _counts(item)
    due = read_number(item, "not_before")
    left_in = rows.get("left_in") or 0  # in no record of an earlier release
    return RunRow(
        run_id=run_id,
        connector=connector,
        audience=UNREADABLE if is_unread else read_text(item, "audience"),
        action=read_text(item, "action"),
        file=read_text(item, "object_key"),
        state=state,
        started_at=read_number(item, "started_at") or read_number(item, "updated_at"),
        rows_whole=rows["whole"],
        rows_read=rows["read"],
        rows_acknowledged=rows["acknowledged"],
        rows_rejected=rows["rejected_by_us"] + rows["rejected_by_platform"] - left_in,
        rows_left_in=left_in,
        rows_per_s=rows["read"] / active_s if active_s >= 1 else None,
        ended_at=None if state in OPEN else left_at,
        waits_until=due if state in WAITS and due else None,
        code=read_text(item, "code"),
        sentence=read_text(item, "sentence"),
        is_unread=is_unread,
    )


def _counts(item: Mapping[str, Any]) -> tuple[dict[str, Any], float, float]:
    """Return a record's counts of rows, the seconds that it was worked on, and when it was left last."""
    if UNREAD in read_text(item, "pk"):
        return dict(NO_ROWS), 0.0, read_number(item, "updated_at") or read_number(item, "started_at")
    if is_counted(item):
        counted = json.loads(read_text(item, "counted"))
        return counted["rows"], counted["active_s"], counted["at"]
    return *_counts_of_progress(item), read_number(item, "updated_at")


def _counts_of_progress(item: Mapping[str, Any]) -> tuple[dict[str, Any], float]:
    from dataclasses import asdict

    from activation.ledger.progress import Progress  # loads Arrow, which a list of ended runs does not wait for
    from activation.ledger.row_counts import RowCounts
    from activation.records import DamagedRecord

    try:
        progress = Progress.from_json(read_text(item, "progress"))
    except DamagedRecord:  # of another release: the number beside it has been there since the first
        acknowledged = int(read_number(item, "rows_acknowledged"))
        return asdict(RowCounts(None, acknowledged, acknowledged, 0, 0)), 0.0
    return asdict(RowCounts.of(progress)), progress.tally.active_s
