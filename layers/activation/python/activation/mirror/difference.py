"""The difference between a new list and what an audience may hold, and what of it is sent.

A line that is no longer wanted is not removed as it was sent. A platform takes out everybody whom a removed
identifier matches, and somebody who shares a phone, or has changed one of several identifiers, is still wanted. So

- of a line to remove, only the identifiers are sent that no wanted line has;
- removes come before adds;
- wanted lines that share an identifier with a removed line are sent again after that.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from activation.mirror.delta import Part
from activation.mirror.snapshot import Snapshot
from activation.mirror.state import MirrorState
from activation.mirror.store import Pieces

LINES_IN_MEMORY = 600_000


@dataclass(frozen=True)
class Difference:
    """How a candidate differs from what is known (a record).

    Each source row of the candidate is one of four: `unchanged` (nothing of it is sent), `joined` (somebody new),
    `changed` (has a new line, and another line or an identifier that was there before), or `resent` (was there,
    and is sent again as a neighbour of a removed line). Without cells, as for a replace, `resent` is 0 and a row
    counts as `changed` only if another line of it was there before.

    Of the lines that may be in the audience and are no longer wanted, `left` have no identifier that anybody
    wanted has, and `held` have none but such: there is nothing to remove them by, and no request. The others are
    removed in part. `known` is how many lines may be in the audience. Without cells `left` are all of them.

    `removes` and `adds` are what is to be sent, None for nothing, and always None without cells. `reason` names
    what else changed: "first" (nothing was known), "columns_changed", "table_changed", or "".
    """

    unchanged: int
    joined: int
    changed: int
    resent: int
    left: int
    held: int
    known: int
    removes: Part | None = None
    adds: Part | None = None
    reason: str = ""

    @property
    def rows(self) -> int:
        """Return how many source rows the candidate has."""
        return self.unchanged + self.joined + self.changed + self.resent

    @property
    def removed(self) -> int:
        """Return how many lines somebody is removed by."""
        return self.removes.lines if self.removes else self.left

    @property
    def is_nothing(self) -> bool:
        """Return whether there is nothing to send."""
        return self.removes is None and self.adds is None


def compare(
    candidate: Snapshot,
    known: MirrorState,
    pieces: Pieces,
    alone: Collection[str],
    prefix: str,
    *,
    most_lines_in_memory: int = LINES_IN_MEMORY,
) -> Difference:
    """Compare a candidate with what is known, and write what is to be sent.

    `alone` are the wire keys that identify a person by themselves. The files' names begin with `prefix`; with the
    same arguments they have the same content, so a comparison that was interrupted is begun again. Holds the keys
    of about `most_lines_in_memory` lines at a time; 16 ranges of 600,000 take about 100 MB.

    Raises Rejected with state_lost where pieces are gone, damaged or not those of the snapshot, and with
    cells_not_kept where the candidate has cells and what is known has none.
    """
    raise NotImplementedError
