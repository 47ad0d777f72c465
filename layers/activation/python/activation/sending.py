"""Sending the prepared spans of a run: several requests in flight, each acknowledged in the ledger by itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from activation.batching import Prepared
from activation.errors import ConfigError, Rejected, Retryable
from activation.exchange import Effect, Exchange, OutOfTime
from activation.ledger import HeldRun
from activation.limits import Limits
from activation.model import Audience
from activation.progress import Unit
from activation.publisher import Batch, Kind, Opened, Outcome, Publisher, Request, failure
from activation.rejects import Rejects

# Units acknowledged beyond one that is not, because its answers are late: the ledger's record names each of them,
# is written after each, and may not grow without end.
AHEAD_MAX = 300
# How long a thread may compute while others want to: at Python's own 5 ms, a request whose answer is there waits
# for the reading of the next rows, several times over.
SWITCH_S = 0.0003
REFUSED_ROWS_SOUGHT = 50  # per batch; a batch with more bad rows than this has a fault of its own, not of its rows


@dataclass
class Sender:
    """Sends one run's batches.

    `open` gives the audience at the platform, found or created, and is asked only once there is something to send.
    The ledger is written before the slot of a request is given to the next one, so what a crash can repeat is
    what was in flight. About units in doubt (in flight when an earlier worker died, or never answered for) the
    platform is asked before they are sent. `limits` are the platform's as the settings narrow them.
    """

    run_id: str
    held: HeldRun
    audience: Audience
    open: Callable[[], Opened]
    exchange: Exchange
    rejects: Rejects
    in_flight: int
    limits: Limits
    may_start: Callable[[], bool]

    def send(self, spans: Iterable[Prepared]) -> bool:
        """Send every span; gives True at their end, False when time ran out before.

        Raises what a failed request raised, after those in flight with it have ended; where several failed, and
        where reading failed too, what stops the run for good before what a wait may cure.
        """
        sys.setswitchinterval(SWITCH_S)
        pending: set[Future[None]] = set()
        with ThreadPoolExecutor(self.in_flight, thread_name_prefix="send") as pool:
            try:
                return self._feed(pool, pending, spans)
            finally:
                _drain(pending)

    def _feed(self, pool: ThreadPoolExecutor, pending: set[Future[None]], spans: Iterable[Prepared]) -> bool:
        """Keep up to `in_flight` batches in `pending`, in order; ends early when one of them failed."""
        for batches in map(self._begin, spans):
            if batches:
                self.open()
            while batches:
                while self._must_wait(pending):
                    if not _settle(pending):
                        return False
                if not self.may_start():
                    return False
                with self.held.lock:
                    in_doubt = self.held.run.progress.doubt(_unit(batches[0]), begin=True)
                pending.add(pool.submit(self._deliver, batches.pop(0), in_doubt))
            # Who sends one at a time sends large ones: no second one is read while the first is still held.
            if self.in_flight == 1 and pending and not _settle(pending):
                return False
            if not self.may_start():
                return False
        return True

    def _must_wait(self, pending: set[Future[None]]) -> bool:
        """Whether the next batch has to wait for one on its way: for its slot, or for the cursor to move on."""
        far_ahead = len(self.held.run.progress.ahead) >= AHEAD_MAX
        return len(pending) >= self.in_flight or (far_ahead and bool(pending))

    def _begin(self, prepared: Prepared) -> list[Batch]:
        """Note a span, and give the batches of its groups that were not acknowledged before."""
        span = prepared.span
        self.rejects.write_ours(span.first_row, prepared.rejected)
        batches = []
        with self.held.lock:
            progress = self.held.run.progress
            for group, mask in zip(span.groups, prepared.groups, strict=True):
                if progress.done(Unit(span.first_row, span.last_row, group)):
                    continue
                whole = len(prepared.groups) == 1
                columns = prepared.columns if whole else prepared.columns.filter(mask)
                rows = prepared.rows if whole else prepared.rows.filter(mask)
                batches.append(Batch(self.run_id, span.first_row, span.last_row, group, columns, rows))
            progress.begin(span)
            if not batches:
                self.held.save()
        return batches

    def _deliver(self, batch: Batch, in_doubt: bool) -> None:
        """Send a group's rows, in halves where the platform takes them no other way, and acknowledge them."""
        self._deliver_part(batch, _Delivery(in_doubt))
        with self.held.lock:
            self.held.run.progress.finish_group(_unit(batch))
            self.held.save()

    def _deliver_part(self, batch: Batch, delivery: _Delivery) -> None:
        unit, progress = _unit(batch), self.held.run.progress
        with self.held.lock:
            if progress.done(unit):
                return
            halved = progress.begun_parts(unit)
            effect = Effect(delivery.in_doubt or progress.doubt(unit))
        if halved:
            self._deliver_halves(batch, delivery)
            return
        try:
            outcome = self._perform(batch, effect)
            match outcome.kind:
                case Kind.OK | Kind.PARTIAL:
                    self._acknowledge(batch, unit, outcome)
                case Kind.REFUSED if batch.columns.num_rows == 1:
                    self._acknowledge(batch, unit, _one_refused(outcome))
        finally:
            with self.held.lock:
                progress.resolve(unit, in_doubt=effect.in_doubt)
        match outcome.kind:
            case Kind.OK | Kind.PARTIAL:
                delivery.in_doubt = False
            case Kind.TOO_LARGE | Kind.REFUSED if batch.columns.num_rows > 1:
                if outcome.kind is Kind.REFUSED:
                    delivery.check(outcome)
                self._deliver_halves(batch, delivery)
            case Kind.REFUSED:
                delivery.found()
            case _:
                raise failure(outcome)

    def _deliver_halves(self, batch: Batch, delivery: _Delivery) -> None:
        for half in batch.halves():
            self._deliver_part(half, delivery)

    def _perform(self, batch: Batch, effect: Effect) -> Outcome:
        """Send a batch unless its body is over the platform's limit, which is known without asking."""
        self.limits.check_uploads(len(self.held.run.progress.handles) + 1)
        publisher = self.exchange.account.publisher()
        opened = self.open()  # known by now; only the first batch of a run makes it ask
        request = publisher.encode(batch, self.audience, opened)
        too_many = batch.columns.num_rows > publisher.limits.max_rows
        if batch.columns.num_rows > 1 and (too_many or request.size_bytes > self.limits.max_bytes):
            return Outcome(Kind.TOO_LARGE, code="over_limit", reason="the batch is over the platform's limit")

        def encode(one: Publisher) -> Request:
            return request if one is publisher else one.encode(batch, self.audience, opened)

        def arrived(one: Publisher) -> Request | None:
            return one.arrived(batch, self.audience, opened)

        return self.exchange.perform(encode, arrived, effect=effect)

    def _acknowledge(self, batch: Batch, unit: Unit, outcome: Outcome) -> None:
        """Record what the platform took and refused of a batch, the rejects first."""
        count = batch.columns.num_rows
        named = {batch.rows[at].as_py(): code for at, code in outcome.refused.items() if 0 <= at < count}
        refused = min(max(outcome.refused_count, len(named)), count)
        by_code: dict[str, int] = {}
        for code in named.values():
            by_code[code] = by_code.get(code, 0) + 1
        if refused > len(named):
            by_code[outcome.code or "refused"] = by_code.get(outcome.code or "refused", 0) + refused - len(named)
        name = f"{batch.last_row:012d}-{batch.group}-{batch.part}"
        self.rejects.write_platforms(batch.first_row, name, named, refused - len(named))
        with self.held.lock:
            self.held.run.progress.acknowledge(
                unit,
                rows=count,
                refused=by_code,
                handle=outcome.value if isinstance(outcome.value, str) else "",
                reference=outcome.reference,
            )
            if batch.part:
                self.held.save()


