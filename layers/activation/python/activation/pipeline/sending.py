"""Sending the prepared spans of a run: several requests in flight, each acknowledged in the ledger by itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from activation.errors import ConfigError, Rejected, Retryable
from activation.ledger.progress import Unit
from activation.ledger.runs import HeldRun
from activation.model import Audience
from activation.pipeline.batching import Prepared
from activation.pipeline.client import Effect, OutOfTime, PlatformClient
from activation.pipeline.delivery import BatchRefusals, Delivery, UploadResult
from activation.pipeline.further import uploads_of
from activation.platforms.limits import Limits
from activation.platforms.outcome import Outcome, OutcomeKind, failure
from activation.platforms.publisher import Opened, Publisher
from activation.platforms.upload import Batch, Upload
from activation.report.rejects import Rejects

# The most units acknowledged beyond one that is not yet: the ledger's record names each of them and is written
# after each, so it must stay small.
AHEAD_MAX = 300
# How many seconds a thread may compute while others wait: at Python's default of 5 ms, an answer that has arrived
# waits several times for the thread that reads the next rows.
SWITCH_S = 0.0003
# How often the rows that the platform names are taken out of one upload before it is halved: some platforms name
# only the first few of many.
NAMED_ROUNDS = 3


@dataclass
class Sender:
    """Sends one run's batches.

    `run_id` is the run's and `held` its record. `audience` is where the people go, `publisher` encodes the
    requests. `open` returns the audience at the platform, found or created; it is called only once there is
    something to send. `open_again` looks for an audience that a lost upload may have created, `opened_now` records
    one that an upload did create. `client` sends the requests, `rejects` keeps what was refused. `in_flight` is
    how many requests may be in flight, `limits` are the platform's as the settings narrow them. `may_start` says
    whether there is time for another request.

    The ledger is written before a request's slot is given to the next one, so a crash can repeat only what was in
    flight. The platform is asked about units in doubt (in flight when an earlier worker died, or never answered)
    before they are sent.
    """

    run_id: str
    held: HeldRun
    audience: Audience
    publisher: Publisher
    open: Callable[[], Opened]
    open_again: Callable[[], Opened]
    opened_now: Callable[[Opened], None]
    client: PlatformClient
    rejects: Rejects
    in_flight: int
    limits: Limits
    may_start: Callable[[], bool]
    _refusals: dict[int, BatchRefusals] = field(default_factory=dict)

    def send(self, spans: Iterable[Prepared]) -> bool:
        """Send every span; return True at their end, False when time ran out first.

        Raises the error of a failed request after those in flight have ended. Of several errors, including one of
        reading the file, the one that stops the run for good is raised before one that a wait may cure.
        """
        sys.setswitchinterval(SWITCH_S)
        pending: set[Future[None]] = set()
        with ThreadPoolExecutor(self.in_flight, thread_name_prefix="send") as pool:
            try:
                return self._feed(pool, pending, spans)
            finally:
                _drain(pending)

    def _feed(self, pool: ThreadPoolExecutor, pending: set[Future[None]], spans: Iterable[Prepared]) -> bool:
        """Keep up to `in_flight` uploads in `pending`, in order; return False when one failed or time ran out."""
        for chains in map(self._begin, spans):
            if chains:
                self.open()
            while chains:
                while self._must_wait(pending):
                    if not _settle(pending):
                        return False
                if not self.may_start():
                    return False
                with self.held.lock:
                    in_doubt = self.held.run.progress.doubt(_unit(chains[0][0]), begin=True)
                pending.add(pool.submit(self._deliver, chains.pop(0), in_doubt))
            # With one request in flight, requests are large: do not read a second while the first is held.
            if self.in_flight == 1 and pending and not _settle(pending):
                return False
            if not self.may_start():
                return False
        return True

    def _must_wait(self, pending: set[Future[None]]) -> bool:
        """Return whether the next upload has to wait for one in flight.

        For its slot, for the cursor to advance, or for the audience that the first upload creates.
        """
        far_ahead = len(self.held.run.progress.checkpoint.ahead) >= AHEAD_MAX
        return len(pending) >= self.in_flight or (bool(pending) and (far_ahead or self.open().by_upload))

    def _begin(self, prepared: Prepared) -> list[list[Upload]]:
        """Note a span, and return the uploads of its batch that are not acknowledged yet, as chains.

        Each chain is sent one after the other, because its uploads depend on each other.
        """
        span = prepared.span
        self.rejects.write_ours(span.first_row, prepared.rejected)
        uploads: Sequence[Upload] = ()
        disjoint = True
        if prepared.columns.num_rows:
            batch = Batch(self.run_id, span.first_row, span.last_row, prepared.columns, prepared.rows)
            uploads = uploads_of(self.publisher, batch, prepared.further)
            disjoint = _are_disjoint(batch, uploads)
        refusals = BatchRefusals(prepared.columns.num_rows, disjoint=disjoint)
        with self.held.lock:
            progress = self.held.run.progress
            left = [one for one in uploads if not progress.done(_unit(one))]
            earlier = progress.acknowledged_of(span)
            progress.begin(span, [one.key for one in uploads])
            if not left:
                self.held.save()
                return []
        if earlier and not disjoint:  # an earlier invocation sent these, and kept what was refused of them
            refusals.recall(self.rejects.read_platforms(span.first_row, span.last_row, earlier))
        self._refusals[span.first_row] = refusals
        return _chains(left)

    def _deliver(self, chain: Sequence[Upload], in_doubt: bool) -> None:
        """Send uploads one after the other, in halves where the platform accepts them no other way."""
        for upload in chain:
            with self.held.lock:
                progress = self.held.run.progress
                earlier = progress.handles_of(upload.first_row, upload.after) if upload.after else ()
                delivery = Delivery(in_doubt, accepted=progress.has_parts(_unit(upload)))
            refusal = self._attempt(replace(upload, earlier=earlier), delivery)
            if refusal is not None:
                self._find_refused(replace(upload, earlier=earlier), refusal, delivery)
            in_doubt = delivery.in_doubt
            with self.held.lock:
                self._finish(_unit(upload))

    def _finish(self, unit: Unit) -> None:
        """Note once that an upload is done, and count the batch's rows when it was the last of several.

        The caller holds the lock, from the acknowledgement of an upload that was sent whole: a record saved in
        between would name it as done without its rows.
        """
        progress = self.held.run.progress
        if not progress.waits_for(unit):
            return
        if progress.is_last(unit):
            refusals = self._refusals.pop(unit.first_row)
            if not refusals.disjoint:
                progress.tally.count_rows(refusals.rows, refusals.refused())
        progress.finish_upload(unit)
        self.held.save()

    def _attempt(self, upload: Upload, delivery: Delivery) -> Outcome | None:
        """Send an upload or a part of one; return a refusal that names no line, None when done."""
        unit, progress = _unit(upload), self.held.run.progress
        with self.held.lock:
            if progress.done(unit):
                return None
            halved = progress.begun_parts(unit)
            effect = Effect(delivery.in_doubt or progress.doubt(unit))
        if halved:
            self._send_halves(upload, delivery)
            return None
        try:
            outcome = self._perform(upload, effect)
            if outcome.kind in (OutcomeKind.OK, OutcomeKind.PARTIAL):
                self._acknowledge(upload, outcome)
                effect.in_doubt = False
        finally:
            with self.held.lock:
                progress.resolve(unit, in_doubt=effect.in_doubt)
        match outcome.kind:
            case OutcomeKind.OK | OutcomeKind.PARTIAL:
                delivery.accept()
            case OutcomeKind.TOO_LARGE if upload.lines > 1:
                with self.held.lock:
                    progress.halve(unit)
                self._send_halves(upload, delivery)
            case OutcomeKind.REFUSED:
                return outcome
            case _:
                raise failure(outcome)
        return None

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
            self.held.run.progress.halve(_unit(upload))
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
        self._acknowledge(upload, Outcome(OutcomeKind.PARTIAL, code, refused={0: code}, refused_count=1))

    def _perform(self, upload: Upload, effect: Effect) -> Outcome:
        """Send an upload; when the platform refuses it and names lines, take these out and send the rest.

        An upload whose body exceeds the platform's limit is not sent: it would be refused.
        """
        self.limits.check_uploads(len(self.held.run.progress.checkpoint.handles) + 1)
        named: dict[int, str] = {}
        rest, lines = upload, list(range(upload.lines))
        suspected = effect.in_doubt  # a worker that died may have sent the rest, not the whole
        for _ in range(NAMED_ROUNDS):
            outcome = self._request(rest, effect)
            if outcome.kind is not OutcomeKind.REFUSED or not outcome.refused:
                break
            bad = {at: code for at, code in outcome.refused.items() if 0 <= at < len(lines)}
            named |= {lines[at]: code for at, code in bad.items()}
            if len(bad) == len(lines):
                return _partial(outcome, named)
            rest, kept = rest.without(bad)
            lines = [lines[at] for at in kept]
            effect.in_doubt = suspected
        if named and outcome.kind in (OutcomeKind.OK, OutcomeKind.PARTIAL):
            refused = named | {lines[at]: code for at, code in outcome.refused.items() if 0 <= at < len(lines)}
            return _partial(outcome, refused, unnamed=outcome.refused_count - len(outcome.refused))
        # The rest was refused without naming lines: halves of the whole upload have to find them.
        if outcome.kind is OutcomeKind.REFUSED:
            return replace(outcome, refused={}, about_rows=outcome.about_rows or bool(named))
        return outcome

    def _request(self, upload: Upload, effect: Effect) -> Outcome:
        opened = self.open()  # known by now, except for the first upload of a run
        if opened.by_upload and effect.in_doubt:
            opened = self.open_again()  # the lost request may have created the audience
        request = self.publisher.encode(upload, self.audience, opened)
        too_many = upload.lines > self.limits.max_rows
        if upload.lines > 1 and (too_many or request.size_bytes > self.limits.max_bytes):
            return Outcome(
                OutcomeKind.TOO_LARGE, code="over_limit", reason="the upload is over the platform's limit"
            )
        if opened.by_upload:  # a second one of these would create a second audience
            return self.client.send(replace(request, repeatable=False), effect=effect)
        return self.client.send(
            request, lambda: self.publisher.arrived(upload, self.audience, opened), effect=effect
        )

    def _acknowledge(self, upload: Upload, outcome: Outcome) -> None:
        """Record what the platform accepted and refused of an upload; the rejects are written first."""
        if isinstance(outcome.value, Opened):
            self.opened_now(outcome.value)
        result = UploadResult.of(upload, outcome)
        refusals, progress = self._refusals[upload.first_row], self.held.run.progress
        # Where a row travels in several uploads, the list says which of its identifiers was refused.
        column = (
            upload.columns.schema.names[0] if upload.columns.num_columns == 1 and not refusals.disjoint else ""
        )
        name = f"{upload.last_row:012d}-{upload.key}-{upload.part}"
        self.rejects.write_platforms(upload.first_row, name, result.named, result.unnamed, column=column)
        with self.held.lock:
            refusals.add(result)
            if refusals.disjoint:
                progress.tally.count_rows(result.rows, result.refused)
            progress.acknowledge(
                _unit(upload),
                cells=upload.without(outcome.refused)[0].cells if outcome.refused else upload.cells,
                handle=outcome.value if isinstance(outcome.value, str) else "",
                reference=outcome.reference,
            )
            if upload.part:
                self.held.save()
            else:
                self._finish(_unit(upload))


def _unit(upload: Upload) -> Unit:
    return Unit(upload.first_row, upload.last_row, upload.key, upload.part)


def _chains(uploads: Sequence[Upload]) -> list[list[Upload]]:
    """Return the uploads as chains: each after the one it depends on, independent ones apart."""
    chains: list[list[Upload]] = []
    for upload in uploads:
        before = [chain for chain in chains if upload.after and upload.after in (one.key for one in chain)]
        if before:
            before[0].append(upload)
        else:
            chains.append([upload])
    return chains


def _are_disjoint(batch: Batch, uploads: Sequence[Upload]) -> bool:
    """Return whether no row of a batch is in more than one of its uploads.

    Raises Rejected with rows_without_upload where a row is in none, which is an error of the publisher.
    """
    if len(uploads) == 1 and uploads[0].rows is batch.rows:
        return True
    carried = pa.concat_arrays([_flat(one.source_rows) for one in uploads])
    different = len(pc.unique(carried))
    if different != len(batch.rows):
        raise Rejected(
            "rows_without_upload", f"the uploads of a batch of {len(batch.rows)} rows carry {different} of them"
        )
    return len(carried) == different


def _flat(rows: pa.Array | pa.ChunkedArray) -> pa.Array:
    return rows.combine_chunks() if isinstance(rows, pa.ChunkedArray) else rows


def _partial(outcome: Outcome, refused: Mapping[int, str], *, unnamed: int = 0) -> Outcome:
    count = len(refused) + unnamed
    return replace(outcome, kind=OutcomeKind.PARTIAL, refused=dict(refused), refused_count=count)


def _settle(pending: set[Future[None]]) -> bool:
    """Wait until an upload has ended and remove those that succeeded; return False when one failed."""
    done, _ = wait(pending, return_when=FIRST_COMPLETED)
    failed = {one for one in done if one.exception() is not None}
    pending -= done - failed
    return not failed


def _drain(pending: set[Future[None]]) -> None:
    """Wait for all; raise the error that stops the run for good before one that a wait may cure."""
    wait(pending)
    errors = [error for one in pending if (error := one.exception()) is not None]
    if errors:
        raise min(errors, key=_urgency)


def _urgency(error: BaseException) -> int:
    order: Mapping[type[BaseException], int] = {ConfigError: 1, Rejected: 2, Retryable: 3, OutOfTime: 4}
    return order.get(type(error), 0)
