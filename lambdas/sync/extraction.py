"""A slot's extraction: claimed once, retried until its deadline, and closed by manifests that start its runs."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from activation.aws.dead_letters import send_to_dead_letters
from activation.aws.lease import LeaseHeld
from activation.aws.visibility import backoff_s
from activation.errors import ActivationError, ConfigError, Rejected, Retryable
from activation.ledger.runs import FINAL, STOPPED, Ledger, Run, RunState

from lambdas.sync.audience_file import write_audience_file
from lambdas.sync.declaration import Declaration, SourceKind
from lambdas.sync.export import Export, Parts, remove_below
from lambdas.sync.messages import SlotWork
from lambdas.sync.slots import Slots, slot_id
from lambdas.sync.source import DENIED, RUNNING, Extract, Source, unreachable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

LEASE_S = 16 * 60.0  # longer than an invocation, which therefore never loses it
MARGIN_S = 30.0  # of an invocation, for what follows the extraction: copies, manifests, the record
LONGEST_WAIT_S = (
    900.0  # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
)
EARLY_S = 5.0  # how much sooner than its record says a message may come, as clocks differ
DEADLINE_S = 6 * 3600.0
DECLARATION_BUSY = "declaration_busy"
BUSY_S = 30.0
# A refused password is tried so often, seven minutes in all: in a rotation it is refused for moments.
DENIED_ATTEMPTS = 4


@dataclass(frozen=True)
class Extractor:
    """Extracts slots.

    `find` returns a declaration by its name as it is now, None where there is none, or it is paused; `source` the
    source of a declaration. `note` is told how a slot was left. `clock` returns Unix seconds.
    """

    s3: S3Client
    sqs: SQSClient
    queue_url: str
    dead_letter_queue_url: str
    drops_bucket: str
    ledger: Ledger
    slots: Slots
    find: Callable[[str], Declaration | None]
    source: Callable[[Declaration], tuple[Source, SourceKind]]
    note: Callable[[Declaration, str, Run], None] = lambda _declaration, _slot, _run: None
    clock: Callable[[], float] = field(default=time.time)

    def handle(self, work: SlotWork, time_left_s: Callable[[], float]) -> RunState | None:
        """Advance a slot, and return the state in which it is left; None where another worker or message has it.

        Raises LeaseHeld, and what reading the declarations and the ledger raises.
        """
        declaration = self.find(work.declaration)
        if declaration is None:
            return None  # removed or paused since the slot came: nothing of it was sent
        return self.advance(declaration, work, time_left_s)

    def advance(
        self, declaration: Declaration, work: SlotWork, time_left_s: Callable[[], float]
    ) -> RunState | None:
        """Advance a slot of a declaration that was just read; returns and raises as `handle` does."""
        run_id = slot_id(declaration.source, declaration.name, work.slot)
        known = self.ledger.read(run_id)
        if known is not None and self._has_nothing_to_do(known, work):
            # Without the lease: a continuation that comes in the same moment would wait as long as one may last.
            return _left(known)
        run = self.ledger.claim(run_id, work.continuation, _facts(declaration, work.slot))
        if self._has_nothing_to_do(run, work):  # another worker had the slot between the read and the claim
            self.ledger.save(run, release=True)
            return _left(run)
        if run.state in STOPPED:  # a redrive
            run.state, run.code, run.sentence, run.no_progress = RunState.RUNNING, "", "", 0
            run.started_at, run.not_before = self.clock(), 0.0
        newest = self.slots.note(declaration.name, work.slot)
        if newest != work.slot:
            run.code, run.sentence = "superseded", "a newer slot of the declaration has come"
            return self._leave(declaration, work, run, RunState.SUPERSEDED)
        return self._attempt(declaration, work, run, time_left_s)

    def _has_nothing_to_do(self, run: Run, work: SlotWork) -> bool:
        """Return whether a slot is final, or another message continues it."""
        if run.state in FINAL:
            return True
        if not work.continuation and run.state in (RunState.WAITING, *STOPPED):
            return True  # the slot's first message, delivered twice or after the tick took the slot
        # Else a message that comes before its time: the one that was sent for then is to come.
        return run.state not in STOPPED and run.not_before > self.clock() + EARLY_S

    def _attempt(
        self, declaration: Declaration, work: SlotWork, run: Run, time_left_s: Callable[[], float]
    ) -> RunState:
        try:
            turn = self.slots.begin(declaration.name, uuid.uuid4().hex, LEASE_S)
        except LeaseHeld:
            busy = Retryable(
                DECLARATION_BUSY, "an earlier slot of the declaration is being extracted", after_s=BUSY_S
            )
            return self._retry(declaration, work, run, busy)
        try:
            try:
                extract = self._extract(declaration, work.slot, run, time_left_s)
            except Retryable as error:
                return self._retry(declaration, work, run, error)
            except (ConfigError, Rejected) as error:
                return self._stop(declaration, work, run, RunState.BLOCKED, error)
            run.code = run.sentence = ""
            if extract is not None:
                run.progress.tally.acknowledged = extract.rows
                run.progress.tally.rejected_by_us.update(extract.left_out)
            return self._leave(declaration, work, run, RunState.APPLIED)
        finally:
            self.slots.end(turn)

    def _extract(
        self, declaration: Declaration, slot: str, run: Run, time_left_s: Callable[[], float]
    ) -> Extract | None:
        """Extract and close, and return what was extracted; None where a dead worker had done so."""
        export = Export(self.s3, self.drops_bucket, declaration, slot)
        targets = export.open_targets()
        if not targets:
            return None
        for target in declaration.to:
            write_audience_file(self.s3, self.drops_bucket, declaration, target)
        source, kind = self.source(declaration)
        # What works on in the background has to be asked for again by the same name, until it has failed; what
        # writes parts itself must not write where a worker that lost its lease may still be writing.
        attempt = run.no_progress if kind is SourceKind.ATHENA else run.fence
        # The event of a name that begins with a dot is passed over; the manifest names the part all the same.
        hidden = "" if kind is SourceKind.ATHENA else "."
        parts = export.parts(f"{hidden}{attempt:x}")
        ends = min(self.clock() + time_left_s() - MARGIN_S, self._deadline(declaration, run))
        try:
            extract = source.extract(
                declaration.selection,
                parts,
                ends,
                slot_id(declaration.source, declaration.name, f"{slot}#{attempt}"),
            )
        except ActivationError as error:
            if error.code != RUNNING:
                self._clean(parts)
            raise
        # If the put of the manifest failed, the manifest may exist all the same, and then its parts are needed.
        if not export.close(extract, targets):
            self._clean(parts)
        return extract

    def _clean(self, parts: Parts) -> None:
        """Remove the parts of an attempt that failed; what cannot be removed now goes with the next export."""
        try:
            remove_below(self.s3, self.drops_bucket, parts.prefix)
        except ActivationError:
            return

    def _deadline(self, declaration: Declaration, run: Run) -> float:
        """Return the Unix time at which a slot fails: before the next one, and before somebody waits for long."""
        return run.started_at + min(DEADLINE_S, declaration.schedule.every_hours * 3600.0)

    def _retry(self, declaration: Declaration, work: SlotWork, run: Run, error: Retryable) -> RunState:
        """Have the slot tried again after a wait, unless its deadline comes first."""
        failed = error.code not in (RUNNING, DECLARATION_BUSY)
        wait_s = error.after_s
        if failed:
            run.no_progress += 1
            wait_s = backoff_s(error.after_s, run.no_progress, longest_s=LONGEST_WAIT_S)
        if error.code == run.code == DENIED and run.no_progress >= DENIED_ATTEMPTS:
            return self._stop(declaration, work, run, RunState.BLOCKED, error)
        wait_s = min(wait_s, LONGEST_WAIT_S)
        if self.clock() + wait_s >= self._deadline(declaration, run):
            overdue = (
                error if failed else unreachable("the source did not finish the selection before the deadline")
            )
            return self._stop(declaration, work, run, RunState.FAILED, overdue)
        body = replace(work, continuation=run.continuation + 1).body()
        self.sqs.send_message(QueueUrl=self.queue_url, MessageBody=body, DelaySeconds=round(wait_s))
        run.not_before = self.clock() + wait_s
        run.code, run.sentence = error.code, error.sentence
        return self._leave(declaration, work, run, RunState.WAITING)

    def _stop(
        self, declaration: Declaration, work: SlotWork, run: Run, state: RunState, error: ActivationError
    ) -> RunState:
        """Leave the slot to a person, with its message in the dead letters."""
        run.code, run.sentence = error.code, error.sentence
        send_to_dead_letters(
            self.sqs,
            self.dead_letter_queue_url,
            replace(work, continuation=run.continuation + 1).body(),
            error,
            run_id=slot_id(declaration.source, declaration.name, work.slot),
        )
        return self._leave(declaration, work, run, state)

    def _leave(self, declaration: Declaration, work: SlotWork, run: Run, state: RunState) -> RunState:
        run.state = state
        self.note(declaration, work.slot, run)
        self.ledger.save(run, release=True)
        return state


def _left(run: Run) -> RunState | None:
    """Return the state of a slot that is final; None where another message has it."""
    return run.state if run.state in FINAL else None


def _facts(declaration: Declaration, slot: str) -> Mapping[str, str]:
    """Return what a slot's record says to people."""
    return {"audience": declaration.name, "action": declaration.action, "object_key": slot}
