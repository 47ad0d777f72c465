"""SQS redrive: StartMessageMoveTask, ListMessageMoveTasks and CancelMessageMoveTask."""

from __future__ import annotations

import base64
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from ministack.core.responses import get_account_id, get_region, new_uuid, request_scope
from ministack.services import sqs

from sandbox.emulator.hook import Hook, Table

_ACTIONS = Table("ministack.services.sqs", "_HANDLERS", ("SendMessage",))

HOOKS: tuple[Hook | Table, ...] = (
    _ACTIONS,
    Hook("ministack.services.sqs", "_queue_by_arn", ("arn",)),
    Hook("ministack.services.sqs", "_ensure_msg_fields", ("m",)),
)

# A move resets these attributes: the message counts as new in the queue it is moved to.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
# (read 2026-11-22)
_OF_THE_OLD_MESSAGE = (
    "receipt_handle",
    "first_receive_at",
    "enqueued_at",
    "arrived_at",
    "received_before",
    "dedup_id",
    "seq",
)


@dataclass
class _Task:
    source: str
    destination: str
    per_second: int
    account: str
    region: str
    to_move: int
    handle: str = ""
    started_ms: int = field(default_factory=lambda: int(time.time() * 1000))
    status: str = "RUNNING"
    moved: int = 0
    reason: str = ""


_tasks: list[_Task] = []
_lock = threading.Lock()


def install() -> None:
    """Add the three actions."""
    _ACTIONS.entries().update(
        StartMessageMoveTask=_start, ListMessageMoveTasks=_list, CancelMessageMoveTask=_cancel
    )


def _is_dead_letter_queue(arn: str) -> bool:
    policies = (queue["attributes"].get("RedrivePolicy") for queue in sqs._queues.values())
    return any(policy and json.loads(policy).get("deadLetterTargetArn") == arn for policy in policies)


def _start(data: dict[str, Any], _queue_url: str) -> dict[str, Any]:
    source, destination = data.get("SourceArn", ""), data.get("DestinationArn") or ""
    queue = sqs._queue_by_arn(source)
    if queue is None or (destination and sqs._queue_by_arn(destination) is None):
        raise sqs._Err("ResourceNotFoundException", "The resource that you specified doesn't exist.", 404)
    if not _is_dead_letter_queue(source):
        raise sqs._Err("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")
    task = _Task(
        source=source,
        destination=destination,
        per_second=int(data.get("MaxNumberOfMessagesPerSecond") or 0),
        account=get_account_id(),
        region=get_region(),
        to_move=len(queue["messages"]),
    )
    task.handle = base64.b64encode(json.dumps({"taskId": new_uuid(), "sourceArn": source}).encode()).decode()
    with _lock:
        if any(one.source == source and one.status == "RUNNING" for one in _tasks):
            raise sqs._Err("UnsupportedOperation", "There is already a task running for this queue.")
        _tasks.append(task)
    if task.per_second:
        threading.Thread(target=_move, args=(task,), daemon=True, name="message-move-task").start()
    else:
        _move(task)  # on the event loop, so that no other API call touches the queues meanwhile
    return {"TaskHandle": task.handle}


def _move(task: _Task) -> None:
    with request_scope(task.account, task.region):
        while task.status == "RUNNING":
            with sqs._queues_lock:
                if not _move_one(task):
                    break
            if task.per_second:
                time.sleep(1 / task.per_second)
        if task.status == "CANCELLING":
            task.status = "CANCELLED"
        elif task.status == "RUNNING":
            task.status = "COMPLETED"


def _move_one(task: _Task) -> bool:
    source = sqs._queue_by_arn(task.source)
    now = time.time()
    message = next((one for one in source["messages"] if one["visible_at"] <= now), None) if source else None
    if source is None or message is None:
        return False
    destination_arn = task.destination or message.get("sys", {}).get("DeadLetterQueueSourceArn", "")
    destination = sqs._queue_by_arn(destination_arn)
    if destination is None:
        task.status, task.reason = "FAILED", "CouldNotDetermineMessageSource"
        return False
    moved = {name: value for name, value in message.items() if name not in _OF_THE_OLD_MESSAGE}
    moved.update(id=new_uuid(), sent_at=now, visible_at=now, receive_count=0)
    moved["sys"] = {
        **{name: text for name, text in message["sys"].items() if name != "DeadLetterQueueSourceArn"},
        "SentTimestamp": str(int(now * 1000)),
    }
    sqs._ensure_msg_fields(moved)
    source["messages"].remove(message)
    destination["messages"].append(moved)
    sqs.esm_wake.set()
    task.moved += 1
    return True


def _list(data: dict[str, Any], _queue_url: str) -> dict[str, Any]:
    newest_first = [task for task in reversed(_tasks) if task.source == data.get("SourceArn")]
    return {"Results": [_described(task) for task in newest_first[: int(data.get("MaxResults") or 1)]]}


def _described(task: _Task) -> dict[str, Any]:
    described: dict[str, Any] = {
        "Status": task.status,
        "SourceArn": task.source,
        "ApproximateNumberOfMessagesMoved": task.moved,
        "ApproximateNumberOfMessagesToMove": task.to_move,
        "StartedTimestamp": task.started_ms,
    }
    if task.destination:
        described["DestinationArn"] = task.destination
    if task.per_second:
        described["MaxNumberOfMessagesPerSecond"] = task.per_second
    if task.status == "RUNNING":
        described["TaskHandle"] = task.handle  # only present while the task can still be cancelled
    if task.reason:
        described["FailureReason"] = task.reason
    return described


def _cancel(data: dict[str, Any], _queue_url: str) -> dict[str, Any]:
    for task in _tasks:
        if task.handle == data.get("TaskHandle") and task.status == "RUNNING":
            task.status = "CANCELLING"
            return {"ApproximateNumberOfMessagesMoved": task.moved}
    raise sqs._Err("ResourceNotFoundException", "The task doesn't exist or is not running.", 404)
