"""The edge between a function and its queue."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Semaphore
from typing import Any

import pytest
from activation.aws.lease import LeaseHeld
from activation.aws.sqs_edge import HIDDEN_HEARTBEATS, RETURN_S, sqs_handler
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError


@dataclass
class Worker:
    """A queue's worker and the client of its queue in one."""

    work: Callable[[str], None]

    def __post_init__(self) -> None:
        self.hidden: list[tuple[str, int]] = []
        self.beats = Semaphore(0)

    @property
    def sqs(self) -> Any:
        """Return the client."""
        return self

    @property
    def queue_url(self) -> str:
        """Return an address."""
        return "url"

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        """Hide messages."""
        self.hidden += [(one["ReceiptHandle"], one["VisibilityTimeout"]) for one in Entries]
        self.beats.release()
        return {}

    def handle(self, body: str, context: LambdaContext) -> None:
        """Do the work."""
        self.work(body)


class Context(LambdaContext):
    """Lambda's, with time enough."""

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        """Return what is left of the invocation."""
        return 300_000


def event(*bodies: str, receives: int = 1) -> dict[str, Any]:
    """Write a batch as Lambda hands it over."""
    attributes = {"ApproximateReceiveCount": str(receives)}
    return {
        "Records": [
            {"messageId": f"m-{body}", "receiptHandle": f"r-{body}", "body": body, "attributes": attributes}
            for body in bodies
        ]
    }


def test_one_message_that_failed_returns_alone() -> None:
    """The others of its batch are done."""

    def work(body: str) -> None:
        if body == "b":
            raise ValueError(body)

    worker = Worker(work)
    handler = sqs_handler(lambda: worker, logging.getLogger("edge"))
    assert handler(event("a", "b", "c"), Context()) == {"batchItemFailures": [{"itemIdentifier": "m-b"}]}
    assert worker.hidden == [("r-b", RETURN_S)]


@pytest.mark.parametrize(
    ("code", "status", "says", "returns_s"),
    [("ThrottlingException", 400, "aws_busy", 30), ("AccessDenied", 403, "aws_denied", RETURN_S)],
)
def test_a_failed_call_to_aws_is_told_by_the_table_of_aws_errors(
    code: str, status: int, says: str, returns_s: int, caplog: pytest.LogCaptureFixture
) -> None:
    """It is no unexpected error, wherever it came from."""

    def work(_: str) -> None:
        answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(answer, "SendMessage")

    worker = Worker(work)
    assert sqs_handler(lambda: worker, logging.getLogger("edge"))(event("a"), Context())["batchItemFailures"]
    assert caplog.records[-1].__dict__["code"] == says
    assert worker.hidden == [("r-a", returns_s)]


def test_a_message_stays_hidden_for_as_long_as_it_is_worked_on() -> None:
    """Heartbeats follow each other, and none comes after the wait of a message that failed."""

    def work(_: str) -> None:
        for _beat in range(3):
            assert worker.beats.acquire(timeout=10)
        raise ValueError

    worker = Worker(work)
    handler = sqs_handler(lambda: worker, logging.getLogger("edge"), heartbeat_s=0.5)
    assert handler(event("a"), Context())["batchItemFailures"]
    *beats, last = worker.hidden
    assert set(beats) == {("r-a", HIDDEN_HEARTBEATS / 2)}
    assert last == ("r-a", RETURN_S)


@pytest.mark.parametrize(("numbered", "returns_s"), [(True, 310), (False, 8 * 310)])
def test_a_message_that_finds_another_worker_returns_when_that_one_is_done(numbered: bool, returns_s: int) -> None:
    """Only one without a number backs off, since only it may find one worker after the other."""

    def work(_: str) -> None:
        raise LeaseHeld(10.0)

    worker = Worker(work)
    handler = sqs_handler(lambda: worker, logging.getLogger("edge"), numbered=numbered)
    assert handler(event("a", receives=4), Context())["batchItemFailures"]
    assert worker.hidden == [("r-a", returns_s)]


def test_a_heartbeat_that_hangs_does_not_hold_up_the_message() -> None:
    """The message is done although SQS has not answered yet."""
    hangs, begun, ended = Event(), Event(), Event()

    class Hanging(Worker):
        def change_message_visibility_batch(self, **_: Any) -> dict[str, Any]:
            begun.set()
            hangs.wait(20)
            ended.set()
            return {}

    worker = Hanging(lambda _: None if begun.wait(10) else pytest.fail("no heartbeat"))
    handler = sqs_handler(lambda: worker, logging.getLogger("edge"), heartbeat_s=30)
    try:
        assert handler(event("a"), Context()) == {"batchItemFailures": []}
        assert not ended.is_set()
    finally:
        hangs.set()
