"""What EventBridge's calls about replays and rules are checked against, so that policies can name them.

AWS checks archives and replays, the emulator nothing but `*`. AWS's ARN of a rule on the default bus does not name
the bus, the emulator's does.
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
    """Make the emulator check the archive of a replay that starts, the replay of any other call, and rules."""
    _RESOURCE.replace(_as_aws_names_them)


def _as_aws_names_them(original: Function) -> Function:
    def extract(*arguments: Any, **named: Any) -> str:
        found: str = original(*arguments, **named)
        given = {**dict(zip(_RESOURCE.parameters, arguments, strict=False)), **named}
        if given["service"] == "events" and found == "*":
            return of_replay(given["body"], given["region"], given["account_id"]) or found
        return of_rule(found) if given["service"] == "events" else found

    return extract


def of_rule(arn: str) -> str:
    """Return the ARN of a rule on the default bus as AWS has it, and any other as it is."""
    return arn.replace(":rule/default/", ":rule/", 1)


def of_replay(body: bytes, region: str, account_id: str) -> str:
    """Return the ARN that a call of EventBridge about a replay is checked against, "" for any other call."""
    try:
        given = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(given, dict) or not given.get("ReplayName"):
        return ""
    return str(given.get("EventSourceArn") or f"arn:aws:events:{region}:{account_id}:replay/{given['ReplayName']}")