def _unit(batch: Batch) -> Unit:
    return Unit(batch.first_row, batch.last_row, batch.group, batch.part)


@dataclass
class _Delivery:
    """One group on its way.

    `in_doubt` says that a dead worker may have sent the next part; parts are sent in one order. `count` is how
    many rows were found that the platform refuses a whole request for.
    """

    in_doubt: bool
    count: int = 0

    def found(self) -> None:
        self.in_doubt = False
        self.count += 1

    def check(self, outcome: Outcome) -> None:
        if self.count >= REFUSED_ROWS_SOUGHT:
            raise Rejected(
                outcome.code or "batch_refused",
                f"the platform refuses more than {REFUSED_ROWS_SOUGHT} rows of one batch; {outcome.reason}",
            )


def _one_refused(outcome: Outcome) -> Outcome:
    return Outcome(Kind.PARTIAL, refused={0: outcome.code or "refused"}, refused_count=1)


def _settle(pending: set[Future[None]]) -> bool:
    """Wait until a batch has ended and take out what went well; False when one has failed, which stays."""
    done, _ = wait(pending, return_when=FIRST_COMPLETED)
    failed = {one for one in done if one.exception() is not None}
    pending -= done - failed
    return not failed


def _drain(pending: set[Future[None]]) -> None:
    """Wait for all; the error that stops the run for good comes before one that a wait may cure."""
    wait(pending)
    errors = [error for one in pending if (error := one.exception()) is not None]
    if errors:
        raise min(errors, key=_urgency)


def _urgency(error: BaseException) -> int:
    order: Mapping[type[BaseException], int] = {ConfigError: 1, Rejected: 2, Retryable: 3, OutOfTime: 4}
    return order.get(type(error), 0)
