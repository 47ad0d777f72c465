"""Uploads in flight: each sent until it is acknowledged, in halves where the platform accepts it no other way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from activation.errors import Retryable
from activation.ledger.runs import HeldRun
from activation.pipeline.acknowledgements import Acknowledgements
from activation.pipeline.client import Effect
from activation.pipeline.delivery import Delivery
from activation.pipeline.upload_client import NOTHING_SENT, UploadClient
from activation.pipeline.uploads import unit_of
from activation.platforms.outcome import Outcome, OutcomeKind, failure
from activation.platforms.publisher import Opened
from activation.platforms.upload import Upload


class UploadsGone(Retryable):
    """The platform no longer has the uploads of the run, as `outcome` says: it has to start over."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.code, outcome.reason)
        self.outcome = outcome


@dataclass(frozen=True)
class Uploader:
    """Brings one run's uploads to the platform; several threads may call it.

    `held` is the run's record. `client` sends an upload, `acknowledgements` writes down what became of it.
    `repeats` says that the platform may have had all of it before.
    """

    held: HeldRun
    client: UploadClient
    acknowledgements: Acknowledgements
    repeats: bool = False

    def deliver(self, chain: Sequence[Upload], in_doubt: bool) -> None:
        """Send uploads one after the other, in halves where the platform accepts them no other way."""
        for upload in chain:
            with self.held.lock:
                progress = self.held.run.progress
                earlier = progress.handles_of(upload.first_row, upload.after) if upload.after else ()
                delivery = Delivery(in_doubt, accepted=progress.has_parts(unit_of(upload)))
            refusal = self._attempt(replace(upload, earlier=earlier), delivery)
            if refusal is not None:
                self._find_refused(replace(upload, earlier=earlier), refusal, delivery)
            in_doubt = delivery.in_doubt
            with self.held.lock:
                self.acknowledgements.finish(unit_of(upload))
            self.acknowledgements.saves.save()  # before the slot is another's, and what depends on it is sent

    def _attempt(self, upload: Upload, delivery: Delivery) -> Outcome | None:
        """Send an upload or a part of one; return a refusal that names no line, None when done."""
        unit, progress = unit_of(upload), self.held.run.progress
        with self.held.lock:
            if progress.done(unit):
                return None
            halved = progress.begun_parts(unit)
            effect = Effect(self.repeats or delivery.in_doubt or progress.doubt(unit))
        if halved:
            self._send_halves(upload, delivery)
            return None
        try:
            self.client.limits.check_uploads(len(progress.checkpoint.handles) + 1)
            outcome = self.client.send(upload, effect)
            if outcome.kind in (OutcomeKind.OK, OutcomeKind.PARTIAL):
                self._note_opened(outcome)
                self.acknowledgements.acknowledge(upload, outcome, effect.left_out)
                effect.in_doubt = False
        finally:
            with self.held.lock:
                progress.resolve(unit, in_doubt=effect.in_doubt)
        match outcome.kind:
            case OutcomeKind.OK | OutcomeKind.PARTIAL:
                if outcome.code != NOTHING_SENT:
                    delivery.accept()
            case OutcomeKind.TOO_LARGE if upload.lines > 1:
                with self.held.lock:
                    progress.halve(unit)
                self._send_halves(upload, delivery)
            case OutcomeKind.REFUSED:
                return outcome
            case OutcomeKind.GONE:
                raise UploadsGone(outcome)
            case _:
                raise failure(outcome)
        return None

    def _note_opened(self, outcome: Outcome) -> None:
        """Record what the first upload has changed, if it is what created the audience or began its session."""
        destination = self.client.destination
        if outcome.code == NOTHING_SENT:
            return
        if isinstance(outcome.value, Opened):
            destination.created(outcome.value)
        elif (opened := destination.open()).by_upload:
            destination.created(replace(opened, by_upload=False))

    def _send_halves(self, upload: Upload, delivery: Delivery) -> None:
        """Send both halves of an upload, and find the refused lines of each.

        Both are sent before either is judged, since what the platform accepts of one says what it refuses of the
        other.
        """
        halves = upload.halves()
        refusals = [self._attempt(half, delivery) for half in halves]
        for half, refusal in zip(halves, refusals, strict=True):
            if refusal is not None:
                self._find_refused(half, refusal, delivery)

    def _find_refused(self, upload: Upload, refusal: Outcome, delivery: Delivery) -> None:
        """Find by halving the lines for which the platform refuses an upload without naming them.

        A refusal may be about the account or the request instead of a line. Unless it is known to be about rows,
        it is raised, and no line is rejected, when nothing of the upload was accepted and

        - nothing of the run was accepted either, and both halves get the same refusal, or
        - a single line is refused alone; of an upload with one line only, when nothing of the run was accepted.
        """
        with self.held.lock:
            run_accepted = self.held.run.progress.tally.uploads > 0
        if upload.lines == 1:
            if not (refusal.about_rows or delivery.accepted or (run_accepted and not upload.part)):
                raise failure(refusal)
            self._refuse_line(upload, refusal)
            delivery.found()
            return
        delivery.check(refusal)
        with self.held.lock:
            self.held.run.progress.halve(unit_of(upload))
        halves = upload.halves()
        refusals = [self._attempt(half, delivery) for half in halves]
        first, second = refusals
        alike = first is not None and second is not None and first.same_refusal(second)
        if first and alike and not (first.about_rows or delivery.accepted or run_accepted):
            raise failure(first)
        for half, one in zip(halves, refusals, strict=True):
            if one is not None:
                self._find_refused(half, one, delivery)

    def _refuse_line(self, upload: Upload, refusal: Outcome) -> None:
        """Record the only line of an upload as refused by the platform."""
        code = refusal.code or "refused"
        self.acknowledgements.acknowledge(
            upload, Outcome(OutcomeKind.PARTIAL, code, refused={0: code}, refused_count=1)
        )
