"""Sending the prepared spans of a run: several requests in flight, each acknowledged in the ledger by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from activation.batching import Prepared
from activation.errors import ConfigError, Rejected, Retryable
from activation.exchange import Exchange
from activation.ledger import HeldRun
from activation.model import Audience
from activation.progress import Unit
from activation.publisher import Batch, Kind, Opened, Outcome, Publisher, Request, failure
from activation.rejects import Rejects

REFUSED_ROWS_SOUGHT = 50  # per batch; a batch with more bad rows than this has a fault of its own, not of its rows


@dataclass
class Sender:
    """Sends one run's batches.

    `open` gives the audience at the platform, found or created, and is asked only once there is something to send.
    The ledger is written before the slot of a request is given to the next one, so what a crash can repeat is
    what was in flight. `suspect` units may have been in flight when an earlier worker died: the platform is asked
    about them before they are sent.
    """

    run_id: str
    held: HeldRun
    audience: Audience
    open: Callable[[], Opened]
    exchange: Exchange
    rejects: Rejects
    in_flight: int
    suspects_left: int
    may_start: Callable[[], bool]

    def send(self, spans: Iterable[Prepared]) -> bool:
        """Send every span; gives True at their end, False when time ran out before.

        Raises what the first failed request raised, after those in flight with it have ended.
        """
        pending: set[Future[None]] = set()
        with ThreadPoolExecutor(self.in_flight, thread_name_prefix="send") as pool:
            for prepared in spans:
                batches = self._begin(prepared)
                if batches:
                    self.open()
                for batch in batches:
                    while len(pending) >= self.in_flight:
                        pending = _settle(pending)
                    if not self.may_start():
                        _drain(pending)
                        return False
                    pending.add(pool.submit(self._deliver, batch, self._take_suspect()))
                if not self.may_start():
                    _drain(pending)
                    return False
            _drain(pending)
        return True

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

    def _take_suspect(self) -> bool:
        self.suspects_left -= 1
        return self.suspects_left >= 0

    def _deliver(self, batch: Batch, suspect: bool) -> None:
        """Send a group's rows, in halves where the platform takes them no other way, and acknowledge them."""
        unit = Unit(batch.first_row, batch.last_row, batch.group)
        with self.held.lock:
            halved = self.held.run.progress.begun_parts(unit)
        sought = _Sought()
        if halved:
            for half in batch.halves():
                self._deliver_part(half, sought, suspect=True)
        else:
            self._deliver_part(batch, sought, suspect=suspect)
        with self.held.lock:
            self.held.run.progress.finish_group(unit)
            self.held.save()

    def _deliver_part(self, batch: Batch, sought: _Sought, *, suspect: bool) -> None:
        unit = Unit(batch.first_row, batch.last_row, batch.group, batch.part)
        with self.held.lock:
            if batch.part and self.held.run.progress.done(unit):
                return
        outcome = self._perform(batch, suspect=suspect)
        match outcome.kind:
            case Kind.OK | Kind.PARTIAL:
                self._acknowledge(batch, unit, outcome)
            case Kind.TOO_LARGE | Kind.REFUSED if batch.columns.num_rows > 1:
                if outcome.kind is Kind.REFUSED:
                    sought.check(outcome)
                for half in batch.halves():
                    self._deliver_part(half, sought, suspect=suspect)
            case Kind.REFUSED:
                sought.found()
                self._acknowledge(batch, unit, _one_refused(outcome))
            case _:
                raise failure(outcome)

    def _perform(self, batch: Batch, *, suspect: bool) -> Outcome:
        """Send a batch unless its body is over the platform's limit, which is known without asking."""
        publisher = self.exchange.account.publisher()
        opened = self.open()  # known by now; only the first batch of a run makes it ask
        request = publisher.encode(batch, self.audience, opened)
        limits = publisher.limits
        if batch.columns.num_rows > 1 and (
            len(request.body) > limits.max_bytes or batch.columns.num_rows > limits.max_rows
        ):
            return Outcome(Kind.TOO_LARGE, code="over_limit", reason="the batch is over the platform's limit")

        def encode(one: Publisher) -> Request:
            return request if one is publisher else one.encode(batch, self.audience, opened)

        def arrived(one: Publisher) -> Request | None:
            return one.arrived(batch, self.audience, opened)

        return self.exchange.perform(encode, arrived, suspect=suspect)

    def _acknowledge(self, batch: Batch, unit: Unit, outcome: Outcome) -> None:
        """Record what the platform took and refused of a batch, the rejects first."""
        count = batch.columns.num_rows
        named = {batch.rows[index].as_py(): code for index, code in outcome.refused.items()}
        refused = min(max(outcome.refused_count, len(named)), count)
        by_code: dict[str, int] = {}
        for code in named.values():
            by_code[code] = by_code.get(code, 0) + 1
        if refused > len(named):
            by_code[outcome.code or "refused"] = by_code.get(outcome.code or "refused", 0) + refused - len(named)
        name = f"{batch.last_row:012d}-{batch.group}{batch.part}"
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


@dataclass
class _Sought:
    """How many rows of one batch were found that the platform refuses a whole request for."""

    count: int = 0

    def found(self) -> None:
        self.count += 1

    def check(self, outcome: Outcome) -> None:
        if self.count >= REFUSED_ROWS_SOUGHT:
            raise Rejected(
                outcome.code or "batch_refused",
                f"the platform refuses more than {REFUSED_ROWS_SOUGHT} rows of one batch; {outcome.reason}",
            )


def _one_refused(outcome: Outcome) -> Outcome:
    return Outcome(Kind.PARTIAL, refused={0: outcome.code or "refused"}, refused_count=1)


def _settle(pending: set[Future[None]]) -> set[Future[None]]:
    """Wait until one request has ended, and raise what it raised, once the others have ended too."""
    done, rest = wait(pending, return_when=FIRST_COMPLETED)
    if any(one.exception() for one in done):
        _drain(done | rest)
    return rest


def _drain(pending: set[Future[None]]) -> None:
    """Wait for all; the error that stops the run for good comes before one that a wait may cure."""
    wait(pending)
    errors = [error for one in pending if (error := one.exception()) is not None]
    if errors:
        raise min(errors, key=_urgency)


def _urgency(error: BaseException) -> int:
    order: Mapping[type[BaseException], int] = {ConfigError: 1, Rejected: 2, Retryable: 3}
    return order.get(type(error), 0)
