"""Redrives, and what becomes of a batch by the function's answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.emulator.batch_answers import whole_batch_fails
from tests.unit.sandbox.emulator.driver import Emulator, until


def _source_with_dead_letters(emulator: Emulator) -> tuple[str, str, str]:
    dead_url, dead_arn = emulator.queue()
    redrive = {"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1}
    url, _ = emulator.queue(RedrivePolicy=json.dumps(redrive), VisibilityTimeout="0")
    return url, dead_url, dead_arn


def _fail_once(emulator: Emulator, url: str) -> None:
    sqs = emulator.client("sqs")
    sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)  # moves what was received once


def test_move_task_brings_dead_letters_back_as_new_messages(emulator: Emulator) -> None:
    """A redrive returns each dead letter to the queue it came from, with its receive count starting over."""
    url, dead_url, dead_arn = _source_with_dead_letters(emulator)
    sqs = emulator.client("sqs")
    for body in ("one", "two"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    _fail_once(emulator, url)
    sqs.start_message_move_task(SourceArn=dead_arn)
    until(lambda: sqs.list_message_move_tasks(SourceArn=dead_arn)["Results"][0]["Status"] == "COMPLETED")
    (task,) = sqs.list_message_move_tasks(SourceArn=dead_arn)["Results"]
    assert task["ApproximateNumberOfMessagesMoved"] == 2
    back = emulator.receive(url)
    assert sorted(message["Body"] for message in back) == ["one", "two"]
    assert {message["Attributes"]["ApproximateReceiveCount"] for message in back} == {"1"}
    assert emulator.receive(dead_url, within_s=0.1) == []


def test_move_task_is_for_dead_letter_queues_only(emulator: Emulator) -> None:
    """A queue that is nobody's dead-letter queue cannot be redriven."""
    _, arn = emulator.queue()
    with pytest.raises(ClientError, match="Dead Letter Queue"):
        emulator.client("sqs").start_message_move_task(SourceArn=arn)


@pytest.mark.parametrize(
    ("answer", "fails"),
    [
        (None, False),
        ({}, False),
        ({"batchItemFailures": None}, False),
        ({"batchItemFailures": []}, False),
        ({"batchItemFailures": [{"itemIdentifier": "a"}]}, False),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, True),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, True),
        ({"batchItemFailures": [{"id": "a"}]}, True),
        ({"batchItemFailures": [{"itemIdentifier": "unknown"}]}, True),
        ({"batchItemFailures": "a"}, True),
        ("done", True),
    ],
)
def test_malformed_answers_fail_the_whole_batch(answer: object, fails: bool) -> None:
    """Lambda's published rules decide what a partial batch answer means."""
    assert whole_batch_fails(answer, frozenset({"a", "b"})) is fails


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        ("{'batchItemFailures': None}", 0),
        ("{'batchItemFailures': [{'itemIdentifier': event['Records'][0]['messageId']}]}", 1),
        ("{'batchItemFailures': [{'itemIdentifier': ''}]}", 1),
    ],
)
def test_mapping_deletes_what_the_answer_lets_it(emulator: Emulator, answer: str, left: int) -> None:
    """The message is gone after success and still there after a failure, also a malformed one."""
    url, arn = emulator.queue(VisibilityTimeout="60")
    sqs = emulator.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="x")
    name = emulator.function(f"def handler(event, context):\n    return {answer}\n")
    mapping: dict[str, Any] = emulator.client("lambda").create_event_source_mapping(
        EventSourceArn=arn, FunctionName=name, FunctionResponseTypes=["ReportBatchItemFailures"]
    )

    def counts() -> tuple[int, int]:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        got = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return int(got[names[0]]), int(got[names[1]])

    def processed() -> bool:
        state = emulator.client("lambda").get_event_source_mapping(UUID=mapping["UUID"])
        return bool(state.get("LastProcessingResult", "No records processed") != "No records processed")

    until(processed, within_s=10)
    assert sum(counts()) == left
