"""Permissions of batch calls: AWS checks the permission of the single call, the emulator one of the batch call."""

from __future__ import annotations

from typing import Any

from sandbox.emulator.hook import Function, Hook

_ACTION = Hook(
    "ministack.core.iam_actions",
    "extract_iam_action",
    ("service", "method", "path", "headers", "body", "query_params"),
)

HOOKS = (_ACTION,)

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html and
# https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html (2026-11-22)
_ASKED = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sns:PublishBatch": "sns:Publish",
}


def install() -> None:
    """Make the emulator check the permission that AWS checks."""
    _ACTION.replace(_as_for_one)


def _as_for_one(original: Function) -> Function:
    def extract(*arguments: Any, **named: Any) -> str | None:
        action: str | None = original(*arguments, **named)
        return _ASKED.get(action or "", action)

    return extract
