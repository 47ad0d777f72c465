"""Lambda's handling of a function's answer to a queue batch with partial failures enabled."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from sandbox.emulator.hook import Function, Hook

_LAMBDA = "ministack.services.lambda_svc"
_BATCH = Hook(_LAMBDA, "_run_sqs_batch", ("esm", "func_rec", "event", "batch", "queue_url", "queue_name"))
_EXECUTE = Hook(_LAMBDA, "_execute_function", ("func", "event"))

HOOKS = (_BATCH, _EXECUTE)

_message_ids: ContextVar[frozenset[str] | None] = ContextVar(
    "ids of the messages in the current batch", default=None
)


def install() -> None:
    """Check each answer by AWS's rules before the emulator reads it."""
    _BATCH.replace(_knowing_its_messages)
    _EXECUTE.replace(_judged)


def whole_batch_fails(answer: object, message_ids: frozenset[str]) -> bool:
    """Return whether Lambda treats the answer as a failure of every message of the batch.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html (read 2026-11-22): the whole batch
    fails if the answer is not an object, or an identifier is empty, null, misnamed or not of a message in the
    batch. No answer, and an absent or null list of failures, are success.
    """
    if answer is None:
        return False
    if not isinstance(answer, dict):
        return True
    failures = answer.get("batchItemFailures")
    if failures is None:
        return False
    if not isinstance(failures, list):
        return True
    return any(
        not isinstance(failure, dict) or failure.get("itemIdentifier") not in message_ids for failure in failures
    )


def _knowing_its_messages(original: Function) -> Function:
    def run(esm: dict[str, Any], func_rec: Any, event: Any, batch: list[dict[str, Any]], *queue: str) -> None:
        partial = "ReportBatchItemFailures" in (esm.get("FunctionResponseTypes") or ())
        token = _message_ids.set(frozenset(message["id"] for message in batch) if partial else None)
        try:
            original(esm, func_rec, event, batch, *queue)
        finally:
            _message_ids.reset(token)

    return run


def _judged(original: Function) -> Function:
    def execute(func: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = original(func, event)
        message_ids = _message_ids.get()
        if message_ids is None or result.get("error"):
            return result
        answer = result.get("body")
        if whole_batch_fails(answer, message_ids):
            refusal = {"errorType": "Sandbox.BatchAnswer", "errorMessage": "malformed partial batch answer"}
            return {**result, "error": True, "body": refusal}
        if not isinstance(answer, dict) or not answer.get("batchItemFailures"):
            # A null list makes the emulator raise, so the messages return; for Lambda it is success.
            return {**result, "body": {"batchItemFailures": []}}
        return result

    return execute
