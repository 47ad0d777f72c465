"""One run, from claim to receipt: it always ends in one of the ledger's states."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from activation.aws.dead_letters import send_to_dead_letters
from activation.aws.errors import classify
from activation.errors import ActivationError, ConfigError, Rejected, Retryable
from activation.ledger.audience_lock import AudienceLocked, Superseded
from activation.ledger.runs import STOPPED, RunState
from activation.ledger.split import Ending, Phase
from activation.pipeline.client import OutOfTime, PlatformClient
from activation.platforms.outcome import Outcome, failure
from activation.platforms.publisher import Closed, Opened
from activation.report import receipts
from activation.report import warnings as verdict
from activation.report.announce import announce
from activation.runs.deadline import begin_again, has_lock, is_overdue, queue_up
from activation.runs.fan_out import RunParts, plan
from activation.runs.invocation import NO_PROGRESS_MAX, Invocation


class ActiveRun(Invocation):
    """A claimed run, and what one invocation needs to advance it."""

    def advance(self) -> RunState:
        """Advance the run as far as this invocation can, and leave it in a state that the next one can resume.

        Raises LeaseLost when another worker holds the run by now. Unexpected errors pass through: nothing is
        released then, the lease expires and the message returns.
        """
        try:
            return self._advance()
        except (ClientError, BotoCoreError) as error:  # raised while the run was ending for another reason
            return self._halt(classify(error))
        except Retryable as error:
            return self._wait(error)

    def _advance(self) -> RunState:
        try:
            return self._begin()
        except AudienceLocked:
            return self._wait(queue_up(self.held.run.progress, self.clock()))
        except Superseded:
            return self._supersede()
        except ActivationError as error:
            return self._halt(error)
        except (ClientError, BotoCoreError) as error:
            return self._halt(classify(error))

    def _halt(self, error: ActivationError) -> RunState:
        """End this invocation as its error says: continue at once, wait, or stop the run."""
        match error:
            case OutOfTime():
                return self._continue()
            case Retryable():
                return self._wait(error)
            case ConfigError():
                return self._stop(RunState.BLOCKED, error)
            case _:
                return self._stop(RunState.FAILED, error)

    def _begin(self) -> RunState:
        """Resume from the state in the record."""
        run = self.held.run
        if run.state in STOPPED:  # an operator fixed the cause and redrove the message
            begin_again(run, self.clock())
            run.state = RunState.ACCEPTED if run.progress.checkpoint.closed else RunState.RUNNING
            if run.progress.plan.split:
                self._parts().restart()
        if run.progress.plan.split and run.progress.plan.split.ending:
            return self._end(run.progress.plan.split.ending)
        self._check_deadline()
        early_s = run.not_before - self.clock()
        if early_s > 1:  # a platform may ask for a longer wait than SQS can delay a message
            return self._hand_on(run.state, early_s)
        if run.state is not RunState.ACCEPTED:
            run.state = RunState.RUNNING
        run.code = run.sentence = ""
        return self._go_on()

    def _go_on(self) -> RunState:
        audience, run = self.identity.audience, self.held.run
        publisher = self.find_publisher()
        self.acquire_audience(publisher, begun=run.opened is not None or run.progress.attempts.starts > 0)
        has_lock(run.progress, self.clock())
        client = self.platform_client(publisher)
        if run.state is RunState.ACCEPTED:
            opened = run.opened
            if opened is None:
                raise Rejected("no_audience", "the run was accepted without an audience; its record is damaged")
            return self._closed(client.execute(publisher.follow(audience, opened, self._handles)))
        if not run.progress.checkpoint.read_whole:
            if self._is_shared_out():
                if not self._share_out(client):
                    return self._poll_later()
            elif not self._send(client):
                return self._continue()
        run.progress.checkpoint.read_whole = True
        return self._close(client)

    def _is_shared_out(self) -> bool:
        """Return whether the file is split among several workers, decided before anything of it is sent."""
        progress, drop = self.held.run.progress, self.work.drop
        above_bytes = self.settings.split_above_bytes
        untouched = not progress.work_done and not progress.tally.requests  # else one stream has begun it
        if progress.plan.split is None and 0 < above_bytes < drop.size_bytes and untouched:
            with suppress(Rejected):  # sending it as one stream then reports what is wrong with it
                reader, _ = self.open_drop()
                progress.plan.split = plan(
                    reader,
                    drop.size_bytes,
                    above_bytes=above_bytes,
                    most_parts=self.settings.max_parts,
                    hashed=self.located.kind.hashed,
                    now=self.clock(),
                )
        return progress.plan.split is not None and progress.plan.split.phase is not Phase.ALONE

    def _share_out(self, client: PlatformClient) -> bool:
        """Advance the parts as far as one poll can; return whether everything is sent.

        Raises the error of the first part that failed for good, and OutOfTime when the file cannot be cut after
        all.
        """
        run_parts = self._parts()
        parts = run_parts.poll()
        self.platform.limits.check_uploads(len(self.held.run.progress.checkpoint.handles))
        if failed := run_parts.failed(parts):
            raise failed
        if run_parts.split.continuations and run_parts.phase_ended(parts):
            if run_parts.split.phase is Phase.SEND:
                return True
            run_parts.begin_next(parts)
            if run_parts.split.phase is Phase.ALONE:
                raise OutOfTime("alone", "the file cannot be cut into parts, and is sent in one stream", after_s=1)
        if run_parts.split.phase is Phase.SEND and self.held.run.opened is None:
            self.open_drop()
            opened = self._opened(client)  # not by the parts: two of them would create two audiences
            if opened.by_upload:  # one upload has to create it before any other is sent
                run_parts.give_up()
                raise OutOfTime("alone", "the first upload creates the audience; one stream sends all", after_s=1)
        if not run_parts.split.continuations:
            with self.held.lock:
                self.held.save()  # the parts read in it what to do
            run_parts.dispatch(parts)
        else:
            run_parts.redispatch(parts)
        return False

    def _end(self, ending: Ending) -> RunState:
        """End with the recorded ending, once the parts are idle."""
        if ending.state == RunState.SUPERSEDED:
            return self._supersede()
        return self._stop(RunState(ending.state), Rejected(ending.code, ending.sentence))

    def _parts(self) -> RunParts:
        return RunParts(
            self.identity.run_id,
            self.work,
            self.held,
            self.clients,
            self.settings.queue_url,
            self.located.kind.hashed,
            self.clock(),
        )

    def _poll_later(self) -> RunState:
        """Queue the next poll of the parts."""
        self.held.run.not_before = 0.0
        return self._hand_on(RunState.RUNNING, self._parts().poll_after_s)

    def _parts_at_work(self, state: RunState, error: ActivationError) -> bool:
        """Return whether parts are still at work, so that the run cannot end yet; records why it will."""
        return self.held.run.progress.plan.split is not None and self._parts().must_wait_to_end(state, error)

    def _send(self, client: PlatformClient) -> bool:
        """Send what is left of the drop; return False when time ran out first."""
        try:
            return self.send(client, lambda: self._opened(client))
        except Rejected as error:
            if error.code == "empty_file" and self.held.run.progress.checkpoint.cursor.row == 0:
                return True
            raise

    def _opened(self, client: PlatformClient) -> Opened:
        """Return the audience at the platform: found or created once, then kept in the run's record."""
        run = self.held.run
        known = run.opened
        if known is not None:
            return known
        opened = client.execute(client.publisher.open(self.identity.audience, self.keys))
        with self.held.lock:
            if run.opened is None:  # else an upload has created it meanwhile
                run.opened = replace(opened, created=opened.created or run.progress.attempts.created)
                self.held.save()
            return run.opened

    def _close(self, client: PlatformClient) -> RunState:
        """Check that every row is accounted for, then close the uploads."""
        progress, opened, audience = self.held.run.progress, self.held.run.opened, self.identity.audience
        rows = progress.checkpoint.cursor.row
        if progress.tally.rows_settled != rows:
            raise Rejected(
                "sums_differ",
                f"{rows} rows were read and {progress.tally.rows_settled} are accounted for",
            )
        if rows == 0:
            return self._finish(RunState.EMPTY, {})
        if opened is None or (progress.plan.split and not progress.tally.uploads):
            raise Rejected("all_rows_rejected", "no row has anything the platform could match; see the rejects")
        return self._closed(client.execute(client.publisher.close(audience, opened, self._handles)))

    @property
    def _handles(self) -> list[str]:
        """Return the handles that the platform returned for the uploads, in row order."""
        return [handle for _, handle in sorted(self.held.run.progress.checkpoint.handles.items())]

    def _closed(self, closed: Closed) -> RunState:
        run = self.held.run
        if closed.gone is not None:
            return self._start_over(closed.gone)
        if closed.opened is not None:
            run.opened = closed.opened
        run.progress.tally.judge(closed.verdicts)
        if closed.unfinished:
            return self._wait(
                Retryable("pending", "the platform accepts the rest of the upload later", after_s=closed.after_s)
            )
        if not closed.pending:
            return self._finish(RunState.APPLIED, closed.notes)
        first = run.state is not RunState.ACCEPTED
        run.state, run.progress.checkpoint.closed = RunState.ACCEPTED, True
        if first:
            self._write_receipt(closed.notes)
        return self._wait(Retryable("pending", "the platform is processing the uploads", after_s=closed.after_s))

    def _start_over(self, gone: Outcome) -> RunState:
        """Start over at the first row, once, because the platform no longer has what was uploaded.

        The audience is opened again, so that nothing is uploaded while it cannot be changed.
        """
        run, opened = self.held.run, self.held.run.opened
        if run.progress.attempts.starts >= run.progress.attempts.starts_max:
            raise failure(gone)
        self.held.save()  # raises LeaseLost: the rejects' parts are then another worker's
        self.rejects.remove_parts()
        with self.held.lock:
            run.progress.start_over(created=opened is not None and opened.created)
            run.opened = None
        if run.progress.plan.split:
            self._parts().restart()
        return self._continue()

    def _check_deadline(self) -> None:
        if is_overdue(self.held.run, self.settings.deadline_s, self.clock()):
            hours, last = self.settings.deadline_s / 3600, self.held.run.sentence
            why = f"; last: {last}" if last else ""
            raise Rejected("deadline", f"the run did not end within {hours:g} hours{why}; redrive it to continue")

    def _continue(self) -> RunState:
        """Queue the next message at once, because this invocation is out of time."""
        run = self.held.run
        if self.stalled():
            return self._stop(
                RunState.FAILED,
                Rejected("no_progress", f"{NO_PROGRESS_MAX} invocations in a row acknowledged nothing"),
            )
        run.not_before = 0.0
        return self._hand_on(RunState.ACCEPTED if run.progress.checkpoint.closed else RunState.RUNNING, 1)

    def _wait(self, error: Retryable) -> RunState:
        """Queue the next message after the wait that the platform asked for, or a backoff after a fault."""
        run = self.held.run
        wait_s = self.wait_s(error)
        if wait_s is None:
            return self._stop(RunState.FAILED, Rejected(error.code, f"{error.sentence}; given up"))
        run.code, run.sentence = error.code, error.sentence
        run.not_before = self.clock() + wait_s
        if is_overdue(run, self.settings.deadline_s, self.clock()):
            return self._stop(RunState.FAILED, Rejected("deadline", f"waited too long; last: {error.sentence}"))
        state = RunState.ACCEPTED if run.progress.checkpoint.closed else RunState.WAITING
        return self._hand_on(state, wait_s)

    def _hand_on(self, state: RunState, wait_s: float) -> RunState:
        """Queue the continuation, then release the lease.

        In this order, a crash between the two leaves two messages, of which the lease lets one proceed; the other
        order would leave none. The ledger is written before both, so that a worker that lost the lease queues and
        reports nothing.
        """
        run = self.held.run
        run.state = state
        self.note_time()
        self.held.save()
        if state is not RunState.ACCEPTED:
            with suppress(ClientError, BotoCoreError):  # the next receipt will say as much and more
                self._write_receipt({})
        self.queue_next(wait_s)
        if run.opened is not None:
            with suppress(AudienceLocked):  # a run that is waiting for its lock has none to extend
                self.locks.acquire(run.audience_lock, self.identity.run_id, for_s=wait_s + 3600)
        self.held.save(release=True)
        return state

    def _stop(self, state: RunState, error: ActivationError) -> RunState:
        """Stop the run: write the receipt, announce the reason, and move the message to the dead letters."""
        run = self.held.run
        if self._parts_at_work(state, error):
            return self._poll_later()
        self.held.save()  # raises LeaseLost: only the run's holder may do what follows
        run.state, run.code, run.sentence, run.not_before = state, error.code, error.sentence, 0.0
        self.note_time()
        receipt = self._write_receipt_if_allowed()
        announce(self.clients.events, self.settings.event_bus_name, state, receipt, f"{self.stem}.json")
        send_to_dead_letters(
            self.clients.sqs,
            self.settings.dead_letter_queue_url,
            self.work.next_message(),
            error,
            run_id=self.identity.run_id,
        )
        run.no_progress = 0
        self.held.save(release=True)
        self.locks.release(run.audience_lock, self.identity.run_id)
        return state

    def _supersede(self) -> RunState:
        run = self.held.run
        newer = Rejected("superseded", "a newer version of this object was sent before this one")
        if self._parts_at_work(RunState.SUPERSEDED, newer):
            return self._poll_later()
        run.code, run.sentence = newer.code, newer.sentence
        return self._finish(RunState.SUPERSEDED, {})

    def _finish(self, state: RunState, notes: Mapping[str, str]) -> RunState:
        run = self.held.run
        self.held.save()  # raises LeaseLost: only the run's holder may do what follows
        run.state, run.not_before = state, 0.0
        self.note_time()
        receipt = self._write_receipt(notes)
        announce(self.clients.events, self.settings.event_bus_name, state, receipt, f"{self.stem}.json")
        self.held.save(release=True)
        self.locks.release(run.audience_lock, self.identity.run_id)
        with suppress(ClientError, BotoCoreError):  # the run has ended; a part that is left behind does no harm
            self.rejects.remove_parts()
        return state

    def _write_receipt(self, notes: Mapping[str, str]) -> dict[str, Any]:
        run = self.held.run
        ended = run.state not in (RunState.RUNNING, RunState.WAITING)
        listed = ended and self.rejects.put_together(run.progress.tally.refused_late) > 0
        receipt = self._receipt(self.rejects.key if listed else None, notes)
        receipts.write(self.clients.s3, self.settings.receipts_bucket, f"{self.stem}.json", receipt)
        return receipt

    def _write_receipt_if_allowed(self) -> dict[str, Any]:
        """Write the receipt of a run that stops; where that is denied, only the dead letter says why it stops."""
        try:
            return self._write_receipt({})
        except (ClientError, BotoCoreError) as error:
            if isinstance(classify(error), Retryable):
                raise
            return self._receipt(None, {})

    def _receipt(self, rejects_key: str | None, notes: Mapping[str, str]) -> dict[str, Any]:
        warnings = verdict.of_run(self.platform, self.identity.audience.action, self.held.run, notes)
        with self.held.lock:
            self.held.run.progress.warnings = warnings  # for `status`, with the save that follows every receipt
        return receipts.compose(
            self.identity,
            self.held.run,
            account=self._account_id(),
            now=self.clock(),
            rejects_key=rejects_key,
            notes=notes,
            warnings=warnings,
        )

    def _account_id(self) -> str:
        try:
            return self.secret.account(self.identity.audience.account).account_id
        except ActivationError:
            return self.identity.audience.account or self.settings.expected_account
