"""What is known of a mirrored audience: the snapshot, and what runs that did not end may have changed since.

Of every line the state says whether it may be in the audience and whether it surely is:

- it may be if it is in the snapshot or among the adds of a pending delta;
- it surely is if it is in the snapshot and not among the removes of a pending delta.

The next run removes what may be there and is no longer wanted, and adds what is wanted and not surely there. So it
does not matter where earlier runs stopped, nor how often.
"""

from __future__ import annotations

from dataclasses import dataclass

from activation.mirror.delta import Delta, Part
from activation.mirror.piece import objects_of
from activation.mirror.snapshot import Snapshot


@dataclass(frozen=True)
class Size:
    """How large the audience was after a run: the rows of its list, and how many joined and left.

    `at` is in Unix seconds.
    """

    run_id: str
    at: int
    rows: int
    joined: int
    left: int


@dataclass(frozen=True)
class MirrorState:
    """What is known of a mirrored audience.

    `version` is 0 where nothing was ever recorded, and increases with each write. `snapshot` is what was committed
    last, by `run_id` in `mode` ("replace", "difference", "adopted" or "reset"). `pending` are the deltas of runs
    that have begun since and did not end. `sizes` are those after the last 90 runs. `audience_id` is the
    platform's id of the audience that was filled, "" where nothing was committed. `approved` is the run that may
    pass the guard, "" for none.
    """

    version: int = 0
    snapshot: Snapshot | None = None
    pending: tuple[Delta, ...] = ()
    run_id: str = ""
    mode: str = ""
    sizes: tuple[Size, ...] = ()
    audience_id: str = ""
    approved: str = ""

    @property
    def rows(self) -> int:
        """Return how many source rows the snapshot has, 0 for none."""
        return self.snapshot.rows if self.snapshot else 0

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the snapshot's wire keys."""
        return self.snapshot.columns if self.snapshot else ()

    @property
    def table_version(self) -> str:
        """Return the version of the field table that the snapshot was made with, "" for none."""
        return self.snapshot.table_version if self.snapshot else ""

    def own_delta(self, run_id: str) -> Delta | None:
        """Return the pending delta with which a run goes on; None where it has to compare.

        A run whose delta is no longer the last one compares again: another run has written to the audience since.
        """
        last = self.pending[-1] if self.pending else None
        return last if last is not None and last.run_id == run_id else None

    def objects(self) -> frozenset[str]:
        """Return the names of all objects that the state needs, as Pieces knows them."""
        deltas = [part for delta in self.pending for part in (delta.removes, delta.adds, delta.replaced_by)]
        found: set[str] = set()
        for one in (self.snapshot, *deltas):
            if one is not None:
                cells = isinstance(one, Part) or one.cells
                found.update(name for piece in one.pieces for name in objects_of(piece, cells=cells))
        return frozenset(found)
