"""Requests to a platform: paced by its rate limit, retried, and repeated only where that is safe."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from threading import Thread
from typing import Protocol, TypeVar

from activation.errors import ConfigError, Rejected, Retryable
from activation.ledger.units import LeftOutCells
from activation.pipeline.kept_reads import KeptReads
from activation.pipeline.rate_limit import RateLimit
from activation.platforms.http import AnswerLost, Http, NotSent
from activation.platforms.outcome import Outcome, OutcomeKind, failure
from activation.platforms.publisher import Publisher
from activation.platforms.request import Request

QUICK_WAIT_S = 5.0  # the longest wait within an invocation, which is billed; the queue does longer ones
LONGEST_WAIT_S = 3600.0  # a cap on Retry-After: one request an hour does no harm
MAX_ATTEMPTS = 6
FIRST_BACKOFF_S = 0.2
AFTER_ALL_ATTEMPTS_S = 60.0
HOLDS = (OutcomeKind.OK, OutcomeKind.PARTIAL, OutcomeKind.STOP)  # whose wait is for every call of the account

T = TypeVar("T")


class OutOfTime(Retryable):
    """The invocation has no time left for another call; the next invocation continues at once."""


@dataclass
class Effect:
    """What is known of a request's effect.

    With `in_doubt`, the platform may have applied it unacknowledged. `left_out` are cells taken out of it.
    `check` is called before each attempt, and raises where the request must not be sent as it is any more.
    """

    in_doubt: bool = False
    left_out: LeftOutCells = field(default_factory=dict)
    check: Callable[[], None] = lambda: None


class Signing(Protocol):
    """What signs requests: the connector's secret."""

    def sign(self, request: Request) -> tuple[Request, int]:
        """Return the request as one attempt sends it, and the number of the signer that signed it.

        Raises the core's errors.
        """
        ...

    def renew(self, refused: Request, number: int) -> None:
        """Replace the credentials that the platform refused.

        `refused` is the signed request and `number` what `sign` returned with it. Does nothing when another thread
        has replaced the credentials since. Raises ConfigError when there are no others, or they were refused too.
        """
        ...


class Worker(Protocol):
    """Who sends the requests: an invocation, with its time, its lease on the run's record and its counts."""

    def time_for_calls_s(self) -> float:
        """Return the seconds left for calls."""
        ...

    def keep_lease(self) -> None:
        """Renew the lease where it may end during a call; raises LeaseLost when another worker holds the run."""
        ...

    def note_sent(self, size_bytes: int, repeated: bool) -> None:
        """Count a request that was sent; `repeated` says that the platform may already have had its members."""
        ...

    def note_answer(self, seconds: float, *, throttled: bool) -> None:
        """Count how long the platform took for a request, and whether its answer limits the rate of requests."""
        ...

    def note_repeat(self, rows: int) -> None:
        """Count rows that are about to be sent although the platform may have them; below 0, those it had not."""
        ...


