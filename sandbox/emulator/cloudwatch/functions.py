"""A function's invocations, errors, throttles and duration, and the events that an event source mapping gave back.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html, read 2026-11-30 as far as invocations:
a throttled call is no invocation, and an error has the time of its call. The section on event source mappings was
not opened: that an event which the function gave back counts as failed is from memory. By itself the emulator
counts calls of Invoke alone, and what it throttles there twice. Here the duration includes the start of a process,
which AWS counts apart. Mappings publish also without a `MetricsConfig`, which the emulator does not keep; on AWS
only with EventCount: https://docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingMetricsConfig.html, read
2026-11-30.
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import Any

from sandbox.emulator import clock
from sandbox.emulator.cloudwatch.metric_names import DURATION, ERRORS, FAILED_EVENTS, INVOCATIONS, THROTTLES
from sandbox.emulator.cloudwatch.metrics import record
from sandbox.emulator.hook import Function, Hook

_LAMBDA = "ministack.services.lambda_svc"
_OWN = Hook(_LAMBDA, "_emit_lambda_metrics", ("function_name", "duration_ms", "error", "throttle"))
_SLOT = Hook(_LAMBDA, "_acquire_execution_slot", ("func", "config"))
_RUN = Hook(_LAMBDA, "_execute_function_dispatch", ("func", "config", "event", "request_id", "started"))
_BATCH = Hook(_LAMBDA, "_run_sqs_batch", ("esm", "func_rec", "event", "batch", "queue_url", "queue_name"))

_DELETE = Hook("ministack.services.sqs", "_delete_messages_for_esm", ("queue_url", "receipt_handles"))

HOOKS = (_OWN, _SLOT, _RUN, _BATCH, _DELETE)

_done: ContextVar[set[str]] = ContextVar("receipt handles of the current batch's messages that were processed")


def install() -> None:
    """Count where every invocation passes, whoever calls the function."""
    _OWN.replace(lambda _original: lambda *_, **__: None)
    _SLOT.replace(_counting_throttles)
    _RUN.replace(_counting_invocations)
    _BATCH.replace(_counting_returned)
    _DELETE.replace(_noting_deletions)


def _counting_throttles(original: Function) -> Function:
    def acquire(func: dict[str, Any], config: dict[str, Any]) -> Any:
        slot, limit = original(func, config)
        if slot is None:
            record(THROTTLES, 1, config["FunctionName"])
        return slot, limit

    return acquire


def _counting_invocations(original: Function) -> Function:
    def run(func: dict[str, Any], config: dict[str, Any], *call: Any) -> Any:
        name, at, started = config["FunctionName"], clock.now(), time.monotonic()
        result = original(func, config, *call)
        # The metrics carry the time at which the invocation began.
        record(INVOCATIONS, 1, name, at=at)
        record(ERRORS, int(bool(result.get("error"))), name, at=at)
        record(THROTTLES, 0, name, at=at)
        record(DURATION, 1000 * (time.monotonic() - started), name, at=at)
        return result

    return run


def _counting_returned(original: Function) -> Function:
    def run(esm: dict[str, Any], func_rec: Any, event: Any, batch: list[dict[str, Any]], *queue: str) -> None:
        done: set[str] = set()
        token = _done.set(done)
        try:
            original(esm, func_rec, event, batch, *queue)
        finally:
            _done.reset(token)
        record(FAILED_EVENTS, len(batch) - len(done), esm["UUID"])

    return run


def _noting_deletions(original: Function) -> Function:
    def delete(queue_url: str, receipt_handles: set[str]) -> None:
        original(queue_url, receipt_handles)
        _done.get().update(receipt_handles)

    return delete
