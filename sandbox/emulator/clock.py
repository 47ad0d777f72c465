"""Control the queues' time over HTTP, so that hidden messages can become visible at once.

`POST /_clock` with `{"advance_s": n}` moves the queues' time ahead, `GET /_clock` lists what they are waiting for.
A dead worker costs half an hour of visibility timeout on AWS, and a busy platform a delay; here nobody has to wait
for them. Only the queues' time moves: times that the app stores are in its own table.
"""

from __future__ import annotations

import json
import time
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


async def serve(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the number of deliveries in progress and the seconds until queues show their next message."""
    if scope["method"] == "POST":
        try:
            seconds = float(json.loads(await whole_body(receive))["advance_s"])
        except (ValueError, TypeError, KeyError):
            await send_json(send, 400, {"error": 'send {"advance_s": seconds}'})
            return
        advance(seconds)
    await send_json(send, 200, waits())


def advance(seconds: float) -> None:
    """Make every hidden message visible that many seconds earlier."""
    with request_scope(ACCOUNT, REGION), sqs._queues_lock:
        for queue in sqs._queues.values():
            for message in queue["messages"]:
                sqs._ensure_msg_fields(message)
                message["visible_at"] -= seconds


def waits() -> dict[str, Any]:
    """Return `delivering`, the number of messages being processed, and `hidden`, queue URL to seconds."""
    now = time.time()
    hidden = {}
    with request_scope(ACCOUNT, REGION), sqs._queues_lock:
        for url, queue in sqs._queues.items():
            waiting = [left for one in queue["messages"] if (left := one.get("visible_at", 0) - now) > 0]
            if waiting:
                hidden[url] = round(min(waiting), 3)
    with lambda_svc._esm_inflight_lock:
        delivering = sum(lambda_svc._esm_inflight.values())
    return {"delivering": delivering, "hidden": hidden}
