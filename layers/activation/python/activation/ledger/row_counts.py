"""What became of a run's rows so far, as its receipt and every list of runs count them."""

from __future__ import annotations

from dataclasses import dataclass

from activation.drops.row_filters import LEFT_IN
from activation.ledger.mirror_run import MirrorPhase, MirrorRun
from activation.ledger.progress import Progress


@dataclass(frozen=True)
class RowCounts:
    """The rows of a drop by their outcome.

    `whole` is how many the drop has, None until its end was read. `read` counts those with a known outcome:
    `acknowledged`, `rejected_by_us`, `rejected_by_platform` and, of a mirror, `unchanged`, which its audience has
    already; None for any other run. Of `rejected_by_us`, `left_in` are those that an undo left in the audience,
    since other runs have sent their people too, or may have.
    """

    whole: int | None
    read: int
    acknowledged: int
    rejected_by_us: int
    rejected_by_platform: int
    unchanged: int | None = None
    left_in: int = 0

    @classmethod
    def of(cls, progress: Progress) -> RowCounts:
        """Return the counts of a run's progress."""
        tally, mirror = progress.tally, compared_mirror(progress)
        by_us, by_platform = tally.rejected_by_us.total(), tally.rejected_by_platform.total()
        if mirror is None:
            whole = progress.checkpoint.cursor.row if progress.checkpoint.read_whole else None
            left_in = sum(tally.rejected_by_us[code] for code in LEFT_IN)
            return cls(whole, tally.rows_settled, tally.acknowledged, by_us, by_platform, left_in=left_in)
        whole, unchanged = mirror.rows if mirror.is_read else None, mirror.rows_unchanged
        if mirror.phase is MirrorPhase.REMOVE:  # what is counted then are no rows of the drop
            return cls(whole, by_us + unchanged, 0, by_us, 0, unchanged)
        return cls(whole, tally.rows_settled + unchanged, tally.acknowledged, by_us, by_platform, unchanged)

    @property
    def rejected(self) -> int:
        """Return how many rows were rejected, by whomever, without those left in."""
        return self.rejected_by_us + self.rejected_by_platform - self.left_in


@dataclass(frozen=True)
class Counted:
    """What a run's record says of its rows whenever a worker leaves it, for lists that do not read its progress.

    `active_s` is how many seconds its invocations took, `at` when it was left, in Unix seconds.
    """

    rows: RowCounts
    active_s: float
    at: float


def compared_mirror(progress: Progress) -> MirrorRun | None:
    """Return what a mirror has found, None for any other run."""
    mirror = progress.mirror
    return mirror if mirror is not None and mirror.phase is not MirrorPhase.NOTED and mirror.mode else None
