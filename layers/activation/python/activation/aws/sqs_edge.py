"""The edge between a function and its queue: a message that failed is never acknowledged, and returns in time.

Imports neither Powertools nor boto3, so that it costs no cold start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from activation.aws.errors import classify
from activation.aws.lease import LeaseHeld, LeaseLost
from activation.aws.visibility import backoff_s, postpone
from activation.errors import ActivationError, Retryable, where

if TYPE_CHECKING:
    import logging

    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_sqs.client import SQSClient

RETURN_S = 60.0  # after a failure without a wait of its own; sooner than any queue's visibility timeout
HIDDEN_HEARTBEATS = 6  # so that a few that failed do no harm
LAST_HEARTBEAT_S = 2.0  # how long the end of a message waits for a heartbeat under way


class QueueWorker(Protocol):
    """Handles the messages of a function's queue. Made once per cold start."""

    @property
    def sqs(self) -> SQSClient:
        """Return the client that changes a message's visibility."""
        ...

    @property
    def queue_url(self) -> str:
        """Return the URL of the queue that the messages come from."""
        ...

    def handle(self, body: str, context: LambdaContext) -> None:
        """Handle one message; whatever is raised makes it return."""
        ...


def sqs_handler(
    make: Callable[[], QueueWorker],
    logger: Logger | logging.Logger,
    *,
    heartbeat_s: float = 0.0,
    numbered: bool = False,
) -> Callable[[Mapping[str, Any], LambdaContext], dict[str, Any]]:
    """Return a Lambda handler for batches of a queue, which reports the messages that must return.

    `make` is called at the first message, so that missing settings make that message return as any failure does. A
    failure's wait becomes the message's visibility timeout. With `heartbeat_s` a message that is being handled is
    hidden for six heartbeats at a time, so that it returns soon after its worker was killed; with 0 it is hidden
    for its queue's own timeout. `numbered` says that messages are numbered, so that one which has found another
    worker finds its work done, or that worker dead, when it returns; others may find the next worker, and wait
    longer each time.
    """
    made: list[QueueWorker] = []

    def hide(record: Mapping[str, Any], for_s: float) -> None:
        if made and (code := postpone(made[0].sqs, made[0].queue_url, [(record["receiptHandle"], for_s)])):
            logger.warning("visibility not changed", extra={"error": code})

    def is_handled(record: Mapping[str, Any], context: LambdaContext) -> bool:
        try:
            if not made:
                made.append(make())
            with _repeating(lambda: hide(record, HIDDEN_HEARTBEATS * heartbeat_s), heartbeat_s):
                made[0].handle(record["body"], context)
        except Exception as error:  # noqa: BLE001  the edge: whatever the error, the message must return
            if isinstance(error, ClientError | BotoCoreError):
                error = classify(error)
            after_s = _report(logger, error, context.get_remaining_time_in_millis() / 1000)
            if isinstance(error, ActivationError) or (isinstance(error, LeaseHeld) and not numbered):
                # Backs off, so that a message's few receives outlast an outage, or the other workers.
                after_s = backoff_s(after_s, int(record["attributes"]["ApproximateReceiveCount"]))
            hide(record, after_s)
            return False
        return True

    def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        failed = [record["messageId"] for record in event["Records"] if not is_handled(record, context)]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    return handler


@contextmanager
def _repeating(call: Callable[[], None], every_s: float) -> Iterator[None]:
    """Make a call at once and every so many seconds in a thread of its own; 0: never.

    None begins after the block. One that is under way then is waited for LAST_HEARTBEAT_S seconds, and no longer:
    with the SDK's repetitions it may take a minute and a half. `call` must not raise.
    """
    if not every_s:
        yield
        return
    ended = Event()

    def repeat() -> None:
        call()
        while not ended.wait(every_s):
            call()

    thread = Thread(target=repeat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(LAST_HEARTBEAT_S)


def _report(logger: Logger | logging.Logger, error: Exception, time_left_s: float) -> float:
    """Log why a message returns, and return the seconds until it should."""
    match error:
        case LeaseHeld():
            logger.info("another worker holds the lease", extra={"for_s": round(error.for_s)})
            return error.for_s + time_left_s
        case LeaseLost():
            logger.warning("another worker acquired the lease")
        case ActivationError():
            logger.error("the message could not be handled", extra={"code": error.code, "why": error.sentence})
            return error.after_s if isinstance(error, Retryable) else RETURN_S
        case _:
            logger.error("unexpected error", extra={"error": type(error).__name__, "at": where(error)})
    return RETURN_S
