"""Faults on the AWS side, by request: errors, delays, lost answers, truncated bodies.

`POST /_faults` takes a list of faults and replaces the current one, `GET /_faults` returns it with how often each
was applied, `DELETE /_faults` removes all. These are the members of a fault. All are optional;
without one from `delay_s` on, it has no effect:

    service, action   which calls, as in IAM ("s3", "GetObject*"; "*" is any, and matches any)
    caller            "lambda" for the deployed functions' calls, "driver" for everybody else's
    resource          text that must occur in the call's path or body
    times, skip       how many calls it hits (none: all), after how many matching ones it lets through
    delay_s           wait so long, then go on
    status, code      answer this HTTP status and AWS error code
    drop              "before": close the connection, nothing done; "after": do it, then close without an answer
    truncate_bytes    send so many bytes of the answer's body, then close
    after             with `status`: do it, and answer the error all the same
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qs, unquote

from hypercorn.protocol.events import StreamClosed
from ministack import app as emulator
from ministack.core.iam_actions import extract_iam_action
from ministack.core.router import detect_service

from sandbox.emulator.asgi import Application, Message, Receive, Scope, Send, replay_body, send_json, whole_body
from sandbox.emulator.cloudwatch.streams import throttled
from sandbox.emulator.hook import Hook

HOOKS = (
    Hook("ministack.app", "_routing_params", ("method", "path", "headers", "body", "query_params")),
    Hook("ministack.core.router", "detect_service", ("method", "path", "headers", "query_params")),
    Hook(
        "ministack.core.iam_actions",
        "extract_iam_action",
        ("service", "method", "path", "headers", "body", "query_params"),
    ),
    Hook("hypercorn.protocol.http_stream", "StreamClosed", ("stream_id",)),
)


@dataclass
class Fault:
    """One fault as posted, and how often it matched a call and was applied."""

    service: str = "*"
    action: str = "*"
    caller: str = ""
    resource: str = ""
    times: int | None = None
    skip: int = 0
    delay_s: float = 0.0
    status: int = 0
    code: str = "InternalError"
    drop: str = ""
    truncate_bytes: int | None = None
    after: bool = False
    matched: int = 0
    applied: int = 0

    def takes(self, call: Call) -> bool:
        """Count a matching call; return whether the fault applies to it."""
        if not (
            fnmatchcase(call.service, self.service)
            and fnmatchcase(call.action, self.action)
            and self.caller in ("", call.caller)
            and self.resource in call.text
        ):
            return False
        self.matched += 1
        if self.matched <= self.skip or (self.times is not None and self.applied >= self.times):
            return False
        self.applied += 1
        return True


@dataclass(frozen=True)
class Call:
    """The properties of a request that a fault can match."""

    service: str
    action: str
    caller: str
    text: str


_NAMES = {field.name for field in fields(Fault)} - {"matched", "applied"}


def parsed(document: object) -> list[Fault]:
    """Read the posted list; raises ValueError saying what is wrong with it."""
    if not isinstance(document, list):
        raise ValueError("a list of faults is expected")
    faults = []
    for entry in document:
        unknown = set(entry) - _NAMES
        if unknown:
            raise ValueError(f"unknown members: {', '.join(sorted(unknown))}")
        fault = Fault(**entry)
        if fault.caller not in ("", "lambda", "driver") or fault.drop not in ("", "before", "after"):
            raise ValueError("caller must be lambda or driver, drop must be before or after")
        faults.append(fault)
    return faults


class FaultyApplication:
    """The emulator, with the current faults in front of it."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._faults: list[Fault] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve `/_faults`; apply to every other request the first fault that matches it."""
        if scope["type"] != "http" or (scope["path"] != "/_faults" and not self._faults):
            await self._application(scope, receive, send)
            return
        body = await whole_body(receive)
        if scope["path"] == "/_faults":
            await self._configure(scope["method"], body, send)
            return
        call = _call(scope, body)
        fault = next((one for one in self._faults if one.takes(call)), None)
        receive = replay_body(body, receive)
        if fault is None:
            await self._application(scope, receive, send)
        else:
            await self._serve_faulty(fault, call, scope, receive, send)

    async def _configure(self, method: str, body: bytes, send: Send) -> None:
        try:
            if method == "POST":
                self._faults = parsed(json.loads(body))
            elif method == "DELETE":
                self._faults = []
        except (ValueError, TypeError) as error:
            await send_json(send, 400, {"error": str(error)})
            return
        await send_json(send, 200, [asdict(fault) for fault in self._faults])

    async def _serve_faulty(self, fault: Fault, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault.drop == "after" or (fault.status and fault.after):
            await self._application(scope, receive, _discard)
        if fault.drop:
            await _hang_up(send)
        elif fault.status:
            if (call.service, fault.code) == ("firehose", "ServiceUnavailableException"):
                throttled(call.action, call.text)
            await _send_error(send, call.service, fault.status, fault.code)
        elif fault.truncate_bytes is not None:
            await self._application(scope, receive, _cut_short(send, fault.truncate_bytes))
        else:
            await self._application(scope, receive, send)


def _call(scope: Scope, body: bytes) -> Call:
    headers: dict[str, str] = {name.decode("latin-1"): text.decode("latin-1") for name, text in scope["headers"]}
    query: Mapping[str, Any] = parse_qs(scope["query_string"].decode(), keep_blank_values=True)
    method, path = scope["method"], scope["path"]
    parameters = emulator._routing_params(method, path, headers, body, query)
    service = detect_service(method, path, headers, parameters)
    action = extract_iam_action(service, method, path, headers, body, parameters) or ""
    return Call(
        service=service,
        action=action.partition(":")[2],
        caller="lambda" if "AWS_Lambda_" in headers.get("user-agent", "") else "driver",
        text=unquote(path) + "\n" + ("" if service == "s3" else body.decode("utf-8", "replace")),
    )


async def _discard(message: Message) -> None:
    """Discard an answer."""


async def _hang_up(send: Send) -> None:
    """Close the connection without the rest of the answer: ASGI has no message for that, the server has."""
    stream = send.__self__  # type: ignore[attr-defined]  # hypercorn passes its stream's own method
    stream.closed = True
    await stream.send(StreamClosed(stream_id=stream.stream_id))


def _cut_short(send: Send, allowed_bytes: int) -> Send:
    left = allowed_bytes

    async def cut(message: Message) -> None:
        nonlocal left
        if message["type"] != "http.response.body" or left < 0:
            if left >= 0:
                await send(message)
            return
        body = message.get("body", b"")
        if len(body) <= left and message.get("more_body"):
            left -= len(body)
            await send(message)
            return
        await send({**message, "body": body[:left], "more_body": True})
        left = -1
        await _hang_up(send)

    return cut


async def _send_error(send: Send, service: str, status: int, code: str) -> None:
    message = "The sandbox was told to fail this call."
    if service == "s3":
        text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        await _send_text(send, status, "application/xml", text)
    elif service in ("sns", "cloudformation", "iam", "sts", "cloudwatch", "monitoring"):
        text = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            "<RequestId>sandbox</RequestId></ErrorResponse>"
        )
        await _send_text(send, status, "text/xml", text)
    else:
        text = json.dumps({"__type": code, "message": message})
        await _send_text(send, status, "application/x-amz-json-1.0", text, (b"x-amzn-errortype", code.encode()))


async def _send_text(send: Send, status: int, kind: str, text: str, *more: tuple[bytes, bytes]) -> None:
    body = text.encode()
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode()), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
