"""A queue's depth and the age of its oldest message, published for every minute as SQS does.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
(read 2026-11-30): depths are published of active queues, the age of those that hold a message. A message that was
received three times is not the oldest any more, and the age of one that was moved to the dead letters begins anew.
A queue counts as active for six hours after it last held a message; on AWS any call makes it so. AWS may take a
quarter of an hour for the first values of a queue that becomes active; that is not emulated.
"""

from __future__ import annotations

import json
import time
from typing import Any

from ministack.services import sqs

from sandbox.emulator import clock
from sandbox.emulator.cloudwatch.metric_names import (
    AGE_OF_OLDEST,
    MESSAGES_DELAYED,
    MESSAGES_NOT_VISIBLE,
    MESSAGES_VISIBLE,
)
from sandbox.emulator.cloudwatch.metrics import record
from sandbox.emulator.hook import Function, Hook

_SWEEP = Hook("ministack.services.sqs", "_dlq_sweep", ("q",))

HOOKS = (_SWEEP, Hook("ministack.services.sqs", "_queue_by_arn", ("arn",)))

_MINUTE_S = 60.0
_ACTIVE_S = 6 * 3600.0
_RECEIVES = 3  # from then on a message is at the queue's end, and not its oldest

_active_until: dict[str, float] = {}


def install() -> None:
    """Note when a message comes into its dead-letter queue."""
    _SWEEP.replace(_noting_arrivals)


def sample(end: float) -> None:
    """Publish the metrics of the minute that ends at this time on the sandbox's clock; it may be in the past."""
    moment = time.time() - (clock.now() - end)  # the messages' times are the machine's
    with sqs._queues_lock:
        queues = [(queue["name"], list(queue["messages"])) for queue in sqs._queues.values()]
    for name, messages in queues:
        there = [message for message in messages if message.get("sent_at", moment) <= moment]
        if there:
            _active_until[name] = end + _ACTIVE_S
        if _active_until.get(name, 0.0) > end:
            _publish(name, there, moment, end - _MINUTE_S)


def _publish(name: str, messages: list[dict[str, Any]], moment: float, at: float) -> None:
    hidden = [message for message in messages if message.get("visible_at", 0.0) > moment]
    delayed = sum(not message.get("receive_count") for message in hidden)
    record(MESSAGES_VISIBLE, len(messages) - len(hidden), name, at=at)
    record(MESSAGES_DELAYED, delayed, name, at=at)
    record(MESSAGES_NOT_VISIBLE, len(hidden) - delayed, name, at=at)
    ages = [moment - _since(message) for message in messages if _receives(message) < _RECEIVES]
    if ages:
        record(AGE_OF_OLDEST, max(ages), name, at=at)


def _since(message: dict[str, Any]) -> float:
    since: float = message.get("arrived_at", message.get("sent_at", 0.0))
    return since


def _receives(message: dict[str, Any]) -> int:
    """Return how often a message was received from the queue that it is in."""
    received: int = message.get("receive_count", 0)
    return received - int(message.get("received_before", 0))


def _noting_arrivals(original: Function) -> Function:
    def sweep(queue: dict[str, Any]) -> None:
        before = queue["messages"]
        original(queue)
        if len(queue["messages"]) == len(before):  # as nearly always, and queues are long
            return
        moved = {message["id"] for message in before} - {message["id"] for message in queue["messages"]}
        policy = json.loads(queue["attributes"]["RedrivePolicy"])
        for message in sqs._queue_by_arn(policy["deadLetterTargetArn"])["messages"]:
            if message["id"] in moved:
                message.update(arrived_at=time.time(), received_before=message["receive_count"])

    return sweep
