"""What a replay's calls are checked against: AWS checks archives and replays, the emulator nothing but `*`.

A policy that names them, as the app's own does, would allow nothing here otherwise.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html (read 2026-11-30)
"""

from __future__ import annotations

import json
from typing import Any

from sandbox.emulator.hook import Function, Hook

_RESOURCE = Hook(
    "ministack.core.iam_actions",
    "extract_resource_arn",
    ("service", "method", "path", "headers", "body", "query_params", "region", "account_id"),
)

HOOKS = (_RESOURCE,)


def install() -> None:
    """Make the emulator check the archive of a replay that starts, and the replay of any other call."""
    _RESOURCE.replace(_with_replays)


def _with_replays(original: Function) -> Function:
    def extract(*arguments: Any, **named: Any) -> str:
        found: str = original(*arguments, **named)
        given = {**dict(zip(_RESOURCE.parameters, arguments, strict=False)), **named}
        if given["service"] == "events" and found == "*":
            return of_replay(given["body"], given["region"], given["account_id"]) or found
        return found

    return extract


def of_replay(body: bytes, region: str, account_id: str) -> str:
    """Return the ARN that a call of EventBridge about a replay is checked against, "" for any other call."""
    try:
        given = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(given, dict) or not given.get("ReplayName"):
        return ""
    return str(given.get("EventSourceArn") or f"arn:aws:events:{region}:{account_id}:replay/{given['ReplayName']}")
