"""What a run shows to the outside: its receipt, its event, its dead letter, and the lock of its audience."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from activation.aws.dead_letters import send_to_dead_letters
from activation.aws.errors import classify
from activation.aws.transactions import NotWritten, write_all
from activation.drops import key_names
from activation.drops.folder_listing import FolderListing
from activation.drops.messages import Work
from activation.errors import ActivationError, Rejected, Retryable
from activation.ledger.audience_lock import AudienceLocked
from activation.ledger.progress import Progress
from activation.ledger.runs import Run, RunState
from activation.model import UNREADABLE, Audience
from activation.report import receipts, stored
from activation.report import warnings as verdict
from activation.report.announce import announce, announce_incomplete
from activation.report.receipts import Identity
from activation.report.undone import tell_undone
from activation.runs.cold_start import Connector
from activation.runs.deadline import LOCKED
from activation.runs.earlier_closings import origin_of
from activation.runs.final_drop import discard_final_drop
from activation.runs.invocation import Invocation
from activation.runs.letters import leaves_no_letter
from activation.runs.states import ENDS, Cause, Next, Step
from activation.runs.undo import written_before
from activation.runs.waking import await_audience, release_audience

INCOMPLETE = "replace_incomplete"


@dataclass(frozen=True)
class RunEffects:
    """The effects of a run's steps; `invocation` is the run's.

    With `all_letters`, every run that stops without success leaves a dead letter, unless somebody has asked for
    its end: an operator has to know of it although a user has to act.
    """

    invocation: Invocation
    all_letters: bool = False

    def waits(self, step: Next) -> None:
        """Write an interim receipt, and hold the audience's lock until an hour after the next message is due."""
        self._note_audience()
        if step.state is not RunState.ACCEPTED:
            with suppress(ClientError, BotoCoreError):  # the next receipt will say as much and more
                self._write_interim()
        run = self.invocation.held.run
        if run.opened is not None and step.code != LOCKED:
            with suppress(AudienceLocked):  # it may have expired, and be another run's
                run_id = self.invocation.identity.run_id
                self.invocation.connector.locks.acquire(run.audience_lock, run_id, for_s=step.after_s + 3600)

    def _write_interim(self) -> None:
        """Write an interim receipt; announce once that the audience is incomplete until the run ends."""
        connector, run = self.invocation.connector, self.invocation.held.run
        known = INCOMPLETE in {one.code for one in run.progress.warnings}
        receipt = self.write_receipt({})
        if not known and INCOMPLETE in {one.code for one in run.progress.warnings}:
            bus, key = connector.settings.event_bus_name, f"{self.invocation.stem}.json"
            announce_incomplete(connector.clients.events, bus, receipt, key)

    def ends(self, step: Next) -> None:
        """Write the receipt, announce the end, and leave a dead letter of a run that needs an operator."""
        if not self._may_end_at_once(step):
            self._note_audience()
        invocation, connector = self.invocation, self.invocation.connector
        stops = step.step is Step.STOP
        written, receipt = self._write_receipt_if_allowed() if stops else (True, self.write_receipt(step.notes))
        bus = connector.settings.event_bus_name
        announce(connector.clients.events, bus, step.state, receipt, f"{invocation.stem}.json")
        if stops and step.error is not None and self._has_letter(step, written=written):
            send_to_dead_letters(
                connector.clients.sqs,
                connector.settings.dead_letter_queue_url,
                invocation.work.next_message(),
                step.error,
                run_id=invocation.identity.run_id,
            )
        elif not stops and invocation.held.run.progress.plan.refused_key:
            # Before the record is final, so that a crash repeats it; a redrive of a run that stopped may need it.
            with suppress(ClientError, BotoCoreError):  # the bucket's retention deletes what is left
                invocation.refused.remove()

    def _has_letter(self, step: Next, *, written: bool) -> bool:
        """Return whether a run that stops leaves a dead letter; `written` says if its receipt was written."""
        if step.cause is Cause.ORDERED:
            return False
        if self.all_letters or not written:
            return True
        identity = self.invocation.identity
        key, action = identity.work.drop.key, identity.audience.action
        return not leaves_no_letter(step.state, step.code, key=key, action=action)

    def _may_end_at_once(self, step: Next) -> bool:
        return step.state is RunState.APPLIED and self.invocation.held.run.opened is not None

    def end_at_once(self, step: Next) -> bool:
        """Save the record of a run that has ended well, note and free its audience, all in one transaction.

        Each is written on the condition on which it is written by itself. Return False if that is not to be, since
        a run waits for the audience, or one condition does not hold; the audience is noted then, if it was not.
        """
        invocation, run = self.invocation, self.invocation.held.run
        connector, run_id = invocation.connector, invocation.identity.run_id
        if not self._may_end_at_once(step) or run.opened is None:
            return False
        freed = connector.locks.freeing(run.audience_lock, run_id)
        if freed is not None:
            noted = connector.audiences.noting(
                run.audience_lock, invocation.identity.audience, run.opened, run_id, written_before(invocation)
            )
            try:
                write_all(connector.clients.table, [connector.ledger.ending(run), freed, noted])
            except NotWritten:
                pass
            else:
                connector.ledger.released(run)
                connector.locks.freed(run.audience_lock)
                return True
        self._note_audience()
        return False

    def left(self, step: Next) -> None:
        """Release the audience's lock at the run's end, or have the run woken when the lock is free.

        The parts of a finished run's rejects are removed, and the drop, as the settings say. Raises Retryable
        where AWS is too busy for the latter: the run's message then returns, and finds only that left to do.
        """
        invocation, run = self.invocation, self.invocation.held.run
        if step.step in ENDS:
            release_audience(invocation.connector, run.audience_lock, invocation.identity.run_id)
        elif step.code == LOCKED:
            await_audience(invocation)
        if step.step is Step.FINISH:
            with suppress(ClientError, BotoCoreError):  # the run has ended; a part that is left does no harm
                invocation.rejects.remove_parts()
        if step.step in ENDS:
            discard_final_drop(invocation.connector, invocation.work, run)

    def _note_audience(self) -> None:
        """Note an audience that the run has opened, so that it is known when the run is long forgotten."""
        run, identity = self.invocation.held.run, self.invocation.identity
        if run.opened is not None:
            audiences = self.invocation.connector.audiences
            after = written_before(self.invocation)
            audiences.note(run.audience_lock, identity.audience, run.opened, identity.run_id, after)

    def write_receipt(self, notes: Mapping[str, str]) -> dict[str, Any]:
        """Write the receipt of the run as it is now, with the list of rejects once it has one; return it.

        A final one also gets a page for people who do not read JSON.

        A final receipt that says more stays: see `stored`. `notes` are texts of the platform's, by code.
        """
        invocation, run = self.invocation, self.invocation.held.run
        ended = run.state not in (RunState.RUNNING, RunState.WAITING)
        listed = ended and invocation.rejects.put_together(run.progress.tally.refused_late) > 0
        receipt = self._receipt(invocation.rejects.key if listed else None, notes)
        connector = invocation.connector
        bucket = connector.settings.receipts_bucket
        if stored.write(connector.clients.s3, bucket, f"{invocation.stem}.json", receipt) and receipt["final"]:
            stored.write_page(connector.clients.s3, bucket, invocation.stem, receipt)
            with suppress(ClientError, BotoCoreError, ActivationError):  # the commands find the undo all the same
                tell_undone(connector.clients.s3, bucket, receipt, f"{invocation.stem}.json")
        return receipt

    def _write_receipt_if_allowed(self) -> tuple[bool, dict[str, Any]]:
        """Write the receipt of a run that stops; where that is denied, only the dead letter says why it stops."""
        try:
            return True, self.write_receipt({})
        except (ClientError, BotoCoreError) as error:
            if isinstance(classify(error), Retryable):
                raise
            return False, self._receipt(None, {})

    def _receipt(self, rejects_key: str | None, notes: Mapping[str, str]) -> dict[str, Any]:
        connector, run = self.invocation.connector, self.invocation.held.run
        action, listing = self.invocation.identity.audience.action, self._listing()
        work = self.invocation.work
        origin = origin_of(connector, work.drop)
        keys = [work.drop.key, *(file.key for file in listing.files)] if listing else [work.drop.key]
        warnings = [
            *verdict.of_run(connector.platform, action, run, notes, listing),
            *key_names.of_keys(map(origin.layout_key, keys)),
        ]
        with self.invocation.held.lock:
            run.progress.warnings = warnings  # for `status`, with the save that follows every receipt
        return receipts.compose(
            self.invocation.identity,
            run,
            account=self._account_id(),
            now=connector.clock(),
            rejects_key=rejects_key,
            notes=notes,
            warnings=warnings,
            listing=listing,
            orders=self.invocation.orders.given,
        )

    def _listing(self) -> FolderListing | None:
        """Return the list of the folder's files; without it, the receipt of a run that stops says less."""
        try:
            return self.invocation.listing
        except ActivationError:
            return None

    def _account_id(self) -> str:
        connector, asked_for = self.invocation.connector, self.invocation.identity.audience.account
        try:
            asked_for = self.invocation.account
            return connector.secret.account(asked_for).account_id
        except ActivationError:
            return asked_for or connector.settings.expected_account


