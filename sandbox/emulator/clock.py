"""The sandbox's clock over HTTP: what takes hours on AWS happens here without waiting.

`POST /_clock` with `{"advance_s": n}` moves the clock ahead, `GET /_clock` returns its time and what the queues
are waiting for. A dead worker costs half an hour of visibility timeout on AWS, and a busy platform a delay; here
nobody has to wait for them. Queues, schedules of EventBridge and its Scheduler, metrics and alarms follow this
clock; functions, and the times that they store, follow the machine's.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import lambda_svc, sqs

from sandbox.emulator.asgi import Receive, Scope, Send, send_json, whole_body
from sandbox.emulator.environment import ACCOUNT, REGION
from sandbox.emulator.hook import Hook, Table

PATH = "/_clock"

HOOKS: tuple[Hook | Table, ...] = (
    Hook("ministack.services.sqs", "_collect_msgs", ("q", "max_n", "vis_timeout")),
    Hook("ministack.services.sqs", "_ensure_msg_fields", ("m",)),
    Hook("ministack.core.responses", "request_scope", ("account_id", "region")),
    Table("ministack.services.lambda_svc", "_esm_inflight"),
)

# When a message is shown next, was sent, and came into this queue: from the second one, retention counts.
_MESSAGE_TIMES = {"visible_at", "sent_at", "arrived_at"}

_ahead_s = 0.0
_objections: list[Callable[[float], str]] = []
_followers: list[Callable[[], None]] = []


def now() -> float:
    """Return the sandbox's time in seconds since 1970: the machine's, and what it was moved ahead of it."""
    return time.time() + _ahead_s


def ask_before_advancing(objection: Callable[[float], str]) -> None:
    """Let a service refuse a jump: it is given the time after it, and returns why not, "" to agree."""
    _objections.append(objection)


def follow(catch_up: Callable[[], None]) -> None:
    """Call a service after each jump, so that what it would have done in the meantime is done at once."""
    _followers.append(catch_up)


async def serve(scope: Scope, receive: Receive, send: Send) -> None:
    """Move the clock if asked to, and answer with `waits`; 400 if the request or a service says no."""
    if scope["method"] == "POST":
        try:
            seconds = float(json.loads(await whole_body(receive))["advance_s"])
        except (ValueError, TypeError, KeyError):
            await send_json(send, 400, {"error": 'send {"advance_s": seconds}'})
            return
        if refusal := next(filter(None, (objection(now() + seconds) for objection in _objections)), ""):
            await send_json(send, 400, {"error": refusal})
            return
        # In a thread: a follower may have hours to catch up with, and the emulator serves other calls meanwhile.
        await asyncio.to_thread(advance, seconds)
    await send_json(send, 200, waits())


def advance(seconds: float) -> None:
    """Move the clock ahead, and make every message that many seconds older, and visible that much earlier."""
    global _ahead_s  # noqa: PLW0603  the emulator is one process with one time
    _ahead_s += seconds
    with request_scope(ACCOUNT, REGION), sqs._queues_lock:
        for queue in sqs._queues.values():
            for message in queue["messages"]:
                sqs._ensure_msg_fields(message)
                for time_ in _MESSAGE_TIMES & message.keys():
                    message[time_] -= seconds
    for catch_up in _followers:
        catch_up()


def waits() -> dict[str, Any]:
    """Return `now`, the clock's time, `delivering`, messages in process, and `hidden`, queue URL to seconds."""
    current = time.time()  # the queues' own times are the machine's, moved by `advance`
    hidden = {}
    with request_scope(ACCOUNT, REGION), sqs._queues_lock:
        for url, queue in sqs._queues.items():
            waiting = [left for one in queue["messages"] if (left := one.get("visible_at", 0) - current) > 0]
            if waiting:
                hidden[url] = round(min(waiting), 3)
    with lambda_svc._esm_inflight_lock:
        delivering = sum(lambda_svc._esm_inflight.values())
    shown = datetime.fromtimestamp(now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"now": shown, "delivering": delivering, "hidden": hidden}
