"""One run, from claim to receipt: whatever happens to it ends in one of the ledger's states."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from activation import notices, receipts
from activation.batching import Batcher, Prepared
from activation.clients import Clients, meaning
from activation.columns import map_columns
from activation.drops.chunk import DropReader
from activation.drops.locate import Located
from activation.drops.open import open_drop
from activation.drops.source import S3Source
from activation.errors import ActivationError, ConfigError, Rejected, Retryable
from activation.exchange import Account, Exchange, OutOfTime
from activation.governor import Governor
from activation.http import Http
from activation.identifiers.table import Field
from activation.ledger import STOPPED, HeldRun, State
from activation.messages import Work
from activation.publisher import Closed, Opened, Publisher
from activation.receipts import Identity
from activation.rejects import Rejects
from activation.screening import screen
from activation.sending import Sender
from activation.settings import ConnectorSettings
from activation.turns import NotYourTurn, Superseded, Turns

MARGIN_S = 20.0  # for what follows the last platform call: a ledger write, a receipt, a message
MAX_DELAY_S = 900  # the longest an SQS message can be delayed
NO_PROGRESS_MAX = 20
WAITS = frozenset({"throttled", "busy", "not_your_turn", "pending"})  # bounded by the deadline alone


@dataclass
class ActiveRun:
    """A claimed run and what one invocation needs to bring it forward."""

    identity: Identity
    located: Located
    held: HeldRun
    settings: ConnectorSettings
    clients: Clients
    account: Account
    http: Http
    turns: Turns
    time_left_s: Callable[[], float]
    crashed: bool
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        self._began = self.clock()
        self._stem = receipts.stem(self.identity.audience, self.identity.run_id)
        self._rejects = Rejects(self.clients.s3, self.settings.receipts_bucket, self._stem)
        self._done_before = self.held.run.progress.work_done
        self._keys: tuple[str, ...] = ()

    @property
    def work(self) -> Work:
        """The message that brought this invocation."""
        return self.identity.work

    def advance(self) -> State:
        """Bring the run as far as this invocation can, and leave it in a state the next one can go on from.

        Raises LeaseLost when another worker took it over, and lets through what nobody foresaw: then nothing is
        released, the message comes back, and the lease runs out.
        """
        run = self.held.run
        try:
            if run.state in STOPPED:  # somebody mended what stopped it and sent the message again
                run.started_at = self.clock()
                run.state = State.ACCEPTED if run.progress.closed else State.RUNNING
            self._check_deadline()
            early_s = run.not_before - self.clock()
            if early_s > 1:  # a message cannot be delayed for as long as a platform can make us wait
                return self._hand_on(run.state, early_s)
            if run.state is not State.ACCEPTED:
                run.state = State.RUNNING
            run.code = run.sentence = ""
            return self._go_on()
        except NotYourTurn:
            return self._wait(
                Retryable("not_your_turn", "another drop is being sent to this audience", after_s=20)
            )
        except Superseded:
            run.code, run.sentence = "superseded", "a newer version of this object was sent before this one"
            return self._finish(State.SUPERSEDED, {})
        except ActivationError as error:
            return self._halt(error)
        except (ClientError, BotoCoreError) as error:
            return self._halt(meaning(error))

    def _halt(self, error: ActivationError) -> State:
        """End this invocation as its error says: go on at once, go on later, or stop."""
        match error:
            case OutOfTime():
                return self._continue()
            case Retryable():
                return self._wait(error)
            case ConfigError():
                return self._stop(State.BLOCKED, error)
            case _:
                return self._stop(State.FAILED, error)

    def _go_on(self) -> State:
        audience, run = self.identity.audience, self.held.run
        self.turns.take(audience, self.identity.run_id)
        self.turns.check_order(self.work.drop, audience.connector)
        publisher = self.account.publisher()
        exchange = Exchange(
            account=self.account,
            http=self.http,
            governor=Governor(self.clients.table, publisher.platform, publisher.account, clock=self.clock),
            time_left_s=lambda: self.time_left_s() - MARGIN_S,
            # A call that stays just short of silence may take twice its timeout.
            keep_lease=lambda: self.held.keep(2 * publisher.limits.timeout_s + MARGIN_S),
            note_sent=self.held.note_sent,
            sleep=self.sleep,
        )
        if run.state is State.ACCEPTED:
            opened = run.opened
            if opened is None:
                raise Rejected("no_audience", "the run was accepted without an audience; its record is damaged")
            return self._closed(exchange.converse(lambda one: one.follow(audience, opened)))
        if not run.progress.read_whole and not self._send(publisher, exchange):
            return self._continue()
        run.progress.read_whole = True
        return self._close(exchange)

    def _send(self, publisher: Publisher, exchange: Exchange) -> bool:
        """Send what is left of the drop; gives False when time ran out first."""
        run, limits = self.held.run, publisher.limits
        in_flight = self.settings.requests_in_flight or limits.in_flight
        if self.crashed:
            run.progress.suspects = max(run.progress.suspects, in_flight)
        sender = Sender(
            run_id=self.identity.run_id,
            held=self.held,
            audience=self.identity.audience,
            open=lambda: self._opened(exchange),
            exchange=exchange,
            rejects=self._rejects,
            in_flight=in_flight,
            may_start=lambda: self.time_left_s() > limits.timeout_s + MARGIN_S,
        )
        try:
            finished = sender.send(self._spans(publisher))
        except Rejected as error:
            if error.code == "empty_file" and run.progress.cursor.row == 0:
                return True
            raise
        return finished

    def _spans(self, publisher: Publisher) -> Iterator[Prepared]:
        drop, kind, progress = self.work.drop, self.located.kind, self.held.run.progress
        source = S3Source.of(self.clients.s3, drop.bucket, drop.key, drop.version_id)
        if progress.etag not in ("", source.etag):
            raise Rejected(
                "object_changed", "the object's bytes are not those this run began with; nothing more is sent"
            )
        reader = open_drop(source, single=kind.single)
        mapped = map_columns(publisher.table, reader.header, kind)
        self._keys = tuple(field.key for _, field in mapped.fields)
        with self.held.lock:
            progress.etag, progress.format = source.etag, reader.format
            progress.columns, progress.ignored_columns = dict(mapped.used), list(mapped.ignored)
        batcher = Batcher(
            fields=mapped.fields,
            context=self.settings.context,
            hashed=kind.hashed,
            max_rows=min(self.settings.max_rows_per_request or sys.maxsize, publisher.limits.max_rows),
            groups=publisher.groups,
        )
        if kind.hashed and not progress.screened_whole:
            self._screen(reader, mapped.fields, publisher.limits.timeout_s)
        yield from batcher.spans(reader.chunks(progress.cursor), progress.cursor, frozenset(progress.ahead))

    def _screen(self, reader: DropReader, fields: Sequence[tuple[int, Field]], timeout_s: float) -> None:
        """Look a hashed drop through for values in clear; raises OutOfTime when that takes another invocation."""
        progress = self.held.run.progress
        reached, whole = screen(
            reader.chunks(progress.screened),
            progress.screened,
            fields=fields,
            context=self.settings.context,
            may_go_on=lambda: self._keep_and_may_go_on(timeout_s),
        )
        with self.held.lock:
            progress.screened, progress.screened_whole = reached, whole
            self.held.save()
        if not whole:
            raise OutOfTime("out_of_time", "the drop is still being looked through", after_s=1)

    def _keep_and_may_go_on(self, timeout_s: float) -> bool:
        self.held.keep(timeout_s + MARGIN_S)
        return self.time_left_s() > timeout_s + MARGIN_S

    def _opened(self, exchange: Exchange) -> Opened:
        """Give the audience at the platform; found or created once, then remembered by the run."""
        run = self.held.run
        if run.opened is None:
            audience, keys = self.identity.audience, self._keys
            opened = exchange.converse(lambda one: one.open(audience, keys))
            with self.held.lock:
                run.opened = opened
                self.held.save()
        return run.opened

    def _close(self, exchange: Exchange) -> State:
        """Check that every row is accounted for, and let the platform finish."""
        progress, opened, audience = self.held.run.progress, self.held.run.opened, self.identity.audience
        if progress.rows_settled != progress.cursor.row:
            raise Rejected(
                "sums_differ",
                f"{progress.cursor.row} rows were read and {progress.rows_settled} are accounted for",
            )
        if progress.cursor.row == 0:
            return self._finish(State.EMPTY, {})
        if opened is None:
            raise Rejected("all_rows_rejected", "no row has anything the platform could match; see the rejects")
        handles = [handle for _, handle in sorted(progress.handles.items())]
        return self._closed(exchange.converse(lambda one: one.close(audience, opened, handles)))

    def _closed(self, closed: Closed) -> State:
        run = self.held.run
        if closed.opened is not None:
            run.opened = closed.opened
        if closed.unfinished:
            return self._wait(
                Retryable("pending", "the platform takes the rest of the upload later", after_s=closed.after_s)
            )
        if not closed.pending:
            return self._finish(State.APPLIED, closed.notes)
        first = run.state is not State.ACCEPTED
        run.state, run.progress.closed = State.ACCEPTED, True
        if first:
            self._write_receipt(closed.notes)
        return self._wait(Retryable("pending", "the platform is processing what it took", after_s=closed.after_s))

    def _check_deadline(self) -> None:
        if self.clock() - self.held.run.started_at > self.settings.deadline_s:
            hours = self.settings.deadline_s / 3600
            raise Rejected("deadline", f"the run did not end within {hours:g} hours; redrive it to go on")

    def _continue(self) -> State:
        """Send oneself the next message, because time is up."""
        run = self.held.run
        moved = run.progress.work_done > self._done_before
        run.no_progress = 0 if moved else run.no_progress + 1
        if run.no_progress > NO_PROGRESS_MAX:
            return self._stop(
                State.FAILED,
                Rejected("no_progress", f"{NO_PROGRESS_MAX} invocations in a row acknowledged nothing"),
            )
        run.not_before = 0.0
        return self._hand_on(State.ACCEPTED if run.progress.closed else State.RUNNING, 1)

    def _wait(self, error: Retryable) -> State:
        """Come back later: after the wait the platform asked for, or a growing one after a fault."""
        run = self.held.run
        wait_s = error.after_s
        if error.code not in WAITS:
            moved = run.progress.work_done > self._done_before
            run.no_progress = 0 if moved else run.no_progress + 1
            if run.no_progress > NO_PROGRESS_MAX:
                return self._stop(State.FAILED, Rejected(error.code, f"{error.sentence}; given up"))
            wait_s = max(wait_s, min(MAX_DELAY_S, 5.0 * 2**run.no_progress))
        run.code, run.sentence = error.code, error.sentence
        run.not_before = self.clock() + wait_s
        if self.clock() - run.started_at > self.settings.deadline_s:
            return self._stop(State.FAILED, Rejected("deadline", f"waited too long; last: {error.sentence}"))
        state = State.ACCEPTED if run.progress.closed else State.WAITING
        return self._hand_on(state, wait_s)

    def _hand_on(self, state: State, wait_s: float) -> State:
        """Queue the continuation, then release the lease.

        In this order: a crash between the two leaves two messages, of which the lease lets one work, where the
        other order would leave none. Who lost the lease says nothing at all, so the ledger is written first, too.
        """
        run = self.held.run
        run.state = state
        self._note_time()
        self.held.save()
        if state is not State.ACCEPTED:
            self._write_receipt({})
        self.clients.sqs.send_message(
            QueueUrl=self.settings.queue_url,
            MessageBody=self.work.continuation(),
            DelaySeconds=max(1, min(MAX_DELAY_S, round(wait_s))),
        )
        if run.opened is not None:
            with suppress(NotYourTurn):  # it waited so long for its turn that it has none to keep
                self.turns.take(self.identity.audience, self.identity.run_id, for_s=wait_s + 3600)
        self.held.save(release=True)
        return state

    def _stop(self, state: State, error: ActivationError) -> State:
        """End for now: the receipt says why, people hear of it, and the message waits in the dead letters."""
        run = self.held.run
        self.held.save()  # raises LeaseLost: what follows is for the run's holder alone to say
        run.state, run.code, run.sentence = state, error.code, error.sentence
        run.not_before, run.no_progress = 0.0, 0
        self._note_time()
        receipt = self._write_receipt({})
        notices.announce(self.clients.events, self.settings.event_bus_name, state, receipt, f"{self._stem}.json")
        self.clients.bury(self.settings.dead_letter_queue_url, self.work, error, self.identity.run_id)
        self.held.save(release=True)
        self.turns.give_up(self.identity.audience, self.identity.run_id)
        return state

    def _finish(self, state: State, notes: Mapping[str, str]) -> State:
        run = self.held.run
        self.held.save()  # raises LeaseLost: what follows is for the run's holder alone to say
        run.state, run.not_before = state, 0.0
        self._note_time()
        receipt = self._write_receipt(notes)
        notices.announce(self.clients.events, self.settings.event_bus_name, state, receipt, f"{self._stem}.json")
        self.held.save(release=True)
        self.turns.give_up(self.identity.audience, self.identity.run_id)
        self._rejects.remove_parts()
        return state

    def _note_time(self) -> None:
        now = self.clock()
        self.held.run.progress.active_s += now - self._began
        self._began = now

    def _write_receipt(self, notes: Mapping[str, str]) -> dict[str, Any]:
        run = self.held.run
        ended = run.state not in (State.RUNNING, State.WAITING)
        listed = ended and self._rejects.put_together() > 0
        some = run.progress.rejected_by_us.total() + run.progress.rejected_by_platform.total() > 0
        receipt = receipts.compose(
            self.identity,
            run,
            account=self._account_id(),
            now=self.clock(),
            rejects_key=self._rejects.key if listed or (ended and some) else None,
            notes=notes,
        )
        receipts.write(self.clients.s3, self.settings.receipts_bucket, f"{self._stem}.json", receipt)
        return receipt

    def _account_id(self) -> str:
        try:
            return self.account.publisher().account
        except ActivationError:
            return self.settings.expected_account