def refuse_message(connector: Connector, body: str, error: Rejected, run_id: str = "") -> None:
    """Send a message to the dead letters; `run_id` is "" where the message could not be read."""
    queue_url = connector.settings.dead_letter_queue_url
    send_to_dead_letters(connector.clients.sqs, queue_url, body, error, run_id=run_id)


def refuse_key(connector: Connector, work: Work, run_id: str, error: Rejected) -> None:
    """Write the receipt of a drop whose key cannot be parsed, and send its message to the dead letters."""
    now, settings, clients = connector.clock(), connector.settings, connector.clients
    audience = Audience(settings.connector, UNREADABLE)
    run = Run("", 0, RunState.FAILED, work.continuation, now, now, 0.0, 0.0, 0, Progress())
    run.code, run.sentence = error.code, error.sentence
    receipt = receipts.compose(
        Identity(run_id, work, audience, "", connector.platform.name),
        run,
        account=settings.expected_account,
        now=now,
        rejects_key=None,
        notes={},
    )
    stem = receipts.stem(audience, run_id)
    key = f"{stem}.json"
    connector.unread.note(settings.connector, run_id, work.drop.key, RunState.FAILED, error)
    if stored.write(clients.s3, settings.receipts_bucket, key, receipt):
        stored.write_page(clients.s3, settings.receipts_bucket, stem, receipt)
    announce(clients.events, settings.event_bus_name, RunState.FAILED, receipt, key)
    refuse_message(connector, work.next_message(), error, run_id)
