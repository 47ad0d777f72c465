"""A function's invocations, errors, throttles and duration, and the events that an event source mapping gave back.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html, read 2026-11-30. By itself the emulator
counts calls of Invoke alone, and what it throttles there twice. Here the duration includes the start of a process,
which AWS counts apart. Mappings publish also without a `MetricsConfig`, which the emulator does not keep.
"""

from __future__ import annotations

import time
from typing import Any

from ministack.services import sqs

from sandbox.emulator import clock
from sandbox.emulator.cloudwatch.metric_names import DURATION, ERRORS, FAILED_EVENTS, INVOCATIONS, THROTTLES
from sandbox.emulator.cloudwatch.metrics import record
from sandbox.emulator.hook import Function, Hook

_LAMBDA = "ministack.services.lambda_svc"
_OWN = Hook(_LAMBDA, "_emit_lambda_metrics", ("function_name", "duration_ms", "error", "throttle"))
_SLOT = Hook(_LAMBDA, "_acquire_execution_slot", ("func", "config"))
_RUN = Hook(_LAMBDA, "_execute_function_dispatch", ("func", "config", "event", "request_id", "started"))
_BATCH = Hook(_LAMBDA, "_run_sqs_batch", ("esm", "func_rec", "event", "batch", "queue_url", "queue_name"))

HOOKS = (_OWN, _SLOT, _RUN, _BATCH)


def install() -> None:
    """Count where every invocation passes, whoever calls the function."""
    _OWN.replace(lambda _original: lambda *_, **__: None)
    _SLOT.replace(_counting_throttles)
    _RUN.replace(_counting_invocations)
    _BATCH.replace(_counting_returned)


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
        original(esm, func_rec, event, batch, *queue)
        with sqs._queues_lock:
            left = {message["id"] for message in sqs._queues[queue[0]]["messages"]}
        record(FAILED_EVENTS, sum(message["id"] in left for message in batch), esm["UUID"])

    return run
