"""One request to a platform until there is an outcome: throttled, retried, and never repeated blindly."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from activation.errors import ConfigError, Retryable
from activation.governor import Governor
from activation.http import AnswerLost, Http, NotSent
from activation.publisher import Kind, Outcome, Publisher, Request, failure

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


class Account(Protocol):
    """The connector's secret, as a publisher made from it."""

    def publisher(self) -> Publisher:
        """Give the publisher for the secret as it is known now."""
        ...

    def refresh(self, refused: Publisher) -> Publisher:
        """Read the secret once more, after the platform refused the one `refused` was made from.

        Raises ConfigError when it has not changed, or was refused again after a change.
        """
        ...


@dataclass(frozen=True)
class Exchange:
    """Sends requests for one run.

    `time_left_s` is what the invocation has left for calls; `keep_lease` is called before each request and raises
    when the run was taken over; `note_sent` is told each request's bytes and whether it carried members that the
    platform may have had already. `sleep` takes seconds.
    """

    account: Account
    http: Http
    governor: Governor
    time_left_s: Callable[[], float]
    keep_lease: Callable[[], None]
    note_sent: Callable[[int, bool], None]
    sleep: Callable[[float], None] = time.sleep

    def converse(self, talk: Callable[[Publisher], Generator[Request, Outcome, T]]) -> T:
        """Hold a publisher's conversation to its end.

        When the platform refuses the secret and a newer one is there, the conversation starts over with it.
        Raises Retryable, Rejected or ConfigError, as the outcome of the call it cannot do without.
        """
        publisher = self.account.publisher()
        while True:
            conversation = talk(publisher)
            try:
                request = next(conversation)
                while True:
                    outcome = self._ask(publisher, request)
                    if outcome.kind is Kind.REFRESH_AUTH:
                        break
                    request = conversation.send(outcome)
            except StopIteration as end:
                result: T = end.value
                return result
            finally:
                conversation.close()
            publisher = self.account.refresh(publisher)

    def _ask(self, publisher: Publisher, request: Request) -> Outcome:
        """Send a conversation's request; what nobody could answer well but the platform is raised here."""
        outcome = self.perform(lambda _: request, refresh=False, publisher=publisher)
        if outcome.kind in (Kind.STOP, Kind.REJECTED):
            raise failure(outcome)
        return outcome

    def perform(
        self,
        encode: Callable[[Publisher], Request],
        arrived: Callable[[Publisher], Request | None] | None = None,
        *,
        effect: Effect | None = None,
        refresh: bool = True,
        publisher: Publisher | None = None,
    ) -> Outcome:
        """Send one request, again where that helps and does no harm, and give its outcome.

        `encode` builds it for a publisher, again after the secret was refreshed. `arrived` builds the question
        whether it had arrived when its answer is lost; with `effect` in doubt that is asked before the first
        sending. `effect` is kept up to date, also when something is raised. With `refresh` False a refused secret
        is given back as the outcome, for the caller to start over.
        Raises Retryable when waiting is longer than an invocation should, ConfigError, Rejected.
        """
        publisher = publisher or self.account.publisher()
        effect = effect or Effect()
        for attempt in range(MAX_ATTEMPTS):
            request = encode(publisher)
            if effect.in_doubt and arrived is not None:
                known = self._arrived(publisher, arrived)
                if known is not None and known.value is True:
                    return known
                effect.in_doubt = known is None
            outcome = self._once(publisher, request, effect)
            match outcome.kind:
                case Kind.RETRY:
                    self._pause(outcome, attempt)
                case Kind.UNKNOWN:
                    if not request.repeatable:
                        return outcome
                    self._pause(outcome, attempt)
                case Kind.REFRESH_AUTH:
                    if not refresh:
                        return outcome
                    publisher = self.account.refresh(publisher)
                case _:
                    return outcome
        raise _gave_up(outcome)

    def _arrived(self, publisher: Publisher, arrived: Callable[[Publisher], Request | None]) -> Outcome | None:
        """Ask whether the batch is there already: an outcome with True or False, None when nobody can tell."""
        question = arrived(publisher)
        if question is None:
            return None
        for attempt in range(MAX_ATTEMPTS):
            outcome = self._once(publisher, question, Effect())
            if isinstance(outcome.value, bool):
                return outcome
            if outcome.kind not in (Kind.RETRY, Kind.UNKNOWN):
                return None
            self._pause(outcome, attempt)
        return None

    def _once(self, publisher: Publisher, request: Request, effect: Effect) -> Outcome:
        """Wait for the account's turn, send, and say what came back."""
        while (wait_s := self.governor.wait_s()) > 0:
            self._wait(wait_s, "throttled", "the ad account's rate limit is reached")
        if self.time_left_s() < publisher.limits.timeout_s:
            raise OutOfTime("out_of_time", "the invocation has no time for another call", after_s=1)
        self.keep_lease()
        repeated, effect.in_doubt = effect.in_doubt, True
        outcome = self._send(publisher, request, effect, repeated=repeated)
        applied = outcome.kind in (Kind.OK, Kind.PARTIAL, Kind.UNKNOWN)
        if outcome.kind in (Kind.REFUSED, Kind.TOO_LARGE):
            effect.in_doubt = False  # the same request would have been refused before, too
        elif not applied:
            effect.in_doubt = repeated
        self.note_sent(request.size_bytes, repeated and applied and request.rows > 0)
        throttled = outcome.kind is Kind.RETRY and outcome.code == "throttled"
        if outcome.after_s > 0 and (throttled or outcome.kind in (Kind.OK, Kind.PARTIAL)):
            self.governor.hold(outcome.after_s)
        return outcome

    def _send(self, publisher: Publisher, request: Request, effect: Effect, *, repeated: bool) -> Outcome:
        try:
            answer = self.http.send(request, timeout_s=publisher.limits.timeout_s)
        except NotSent:
            return Outcome(Kind.RETRY, code="not_reached", reason="the platform could not be reached")
        except AnswerLost:
            return Outcome(
                Kind.UNKNOWN, code="answer_lost", reason="the connection broke before the platform answered"
            )
        except ConfigError:
            effect.in_doubt = repeated
            raise
        outcome = publisher.classify(request, answer)
        return replace(outcome, after_s=min(max(outcome.after_s, 0.0), LONGEST_WAIT_S))

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


def must(outcome: Outcome) -> Outcome:
    """Give back an outcome that acknowledges something; raises what any other one stands for."""
    if outcome.kind in (Kind.OK, Kind.PARTIAL):
        return outcome
    raise failure(outcome)
