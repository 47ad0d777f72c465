"""The simulator behind the emulator's address: the three calls by their routes, and what a test tells it."""

from __future__ import annotations

import json
import re
import threading
import time
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import eventbridge, s3

from sandbox.emulator.asgi import Receive, Scope, Send, send_json, whole_body
from sandbox.emulator.clean_rooms.limits import model
from sandbox.emulator.clean_rooms.service import CleanRooms, Query, ServiceError
from sandbox.emulator.environment import ACCOUNT, REGION
from sandbox.emulator.hook import Function, Hook, Table

PATH = "/_clean_rooms"
NAME = "cleanrooms"

_ACTIONS = "ministack.core.iam_actions"
_HANDLERS = Table("ministack.app", "SERVICE_HANDLERS")
_PATTERNS = Table("ministack.core.router", "SERVICE_PATTERNS")
_NAMESPACES = Table(_ACTIONS, "SERVICE_TO_IAM_NAMESPACE")
_MODELS = Table(_ACTIONS, "_BOTOCORE_SERVICE_MAP")
_RESOURCE = Hook(
    _ACTIONS,
    "extract_resource_arn",
    ("service", "method", "path", "headers", "body", "query_params", "region", "account_id"),
)

HOOKS: tuple[Hook | Table, ...] = (
    _HANDLERS,
    _PATTERNS,
    _NAMESPACES,
    _MODELS,
    _RESOURCE,
    Hook("ministack.services.eventbridge", "_put_events", ("data", "allow_aws_source")),
    Hook("ministack.services.s3", "_get_object_data", ("bucket_name", "key", "version_id")),
    Hook("ministack.services.s3", "_put_object", ("bucket_name", "key", "body", "headers")),
)

_OPERATIONS = ("StartProtectedQuery", "GetProtectedQuery", "ListProtectedQueries")
_MEMBERSHIP = re.compile(r"/memberships/([^/]+)/")
_STEPS = 2  # from SUBMITTED to an end
_lock = threading.RLock()


def _write(bucket: str, key: str, body: bytes) -> None:
    status = s3._put_object(bucket, key, body, {})[0]
    if status >= 300:
        raise RuntimeError(f"S3 answered {status} to the results of a query")


def _put_event(detail_type: str, detail: dict[str, str], resources: list[str]) -> None:
    entry = {"Source": "aws.cleanrooms", "DetailType": detail_type, "Detail": json.dumps(detail)}
    eventbridge._put_events({"Entries": [{**entry, "Resources": resources}]}, allow_aws_source=True)


SERVICE = CleanRooms(s3._get_object_data, _write, _put_event, time.time)


def install() -> None:
    """Make the service known to the emulator, and to its enforcement of policies."""
    _HANDLERS.entries()[NAME] = handle
    _PATTERNS.entries()[NAME] = {"host_patterns": [r"cleanrooms\."]}
    _NAMESPACES.entries()[NAME] = NAME
    _MODELS.entries()[NAME] = [NAME]
    _RESOURCE.replace(_with_memberships)


def _with_memberships(original: Function) -> Function:
    def extract(service: str, method: str, path: str, *others: Any) -> Any:
        if service == NAME and (found := _MEMBERSHIP.match(path)):
            return f"arn:aws:cleanrooms:{REGION}:{ACCOUNT}:membership/{found[1]}"
        return original(service, method, path, *others)

    return extract


async def handle(
    method: str,
    path: str,
    headers: dict[str, str],  # noqa: ARG001  the signature of the emulator's handlers
    body: bytes,
    query_params: dict[str, Any],
) -> tuple[int, dict[str, str], bytes]:
    """Answer one call as the service does, an unknown one with UnknownOperationException."""
    try:
        with _lock:
            return _answer(200, _called(method, path, body, query_params))
    except ServiceError as error:
        return _answer(error.status, {"message": str(error)}, error.code)


def _called(method: str, path: str, body: bytes, query_params: dict[str, Any]) -> dict[str, Any]:
    operation, named = _operation(method, path)
    given = {name: value[0] if isinstance(value, list) else value for name, value in query_params.items()}
    if "maxResults" in given:
        given["maxResults"] = int(given["maxResults"])
    request = {**(json.loads(body) if body else {}), **given, **named}
    if operation == "StartProtectedQuery":
        query = SERVICE.start(request)
        threading.Thread(target=_run, args=(query,), name="clean rooms", daemon=True).start()
        return {"protectedQuery": query.described()}
    if operation == "GetProtectedQuery":
        return {"protectedQuery": SERVICE.get(request).described()}
    return SERVICE.page(request)


def _operation(method: str, path: str) -> tuple[str, dict[str, str]]:
    for name in _OPERATIONS:
        http = model().operation_model(name).http
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", http["requestUri"])
        if method == http["method"] and (found := re.fullmatch(pattern, path)):
            return name, found.groupdict()
    raise ServiceError(404, "UnknownOperationException", "the sandbox has no such call of Clean Rooms")


def _run(query: Query) -> None:
    """Take a query through its states, on the machine's clock."""
    for _ in range(_STEPS):
        time.sleep(query.membership.takes_s / _STEPS)
        with _lock, request_scope(ACCOUNT, REGION):
            SERVICE.advance(query)


def _answer(status: int, document: dict[str, Any], code: str = "") -> tuple[int, dict[str, str], bytes]:
    headers = {"Content-Type": "application/json", **({"x-amzn-ErrorType": code} if code else {})}
    return status, headers, json.dumps(document).encode()


async def serve(scope: Scope, receive: Receive, send: Send) -> None:
    """Make memberships if asked to, and answer with all queries; 400 for a document that is not understood."""
    if scope["method"] == "POST":
        try:
            with _lock:
                SERVICE.configure(json.loads(await whole_body(receive)))
        except (ValueError, TypeError, KeyError) as error:
            await send_json(send, 400, {"error": str(error)})
            return
    await send_json(send, 200, SERVICE.shown())
