"""The log lines and metrics of a connector's function; neither holds a value of a file."""

from __future__ import annotations

from dataclasses import dataclass, field

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from activation.drops.messages import Work
from activation.drops.row_filters import LEFT_IN
from activation.errors import Rejected
from activation.ledger.runs import Run, RunState
from activation.ledger.tally import Tally
from activation.runs.platform_calls import PlatformCalls


def _rejected(tally: Tally) -> int:
    return tally.rejected_by_us.total() + tally.rejected_by_platform.total()


@dataclass(frozen=True)
class Counted:
    """What a tally counted when an invocation began, to tell what this invocation has added."""

    settled: int
    acknowledged: int
    rejected: int
    resent: int

    @classmethod
    def of(cls, tally: Tally) -> Counted:
        """Return the counts as they are now."""
        return cls(tally.rows_settled, tally.acknowledged, _rejected(tally), tally.resent)


@dataclass(frozen=True)
class Telemetry:
    """Where a connector's function logs and counts.

    Powertools keeps one logger and one set of metrics for each service, so every instance writes to the same ones.
    """

    log: Logger = field(default_factory=Logger)
    metrics: Metrics = field(default_factory=Metrics)

    def begins(self, run_id: str, work: Work) -> None:
        """Name the run in every line that follows."""
        self.log.append_keys(
            run_id=run_id, continuation=work.continuation, replay=work.replay or None, part=work.part
        )

    def message_refused(self, error: Rejected) -> None:
        """Report a message that cannot be read."""
        self.log.error("message refused", extra={"code": error.code})
        self._count("MessagesRefused", 1)

    def key_refused(self, error: Rejected) -> None:
        """Report a drop whose key cannot be parsed."""
        self.log.error("key refused", extra={"code": error.code})
        self._count("RunsFailed", 1)

    def marker_ignored(self) -> None:
        """Report an object that is no drop."""
        self.log.info("ignored marker object")

    def file_noted(self, *, open_files: int) -> None:
        """Report a file of a folder that waits for its sign."""
        self.log.info("file of a folder noted", extra={"files_announced": open_files})

    def file_settled(self, why: str) -> None:
        """Report a file of a folder that needs nothing more."""
        self.log.info("file of a folder needs nothing more", extra={"why": why})

    def late_part(self) -> None:
        """Report a file that came too late to be sent."""
        self.log.warning("late_part")
        self._count("LateParts", 1)

    def folder_overdue(self) -> None:
        """Report a folder that has been open for too long."""
        self.log.warning("folder_open")
        self._count("FoldersOverdue", 1)

    def nothing_to_do(self, state: RunState) -> None:
        """Report a message whose run has ended, or is continued by another message."""
        self.log.info("nothing to do", extra={"state": state})

    def advanced(self, run: Run, before: Counted, *, is_part: bool, now: float) -> None:
        """Report what an invocation did for a run, or for a part of one; `now` is the time in Unix seconds.

        The progress of parts is counted when their run polls them.
        """
        tally = run.progress.tally
        if not is_part:
            # Less when the run starts over.
            self._count("RowsSettled", max(0, tally.rows_settled - before.settled))
            self._count("RowsAcknowledged", max(0, tally.acknowledged - before.acknowledged))
            self._count("RowsRejected", max(0, _rejected(tally) - before.rejected))
            self._count("BatchesResent", tally.resent - before.resent)
            self._count(f"Runs{run.state.title()}", 1)
            self._ended(run, now)
        self.log.info(
            "part" if is_part else "run",
            extra={
                "state": run.state,
                "code": run.code or None,
                "rows_acknowledged": tally.acknowledged,
                "rows_rejected_by_us": tally.rejected_by_us.total(),
                "rows_rejected_by_platform": tally.rejected_by_platform.total(),
                "requests": tally.requests,
                "resent": tally.resent,
            },
        )

    def asked(self, calls: PlatformCalls) -> None:
        """Report how the platform answered an invocation; nothing, if it was not asked."""
        if calls.count:
            self.metrics.add_metric("PlatformLatency", MetricUnit.Milliseconds, calls.mean_ms)
            self.metrics.add_metric("PlatformThrottles", MetricUnit.Count, calls.throttled)

    def _ended(self, run: Run, now: float) -> None:
        """Report the share of a run's rows that were rejected, and how long an applied one took.

        A blocked run goes on once somebody has acted, and one without a row has no share.
        """
        tally = run.progress.tally
        rows = tally.rows_settled + (run.progress.mirror.rows_unchanged if run.progress.mirror else 0)
        if run.state in (RunState.APPLIED, RunState.FAILED) and rows:
            meant = sum(tally.rejected_by_us.get(code, 0) for code in LEFT_IN)  # whom an undo leaves out
            share = round(100 * (_rejected(tally) - meant) / rows, 2)
            self.metrics.add_metric("RejectPercent", MetricUnit.Percent, share)
        if run.state is RunState.APPLIED:
            self.metrics.add_metric("TimeToActivate", MetricUnit.Seconds, round(now - run.started_at, 1))

    def _count(self, name: str, value: int) -> None:
        self.metrics.add_metric(name, MetricUnit.Count, value)
