"""What is known of a mirrored audience: the snapshot, and what runs that did not end may have changed since.

Of every line the state says whether it may be in the audience and whether it surely is:

- it may be if it is in the snapshot or among the adds of a pending delta;
- it surely is if it is in the snapshot and not among the removes of a pending delta.

The next run removes what may be there and is no longer wanted, and adds what is wanted and not surely there. So it
does not matter where earlier runs stopped, nor how often. The record has a key of its own beside the audience's
lock and does not expire.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from activation.aws.table import ConditionalTable
from activation.mirror.delta import Delta
from activation.mirror.snapshot import Snapshot

SIZES_KEPT = 90


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
    """What is known of a mirrored audience (a record).

    `version` is 0 where nothing was ever recorded, and increases with each write. `snapshot` is what was committed
    last, by `run_id` in `mode` ("replace", "difference", "adopted" or "reset"). `pending` are the deltas of runs
    that have begun since and did not end. `sizes` are those after the last 90 runs. `approved` is the run that may
    pass the guard, "" for none.
    """

    version: int = 0
    snapshot: Snapshot | None = None
    pending: tuple[Delta, ...] = ()
    run_id: str = ""
    mode: str = ""
    sizes: tuple[Size, ...] = ()
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

    def objects(self) -> frozenset[str]:
        """Return the names of all objects that the state needs, as Pieces knows them."""
        raise NotImplementedError


class MirrorStates:
    """The states of mirrored audiences, in the ledger's table; each write is one conditional update.

    `lock` is the key of the audience's lock, which the caller holds. `clock` returns Unix seconds. Every call
    raises what the table raises.
    """

    def __init__(self, table: ConditionalTable, *, clock: Callable[[], float] = time.time) -> None:
        raise NotImplementedError

    def read(self, lock: str) -> MirrorState:
        """Return the state; an empty one where nothing was ever recorded.

        Raises ConfigError with newer_state where a newer release wrote it, and Rejected with state_lost where it
        is damaged.
        """
        raise NotImplementedError

    def begin(self, lock: str, state: MirrorState, delta: Delta) -> MirrorState:
        """Record a delta as pending, and return the state after it; call it before the first request.

        `state` is the one that was compared with. A delta that is pending already, written by an earlier
        invocation of the same run, is left as it is. Raises Retryable with mirror_changed where another run has
        written the state since: compare again.
        """
        raise NotImplementedError

    def commit(self, lock: str, state: MirrorState, candidate: Snapshot, size: Size, *, mode: str) -> MirrorState:
        """Record that the audience holds the candidate, and nothing is pending; return the state after it.

        Call it when all of the delta is acknowledged, or if there is nothing to send. `state` is what `begin`
        returned, or what was compared with; `size.run_id` names the run. A commit that was written already is left
        as it is. Raises Retryable with mirror_changed where another run has written the state since.
        """
        raise NotImplementedError

    def approve(self, lock: str, run_id: str) -> None:
        """Let a run pass the guard; does not change the state's version. Raises Rejected without a state."""
        raise NotImplementedError

    def reset(
        self, lock: str, run_id: str, snapshot: Snapshot | None = None, *, mode: str = "reset"
    ) -> MirrorState:
        """Forget what is known, or take the audience to hold a snapshot, whatever stands there; return the state.

        Without a snapshot the next run adds all of its list, and removes nobody.
        """
        raise NotImplementedError
