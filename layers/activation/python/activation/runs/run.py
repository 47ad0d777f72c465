"""One run, from claim to receipt: it always ends in one of the ledger's states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from activation.drops.ranges import Piece
from activation.drops.row_filters import ends_empty, none_sent
from activation.errors import ConfigError, Rejected, Retryable
from activation.ledger.audience_lock import Superseded
from activation.ledger.orders import Order
from activation.ledger.row_counts import RowCounts
from activation.ledger.runs import STOPPED, RunState
from activation.ledger.split import Ending, Phase
from activation.pipeline.client import PlatformClient
from activation.pipeline.uploading import UploadsGone
from activation.platforms.outcome import Outcome, failure
from activation.platforms.publisher import Closed
from activation.platforms.session import answers_s
from activation.runs import rescan
from activation.runs.advance import leave
from activation.runs.audience_options import fix_options, forget_options
from activation.runs.closing import ClosesNothing, close_folder
from activation.runs.deadline import begin_again
from activation.runs.destination import acquire_audience, destination_of
from activation.runs.drop import RunDrop
from activation.runs.effects import RunEffects
from activation.runs.forgotten import erase_forgotten
from activation.runs.held_rows import count_rows
from activation.runs.invocation import Invocation
from activation.runs.look_ahead import looking_ahead
from activation.runs.mirror import MirrorSteps
from activation.runs.mirror_compare import send_again
from activation.runs.mirror_guard import refuse_file
from activation.runs.mirror_removal import note_removal
from activation.runs.ordered import ended_by, rows_left
from activation.runs.other_runs import compare_others
from activation.runs.relist import list_again
from activation.runs.replace_guard import refuse_several
from activation.runs.requests import find_publisher, platform_client, sender_of
from activation.runs.share_out import is_shared_out, parts_of, share_out
from activation.runs.states import SUPERSEDED, Next, StateMachine, Step
from activation.runs.undo import sent_rows
from activation.runs.waking import release_audience

NO_NOTES: Mapping[str, str] = {}


@dataclass(frozen=True)
class ActiveRun:
    """A claimed run. `invocation` is what holds it, `machine` its states."""

    invocation: Invocation
    machine: StateMachine

    def work(self) -> Next:
        """Resume from the state in the record, and return the step that follows."""
        run, split = self.invocation.held.run, self.invocation.held.run.progress.plan.split
        if split is None or split.phase is Phase.ALONE:  # else its parts are what sends
            self.invocation.suspect_in_flight()
        if (order := self.invocation.orders.newest()) and run.state is not RunState.ACCEPTED:
            return self._ordered(order)
        run.progress.plan.rows_held = None  # of a run that was stopped, which goes on now
        if run.state in STOPPED:  # an operator fixed the cause and redrove the message
            list_again(self.invocation)
            forget_options(self.invocation)
            if run.code in rescan.CODES:
                rescan.scan_again(self.invocation)
            begin_again(run, self.machine.clock())
            run.state = RunState.ACCEPTED if run.progress.checkpoint.closed else RunState.RUNNING
            if split is not None:
                split = parts_of(self.invocation).restart()
        if split is not None and split.ending:
            return self._end(split.ending)
        if step := self.machine.overdue() or self.machine.early():
            return step
        if run.state is not RunState.ACCEPTED:
            run.state = RunState.RUNNING
        run.code = run.sentence = ""
        return self._go_on()

    def leave(self, step: Next) -> RunState:
        """Take the step, unless somebody has asked for the run to end where it would go on.

        A run whose parts are still at work polls them before it ends without success.
        """
        order, goes_on = self.invocation.orders.ending, step.step in (Step.WAIT, Step.CONTINUE)
        if order and goes_on and step.state is not RunState.ACCEPTED:
            step = self._ordered(order)
        if step.error is not None and self.invocation.held.run.progress.plan.split is not None:
            parts = parts_of(self.invocation)
            if parts.must_wait_to_end(step.state, step.error):
                step = self.machine.parts_at_work(parts.poll_after_s)
        return leave(self.invocation, step, self._effects)

    @cached_property
    def _effects(self) -> RunEffects:
        return RunEffects(self.invocation)

    def _ordered(self, order: Order) -> Next:
        """Return the step of a run that somebody ends, once the rows that it leaves out are counted."""
        invocation, progress = self.invocation, self.invocation.held.run.progress
        rows = RowCounts.of(progress)
        whole = rows.whole
        if whole is None:
            held = count_rows(invocation, is_ordered=True)
            whole = held.rows if held.whole else None
        progress.plan.rows_held = whole
        left = None if whole is None else max(0, whole - rows.read)
        return self.machine.ordered(
            ended_by(order, invocation.identity.run_id, rows_left(rows.acknowledged, left))
        )

    def _end(self, ending: Ending) -> Next:
        """Return the step to the recorded ending."""
        if ending.state == RunState.SUPERSEDED:
            return self.machine.superseded(ending.sentence)
        kind = ConfigError if ending.state == RunState.BLOCKED else Rejected
        return self.machine.stop(kind(ending.code, ending.sentence))

    def _go_on(self) -> Next:
        invocation, run = self.invocation, self.invocation.held.run
        refuse_file(invocation)
        try:
            close_folder(invocation)
        except ClosesNothing:
            return self.machine.done(RunState.EMPTY, NO_NOTES)
        try:
            refuse_several(invocation)
        except Superseded as deleted:
            return self._superseded(deleted.sentence)
        publisher = find_publisher(invocation)
        fix_options(invocation)
        mirror = run.progress.mirror
        begun = run.opened is not None or run.progress.attempts.starts > 0 or mirror is not None
        try:
            acquire_audience(invocation, publisher, begun=begun)
        except Superseded:
            return self._superseded()
        client = platform_client(invocation, publisher)
        try:
            with looking_ahead(invocation, client):
                return self._advance(client)
        except UploadsGone as gone:
            return self._start_over(gone.outcome)

    def _advance(self, client: PlatformClient) -> Next:
        invocation, run = self.invocation, self.invocation.held.run
        if invocation.is_mirror:
            ended = MirrorSteps(invocation, client, self._note_closed).advance()
            return self.machine.done(ended.state, ended.notes) if ended else self.machine.out_of_time()
        if run.state is RunState.ACCEPTED:
            return self._follow(client)
        piece = sent_rows(invocation)
        if invocation.work.undo:
            compare_others(invocation, piece)
        else:
            note_removal(invocation)
        if not run.progress.checkpoint.read_whole:
            if is_shared_out(invocation):
                if not share_out(invocation, client):
                    return self.machine.parts_at_work(parts_of(invocation).poll_after_s)
            elif not self._send(client, piece):
                return self.machine.out_of_time()
        run.progress.checkpoint.read_whole = True
        return self._close(client)

    def _superseded(self, why: str = SUPERSEDED) -> Next:
        """Return the step of a run that is not to be sent any more, once the rows that it holds are counted."""
        invocation, run = self.invocation, self.invocation.held.run
        release_audience(invocation.connector, run.audience_lock, invocation.identity.run_id)
        held = count_rows(invocation)
        run.progress.plan.rows_held = held.rows
        if not held.rows:
            return self.machine.superseded(why)
        rows = f"{held.rows:,} row{'s' * (held.rows != 1)}"
        return self.machine.superseded(f"{why}; it holds {'' if held.whole else 'at least '}{rows}")

    def _send(self, client: PlatformClient, piece: Piece | None) -> bool:
        """Send what is left of the drop, or of a piece of it; return False when time ran out first."""
        invocation, held = self.invocation, self.invocation.held
        try:
            drop = RunDrop.open(invocation)
            drop.scan()
            drop = replace(drop, piece=piece)
            self._check_session()
            destination = destination_of(invocation, client, drop.keys)
            return sender_of(invocation, client, destination, drop.rejects).send(drop.batches())
        except Rejected as error:
            if error.code == "empty_file" and held.run.progress.checkpoint.cursor.row == 0:
                return True
            raise

    def _check_session(self) -> None:
        """Raise Rejected, before anything is sent, for a drop that does not fit in the session it needs."""
        connector, run = self.invocation.connector, self.invocation.held.run
        session = self.invocation.session
        if session is None or run.opened is not None:
            return
        rows = run.progress.checkpoint.scanned.row
        requests = -(-rows // connector.limits.max_rows)
        tier = connector.platform.rate.tier(find_publisher(self.invocation).account.options)
        session.check_rows(rows)
        session.check_time(requests, tier, answers_s(requests, connector.in_flight))

    def _close(self, client: PlatformClient) -> Next:
        """Check that every row is accounted for, then close the uploads."""
        run, audience = self.invocation.held.run, self.invocation.audience
        progress, rows = run.progress, run.progress.checkpoint.cursor.row
        if progress.tally.rows_settled != rows:
            raise Rejected(
                "sums_differ",
                f"{rows} rows were read and {progress.tally.rows_settled} are accounted for",
            )
        if rows == 0:
            return self.machine.done(RunState.EMPTY, NO_NOTES)
        if run.opened is None or not progress.tally.uploads:  # opened, and then nothing of it could be sent
            if ends_empty(audience.action, progress.tally.rejected_by_us):
                return self.machine.done(RunState.EMPTY, NO_NOTES)
            raise none_sent(progress.tally.rejected_by_us)
        return self._closed(client.execute(client.publisher.close(audience, run.opened, self._handles)))

    def _follow(self, client: PlatformClient) -> Next:
        """Ask the platform whether it has processed the uploads."""
        run, audience = self.invocation.held.run, self.invocation.audience
        if run.opened is None:
            raise Rejected("no_audience", "the run was accepted without an audience; its record is damaged")
        return self._closed(client.execute(client.publisher.follow(audience, run.opened, self._handles)))

    @property
    def _handles(self) -> list[str]:
        """Return the handles that the platform returned for the uploads, in row order."""
        handles = self.invocation.held.run.progress.checkpoint.handles
        return [handle for _, handle in sorted(handles.items())]

    def _closed(self, closed: Closed) -> Next:
        if closed.gone is not None:
            return self._start_over(closed.gone)
        self._note_closed(closed)
        erase_forgotten(self.invocation)
        return self.machine.done(RunState.APPLIED, closed.notes)

    def _note_closed(self, closed: Closed) -> None:
        """Note what closing the uploads came to; raises Retryable while the platform works on them."""
        run = self.invocation.held.run
        if closed.opened is not None:
            run.opened = closed.opened
        run.progress.tally.judge(closed.verdicts)
        if closed.unfinished:
            raise Retryable("pending", "the platform accepts the rest of the upload later", after_s=closed.after_s)
        if not closed.pending:
            return
        first = run.state is not RunState.ACCEPTED
        run.state, run.progress.checkpoint.closed = RunState.ACCEPTED, True
        if first:
            self._effects.write_receipt(closed.notes)
        raise Retryable("pending", "the platform is processing the uploads", after_s=closed.after_s)

    def _start_over(self, gone: Outcome) -> Next:
        """Start over at the first row, once, because the platform no longer has what was uploaded.

        The audience is opened again, so that nothing is uploaded while it cannot be changed.
        """
        held, run = self.invocation.held, self.invocation.held.run
        if run.progress.attempts.starts >= run.progress.attempts.starts_max:
            raise failure(gone)
        held.save()  # raises LeaseLost: the rejects' parts are then another worker's
        self.invocation.rejects.remove_parts()
        with held.lock:
            run.progress.start_over(created=run.opened is not None and run.opened.created)
            run.opened = None
            if run.progress.mirror is not None:
                send_again(self.invocation)
        if run.progress.plan.split:
            parts_of(self.invocation).restart()
        return self.machine.out_of_time()
