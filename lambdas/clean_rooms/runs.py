"""A slot of a query, from its start to the manifest over its results; one message at a time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from activation.aws.dead_letters import send_to_dead_letters
from activation.errors import Rejected, Retryable
from activation.ledger.keys import start_key
from activation.ledger.paid_starts import PaidStart, PaidStarts, StartState, refusal
from botocore.exceptions import ClientError

from lambdas.clean_rooms.calls import IN_DOUBT, RUNNING, ProtectedQueries, ProtectedQuery, QueryStarter, Status
from lambdas.clean_rooms.messages import Hint, Slot, read_message
from lambdas.clean_rooms.queries import Query
from lambdas.clean_rooms.results import Results

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_sqs.client import SQSClient

SERVICE = "clean_rooms"  # in the keys of its records in the ledger
# Limits that pass: five queries of a membership may run at once, and AWS throttles by account.
# https://docs.aws.amazon.com/clean-rooms/latest/userguide/quotas.html, read 2026-11-30
BUSY = frozenset({"ServiceQuotaExceededException", "ThrottlingException"})
# The event of the end is a hint that may be lost, so the query is read all the same.
POLLS_S = (30, 60, 120, 300)
MOST_DELAY_S = 900  # SQS's own limit for a message
# A query is ended by AWS after 24 hours; waits for a free place come before.
MOST_TURNS = 500


@dataclass(frozen=True)
class QueryRuns:
    """What the function holds. Made once per cold start; `clock` returns Unix seconds."""

    queries: Mapping[str, Query]
    starts: PaidStarts
    calls: ProtectedQueries
    results: Results
    sqs: SQSClient
    queue_url: str
    dead_letters_url: str
    log: Logger | logging.Logger
    clock: Callable[[], float] = time.time

    def handle(self, body: str, context: LambdaContext) -> None:  # noqa: ARG002  the signature of a queue's worker
        """Handle one message; raises as `advance` does."""
        self.advance(body)

    def advance(self, body: str) -> None:
        """Start what is due, and close what has ended; send the message that continues what runs.

        What cannot succeed goes to the dead letters, whose redrive begins another attempt. Raises LeaseHeld and
        LeaseLost, ConfigError, and what the SDK raises: then the message returns.
        """
        try:
            message = read_message(body)
        except Rejected as error:
            self._bury(body, error)
            return
        if isinstance(message, Slot):
            self._continue(message)
            return
        for slot, found in self._ours(message):
            self._hinted(slot, found)

    def _continue(self, slot: Slot) -> None:
        """Take a slot one step further; bury it if it cannot succeed, else see to it that there is a next step."""
        try:
            after_s = self._stepped(slot)
            if after_s is not None:
                self._again(slot, after_s)
        except Rejected as error:
            # A redrive counts anew: one with the last turn would be buried at once.
            self._bury(replace(slot, turn=0).body, error)

    def _stepped(self, slot: Slot) -> float | None:
        """Start the query of a slot, or read it; return after how many seconds to go on, None if it has ended."""
        query = self.queries.get(slot.query)
        if query is None:
            raise Rejected("unknown_query", "the settings have no query of this name: deploy them, or let it be")
        try:
            start = self._begun(query, slot)
            if start.state is not StartState.STARTED or self._ended(query, slot, start):
                return None
        except Retryable as error:
            self.log.info("waiting", extra={"query": slot.query, "slot": slot.at, "code": error.code})
            return error.after_s
        return POLLS_S[min(slot.turn, len(POLLS_S) - 1)]

    def _begun(self, query: Query, slot: Slot) -> PaidStart:
        """Return the start of a slot, made now if nothing has made it; raises Rejected where it is in doubt."""
        key = start_key(SERVICE, query.name, slot.at)
        try:
            self._look_again(query, slot, self.starts.read(key))
            start = self.starts.begin(key, QueryStarter(self.calls, query, slot.at, self.clock), after=slot.after)
        except ClientError as error:
            raise refusal(error, busy=BUSY) from None
        except Rejected as error:
            # The redrive has to name the attempt that it repeats; a crash before it is recorded repeats this.
            attempt = self.starts.read(key).attempt
            self._bury(replace(slot, after=attempt, turn=0).body, error)
            self.starts.abandon(key, attempt, error.code)
            return self.starts.read(key)
        self.log.info("query", extra={"query": query.name, "slot": slot.at, "id": start.id, "state": start.state})
        return start

    def _look_again(self, query: Query, slot: Slot, start: PaidStart) -> None:
        """Adopt the query of an attempt in doubt, which a redrive repeats, if it is listed by now."""
        if _is_in_doubt(start) and slot.after == start.attempt:
            found = self.calls.find(query, query.prefix_of(slot.at, start.attempt), start.at)
            if found and self.starts.adopt(start, found):
                self.log.info("adopted", extra={"query": query.name, "slot": slot.at, "id": found})

    def _ended(self, query: Query, slot: Slot, start: PaidStart) -> bool:
        """Read a query, and record and close it if it has ended; return whether it has."""
        now = self.calls.read(query.membership, start.id)
        if now.status in RUNNING:
            return False
        self.log.info(
            "query ended",
            extra={"query": query.name, "slot": slot.at, "id": now.id, "status": now.status}
            | {"crpu_hours": now.crpu_hours, "error": now.error},
        )
        try:
            if now.status != Status.SUCCESS:
                raise _failure(now)
            self.results.close(query, slot.at, now)
        except Rejected as error:
            # Before the record: a crash in between repeats the letter, and never loses it.
            self._bury(replace(slot, after=start.attempt, turn=0).body, error)
            self.starts.finish(start.key, start.id, StartState.FAILED, error.code)
            return True
        self.starts.finish(start.key, start.id, StartState.SUCCEEDED)
        return True

    def _ours(self, hint: Hint) -> Iterator[tuple[Slot, ProtectedQuery]]:
        """Yield the slots that an event may be about, each with the query as Clean Rooms describes it."""
        memberships = dict.fromkeys(one.membership for one in self.queries.values())
        named = [one for one in memberships if one in hint.ids] or list(memberships)
        for membership in named:
            for id_ in hint.ids:
                found = None if id_ in memberships else self.calls.read_if_ours(membership, id_)
                if found and (slot := self._slot_of(membership, found)):
                    yield slot, found

    def _slot_of(self, membership: str, found: ProtectedQuery) -> Slot | None:
        """Return the slot that a query was started for, by where its results go; None for a query of others."""
        for query in self.queries.values():
            if (query.membership, query.bucket) == (membership, found.bucket) and (
                at := query.slot_of(found.prefix)
            ):
                return Slot(query.name, at)
        return None

    def _hinted(self, slot: Slot, found: ProtectedQuery) -> None:
        """Close the query of an event if the record of its slot names it, or adopt it if it was in doubt."""
        query = self.queries[slot.query]
        start = self.starts.read(start_key(SERVICE, slot.query, slot.at))
        if _is_in_doubt(start) and found.prefix == query.prefix_of(slot.at, start.attempt):
            # Its own message is a dead letter: one more goes on until the query has ended.
            self._again(slot, POLLS_S[0])
            if self.starts.adopt(start, found.id):
                self.log.info("adopted", extra={"query": slot.query, "slot": slot.at, "id": found.id})
            return
        if start.state is StartState.STARTED and start.id == found.id:
            self._ended(query, slot, start)

    def _again(self, slot: Slot, after_s: float) -> None:
        """Send the message that continues a slot, after a while."""
        if slot.turn >= MOST_TURNS:
            raise Rejected("deadline", "the query has neither begun nor ended for days: look at it in the console")
        delay = max(0, min(round(after_s), MOST_DELAY_S))
        body = replace(slot, turn=slot.turn + 1).body
        self.sqs.send_message(QueueUrl=self.queue_url, MessageBody=body, DelaySeconds=delay)

    def _bury(self, body: str, error: Rejected) -> None:
        """Send a message to the dead letters, with its reason."""
        self.log.error("not completed", extra={"code": error.code, "why": error.sentence})
        send_to_dead_letters(self.sqs, self.dead_letters_url, body, error)


def _is_in_doubt(start: PaidStart) -> bool:
    return (start.state, start.reason) == (StartState.FAILED, IN_DOUBT)


def _failure(now: ProtectedQuery) -> Rejected:
    """Return why a query has ended without results; the service's own message may hold parts of the query."""
    said = f" ({now.error})" if now.error else ""
    look = f"{said}: see query {now.id} in the console. Redrive to run it again, which costs"
    match now.status:
        case Status.CANCELLED:
            return Rejected("query_cancelled", f"somebody has cancelled the query{look}")
        case Status.TIMED_OUT:
            return Rejected("query_timed_out", f"the query ran for longer than Clean Rooms allows{look}")
        case _:
            return Rejected("query_failed", f"Clean Rooms could not run the query{look}")