@dataclass(frozen=True)
class PlatformClient:
    """Sends one run's requests to its platform.

    `publisher` classifies the answers. `signing` authenticates each attempt. `http` carries it. `rate_limit` says
    when the account may be asked. `timeout_s` is how many seconds a connection may be silent. `worker` is who
    sends: its lease is kept before each request, and each request is noted after it. `sleep` takes seconds.
    `reads` is what `look` has read.
    """

    publisher: Publisher
    signing: Signing
    http: Http
    rate_limit: RateLimit
    timeout_s: float
    worker: Worker
    sleep: Callable[[float], None] = time.sleep
    reads: KeptReads = field(default_factory=KeptReads, repr=False)

    @property
    def has_time(self) -> bool:
        """Return whether the invocation has time for another upload."""
        return self.worker.time_for_calls_s() > self.timeout_s

    def execute(self, conversation: Generator[Request, Outcome, T]) -> T:
        """Send the requests that a publisher's generator yields, and return the generator's result.

        Each outcome is sent back into the generator. One that no further request can mend (`stop`, `rejected`) is
        raised instead, as ConfigError or Rejected; so is what `send` raises.
        """
        return self._execute(conversation, self.send)

    def look(self, conversation: Generator[Request, Outcome, T]) -> T:
        """Do the same, and keep what is read for an `open` that follows within seconds."""

        def send(request: Request) -> Outcome:
            outcome = self.reads.take(request) or self.send(request)
            self.reads.keep(request, outcome)
            return outcome

        return self._execute(conversation, send)

    def open(self, conversation: Generator[Request, Outcome, T]) -> T:
        """Do the same without asking again what `look` has just read."""
        return self._execute(conversation, lambda request: self.reads.take(request) or self.send(request))

    @contextmanager
    def looking_ahead(self, conversation: Generator[Request, Outcome, object]) -> Iterator[None]:
        """Read in a thread what `look` or `open` will ask for in the block; both wait for what it is reading.

        It must only read. What it raises is not raised here: who asks next asks the platform again.
        """

        def send(request: Request) -> Outcome:
            outcome = self.send(request)
            self.reads.keep(request, outcome)
            return outcome

        def read() -> None:
            with suppress(Exception):  # whatever it is, who asks next finds it out, and says it
                self._execute(conversation, send)

        thread = Thread(target=read, name="look-ahead", daemon=True)
        self.reads.coming(thread)
        thread.start()
        try:
            yield
        finally:
            thread.join()  # it must not renew the lease of a run that was left

    def _execute(self, conversation: Generator[Request, Outcome, T], send: Callable[[Request], Outcome]) -> T:
        try:
            request = next(conversation)
            while True:
                outcome = send(request)
                if outcome.kind in (OutcomeKind.STOP, OutcomeKind.REJECTED):
                    raise failure(outcome)  # no further request can mend these
                request = conversation.send(outcome)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            conversation.close()

    def send(
        self,
        request: Request,
        arrived: Callable[[], Request | None] = lambda: None,
        *,
        effect: Effect | None = None,
    ) -> Outcome:
        """Send one request, repeated where that is safe and may help, and return its outcome.

        `arrived` returns the request that asks whether this one reached the platform, None where that cannot be
        asked; it is sent when the answer is lost, and first of all when `effect` is in doubt. `effect` is kept up
        to date, even when something is raised.

        Raises Retryable when the wait is longer than an invocation should sleep or the attempts are used up,
        ConfigError and Rejected.
        """
        effect = effect or Effect()
        alike = 0  # how many answers in a row were of a kind that is repeated a few times only
        for attempt in range(MAX_ATTEMPTS):
            if effect.in_doubt and (question := arrived()) is not None:
                known = self._ask_arrived(question)
                if known is not None and known.value is not False:
                    return known
                effect.in_doubt = known is None
            outcome = self._attempt(request, effect)
            alike = alike + 1 if outcome.attempts_max else 0
            if outcome.attempts_max and alike >= min(outcome.attempts_max, MAX_ATTEMPTS - 1):
                raise Rejected(outcome.code or outcome.kind.value, outcome.reason)
            match outcome.kind:
                case OutcomeKind.RETRY:
                    self._pause(outcome, attempt)
                case OutcomeKind.UNKNOWN:
                    if not request.repeatable:
                        return outcome
                    self._pause(outcome, attempt)
                case OutcomeKind.REFRESH_AUTH:
                    continue  # signed with other credentials by now
                case _:
                    return outcome
        raise _gave_up(outcome)

    def _ask_arrived(self, question: Request) -> Outcome | None:
        """Ask the platform whether an upload has arrived.

        Return an outcome whose value is False, True or the upload's handle; None when the platform cannot tell.
        """
        for attempt in range(MAX_ATTEMPTS):
            outcome = self._attempt(question, Effect())
            if isinstance(outcome.value, bool | str):
                return outcome
            if outcome.kind not in (OutcomeKind.RETRY, OutcomeKind.UNKNOWN, OutcomeKind.REFRESH_AUTH):
                return None
            if outcome.kind is not OutcomeKind.REFRESH_AUTH:
                self._pause(outcome, attempt)
        return None

    def _attempt(self, request: Request, effect: Effect) -> Outcome:
        """Wait until the account may be asked, then sign and send the request, and return its outcome.

        A refused token is renewed here; ConfigError when it cannot be.
        """
        while (wait_s := self.rate_limit.wait_s(uploads=request.rows > 0)) > 0:
            self._wait(wait_s, "throttled", "the ad account's rate limit is reached")
        try:
            self._check_time()
            signed, signer = self.signing.sign(request)  # which may ask for a token first
            self._check_time()
            self.worker.keep_lease()
            effect.check()
            if effect.in_doubt:
                self.worker.note_repeat(request.rows)
        except BaseException:
            if request.rows > 0:
                self.rate_limit.give_back()
            raise
        repeated, effect.in_doubt = effect.in_doubt, True
        began = time.perf_counter()
        outcome = self._send_signed(signed, effect, repeated=repeated)
        throttled = outcome.kind is OutcomeKind.RETRY and outcome.code == "throttled"
        self.worker.note_answer(time.perf_counter() - began, throttled=throttled)
        applied = outcome.kind in (OutcomeKind.OK, OutcomeKind.PARTIAL, OutcomeKind.UNKNOWN)
        if outcome.kind in (OutcomeKind.REFUSED, OutcomeKind.TOO_LARGE):
            effect.in_doubt = False  # the same request would have been refused before, too
        elif not applied:
            effect.in_doubt = repeated
        if repeated and not applied:
            self.worker.note_repeat(-request.rows)
        self.worker.note_sent(request.size_bytes, repeated and applied and request.rows > 0)
        if outcome.tier:
            self.rate_limit.keep_to(outcome.tier)
        if outcome.after_s > 0 and (throttled or outcome.kind in HOLDS):
            self.rate_limit.hold(outcome.after_s)
        if outcome.kind is OutcomeKind.REFRESH_AUTH:
            self._renew(signed, signer, outcome)
        return outcome

    def _renew(self, refused: Request, signer: int, outcome: Outcome) -> None:
        try:
            self.signing.renew(refused, signer)
        except ConfigError as error:
            if error.code != outcome.code:
                raise
            raise failure(
                outcome
            ) from None  # no other token is there, and the platform knows why this one is none

    def _check_time(self) -> None:
        if self.worker.time_for_calls_s() < self.timeout_s:
            raise OutOfTime("out_of_time", "the invocation has no time for another call", after_s=1)

    def _send_signed(self, signed: Request, effect: Effect, *, repeated: bool) -> Outcome:
        try:
            answer = self.http.send(signed, timeout_s=self.timeout_s)
        except NotSent:
            return Outcome(OutcomeKind.RETRY, code="not_reached", reason="the platform could not be reached")
        except AnswerLost:
            return Outcome(
                OutcomeKind.UNKNOWN, code="answer_lost", reason="the connection broke before the platform answered"
            )
        except ConfigError:
            effect.in_doubt = repeated
            raise
        outcome = self.publisher.classify(signed, answer)
        # An answer with a limit on its repetitions is waited for here: they are counted in this invocation only.
        longest_s = QUICK_WAIT_S if outcome.attempts_max else LONGEST_WAIT_S
        return replace(outcome, after_s=min(max(outcome.after_s, 0.0), longest_s))

    def _pause(self, outcome: Outcome, attempt: int) -> None:
        """Wait before the next attempt: as long as the platform asked, else exponential backoff with jitter.

        Raises Retryable when that is too long for an invocation, and when the attempts are used up.
        """
        if attempt + 1 == MAX_ATTEMPTS:
            raise _gave_up(outcome)
        backoff_s = FIRST_BACKOFF_S * 2**attempt * random.uniform(0.5, 1.0)  # noqa: S311  jitter, not a secret
        self._wait(
            max(outcome.after_s, backoff_s),
            outcome.code or "no_answer",
            outcome.reason or "the platform asked to wait",
        )

    def _wait(self, wait_s: float, code: str, sentence: str) -> None:
        if wait_s > QUICK_WAIT_S or wait_s > self.worker.time_for_calls_s():
            raise Retryable(code, sentence, after_s=wait_s)
        self.sleep(wait_s)


def _gave_up(outcome: Outcome) -> Retryable:
    code, reason = outcome.code or "no_answer", outcome.reason or "the platform did not answer"
    return Retryable(code, reason, after_s=max(outcome.after_s, AFTER_ALL_ATTEMPTS_S))
