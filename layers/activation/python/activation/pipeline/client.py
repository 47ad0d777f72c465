"""One request to a platform until there is an outcome: throttled, retried, and never repeated blindly."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from activation.errors import ConfigError, Rejected, Retryable
from activation.pipeline.rate_limit import Governor
from activation.platforms.http import AnswerLost, Http, NotSent
from activation.platforms.outcome import Outcome, OutcomeKind, failure
from activation.platforms.publisher import Publisher
from activation.platforms.request import Request

QUICK_WAIT_S = 5.0  # a longer wait is the queue's: a Lambda that sleeps is paid for
LONGEST_WAIT_S = 3600.0  # asking once an hour does no harm, and an absurd Retry-After stops nobody for good
MAX_ATTEMPTS = 6
FIRST_BACKOFF_S = 0.2
AFTER_ALL_ATTEMPTS_S = 60.0

T = TypeVar("T")


class OutOfTime(Retryable):
    """The invocation's time does not suffice for another call; the next one goes on at once."""


@dataclass
class Effect:
    """What is known of a request's effect: `in_doubt` says that the platform may have it, unacknowledged."""

    in_doubt: bool = False


class Signing(Protocol):
    """The connector's secret, as far as requests are signed with it."""

    def sign(self, request: Request) -> tuple[Request, int]:
        """Return the request as one attempt sends it, and the number of the signer that signed it.

        Raises the core's errors.
        """
        ...

    def renew(self, refused: Request, number: int) -> None:
        """Get other credentials than those of a signed request that the platform has refused.

        `number` is what `sign` returned with it. Does nothing when another thread has replaced them since.
        Raises ConfigError when there are none, or the renewed ones were refused as well.
        """
        ...


@dataclass(frozen=True)
class Exchange:
    """Sends requests for one run.

    `publisher` judges the answers. `signing` adds the authentication to each attempt. `governor` says when the
    account may be asked. `timeout_s` is how long a connection may be silent. `time_left_s` is what the invocation
    has left for calls; `keep_lease` is called before each request and raises when the run was taken over;
    `note_sent` is told each request's bytes and whether it carried members that the platform may have had
    already. `sleep` takes seconds.
    """

    publisher: Publisher
    signing: Signing
    http: Http
    governor: Governor
    timeout_s: float
    time_left_s: Callable[[], float]
    keep_lease: Callable[[], None]
    note_sent: Callable[[int, bool], None]
    sleep: Callable[[float], None] = time.sleep

    def converse(self, talk: Generator[Request, Outcome, T]) -> T:
        """Hold a publisher's conversation to its end.

        Raises Retryable, Rejected or ConfigError, as the outcome of the call it cannot do without.
        """
        try:
            request = next(talk)
            while True:
                outcome = self.perform(request)
                if outcome.kind in (OutcomeKind.STOP, OutcomeKind.REJECTED):
                    raise failure(outcome)  # nobody but the platform could answer these well
                request = talk.send(outcome)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            talk.close()

    def perform(
        self,
        request: Request,
        arrived: Callable[[], Request | None] = lambda: None,
        *,
        effect: Effect | None = None,
    ) -> Outcome:
        """Send one request, again where that helps and does no harm, and return its outcome.

        `arrived` returns the question whether the request had arrived when its answer is lost; with `effect` in
        doubt it is asked before the first sending. `effect` is kept up to date, also when something is raised.
        Raises Retryable when waiting is longer than an invocation should, ConfigError, Rejected.
        """
        effect = effect or Effect()
        alike = 0  # how many answers in a row were of the kind that is asked for a few times only
        for attempt in range(MAX_ATTEMPTS):
            if effect.in_doubt and (question := arrived()) is not None:
                known = self._arrived(question)
                if known is not None and known.value is not False:
                    return known
                effect.in_doubt = known is None
            outcome = self._once(request, effect)
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

    def _arrived(self, question: Request) -> Outcome | None:
        """Ask whether the upload is there already.

        Returns an outcome whose value is False, or True or the upload's handle; None when nobody can tell.
        """
        for attempt in range(MAX_ATTEMPTS):
            outcome = self._once(question, Effect())
            if isinstance(outcome.value, bool | str):
                return outcome
            if outcome.kind not in (OutcomeKind.RETRY, OutcomeKind.UNKNOWN, OutcomeKind.REFRESH_AUTH):
                return None
            if outcome.kind is not OutcomeKind.REFRESH_AUTH:
                self._pause(outcome, attempt)
        return None

    def _once(self, request: Request, effect: Effect) -> Outcome:
        """Wait until the account may be asked, sign, send, and say what came back.

        A refused token is renewed here; what cannot be renewed is raised.
        """
        while (wait_s := self.governor.wait_s(uploads=request.rows > 0)) > 0:
            self._wait(wait_s, "throttled", "the ad account's rate limit is reached")
        try:
            self._check_time()
            signed, signer = self.signing.sign(request)  # which may ask for a token first
            self._check_time()
            self.keep_lease()
        except BaseException:
            if request.rows > 0:
                self.governor.give_back()
            raise
        repeated, effect.in_doubt = effect.in_doubt, True
        outcome = self._send(signed, effect, repeated=repeated)
        applied = outcome.kind in (OutcomeKind.OK, OutcomeKind.PARTIAL, OutcomeKind.UNKNOWN)
        if outcome.kind in (OutcomeKind.REFUSED, OutcomeKind.TOO_LARGE):
            effect.in_doubt = False  # the same request would have been refused before, too
        elif not applied:
            effect.in_doubt = repeated
        self.note_sent(request.size_bytes, repeated and applied and request.rows > 0)
        throttled = outcome.kind is OutcomeKind.RETRY and outcome.code == "throttled"
        if outcome.after_s > 0 and (throttled or outcome.kind in (OutcomeKind.OK, OutcomeKind.PARTIAL)):
            self.governor.hold(outcome.after_s)
        if outcome.kind is OutcomeKind.REFRESH_AUTH:
            self.signing.renew(signed, signer)
        return outcome

    def _check_time(self) -> None:
        if self.time_left_s() < self.timeout_s:
            raise OutOfTime("out_of_time", "the invocation has no time for another call", after_s=1)

    def _send(self, signed: Request, effect: Effect, *, repeated: bool) -> Outcome:
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
        # An answer that may come a few times only is waited for here, since the queue would not count it.
        longest_s = QUICK_WAIT_S if outcome.attempts_max else LONGEST_WAIT_S
        return replace(outcome, after_s=min(max(outcome.after_s, 0.0), longest_s))

    def _pause(self, outcome: Outcome, attempt: int) -> None:
        """Wait before the next attempt: as long as the platform said, else with growing, jittered steps.

        Raises Retryable where that is too long, and when there is no next attempt.
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
        if wait_s > QUICK_WAIT_S or wait_s > self.time_left_s():
            raise Retryable(code, sentence, after_s=wait_s)
        self.sleep(wait_s)


def _gave_up(outcome: Outcome) -> Retryable:
    code, reason = outcome.code or "no_answer", outcome.reason or "the platform did not answer"
    return Retryable(code, reason, after_s=max(outcome.after_s, AFTER_ALL_ATTEMPTS_S))
