"""Permissions of batch calls: AWS checks the permission of the single call, the emulator one of the batch call."""

from __future__ import annotations

from typing import Any

from ministack.core import iam_actions

from sandbox.emulator.hook import Function, Hook

_ACTION = Hook(
    "ministack.core.iam_actions",
    "extract_iam_action",
    ("service", "method", "path", "headers", "body", "query_params"),
)

_DELETED = Hook("ministack.core.iam_actions", "_s3_batch_delete_targets", ("bucket", "body"))

HOOKS = (_ACTION, _DELETED)

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html and
# https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html (2026-11-22)
_ASKED = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sns:PublishBatch": "sns:Publish",
}
# Of the first object; the emulator asks for this of the others by itself:
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html, read 2026-11-30
_OF_A_VERSION = {"s3:DeleteObject": "s3:DeleteObjectVersion"}


def install() -> None:
    """Make the emulator check the permission that AWS checks."""
    _ACTION.replace(as_for_one)


def as_for_one(original: Function) -> Function:
    """Return what names the action that a call is checked for, by AWS's names; `original` is the emulator's."""

    def extract(*arguments: Any) -> str | None:
        action: str | None = original(*arguments)
        _, method, path, _, body, _ = arguments
        if action in _OF_A_VERSION and method == "POST":
            first = iam_actions._s3_batch_delete_targets(path.strip("/").partition("/")[0], body)[:1]
            return _OF_A_VERSION[action] if any(version for _, version in first) else action
        return _ASKED.get(action or "", action)

    return extract
