"""Metrics from log lines in the embedded metric format, as CloudWatch Logs extracts them.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html,
read 2026-11-30
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.emulator.hook import Function, Hook

_APPEND = Hook("ministack.services.cloudwatch_logs", "_append_log_events", ("stream", "events"))

HOOKS = (_APPEND,)

_MAX_DIMENSIONS = 30
_MAX_METRICS = 100  # of a directive
_MAX_VALUES = 100
# Of a value, as of PutMetricData's: https://docs.aws.amazon.com/sdk-for-kotlin/api/latest/cloudwatch/
# aws.sdk.kotlin.services.cloudwatch.model/-metric-datum/value.html, read 2026-11-30
_LARGEST = 2**360


@dataclass(frozen=True)
class Embedded:
    """A metric's values in one log line, at a time in seconds since 1970."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    values: tuple[float, ...]
    unit: str
    timestamp: float


def install() -> None:
    """Read every log line."""
    _APPEND.replace(_extracting)


def _extracting(original: Function) -> Function:
    # Here, so that the format can be tested without the emulator.
    from sandbox.emulator import clock
    from sandbox.emulator.cloudwatch.metrics import record_custom

    def append(stream: dict[str, Any], events: list[dict[str, Any]]) -> None:
        original(stream, events)
        ahead_s = clock.now() - time.time()  # functions have the machine's time, metrics the sandbox's
        for found in (metric for event in events for metric in extract(event.get("message", ""))):
            for value in found.values:
                at = found.timestamp + ahead_s
                record_custom(found.namespace, found.name, found.dimensions, value, unit=found.unit, at=at)

    return append


def extract(line: str) -> Iterator[Embedded]:
    """Yield a log line's metrics; one that is not such a document, or not whole, has none, as on AWS."""
    if '"_aws"' not in line:
        return
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return
    metadata = document.get("_aws") if isinstance(document, dict) else None
    if not isinstance(metadata, dict) or not _is_number(metadata.get("Timestamp")):
        return
    for directive in _list(metadata.get("CloudWatchMetrics")):
        if _is_directive(directive):
            yield from _metrics(directive, document, metadata["Timestamp"] / 1000)


def _is_directive(directive: object) -> bool:
    return (
        isinstance(directive, dict)
        and _is_name(directive.get("Namespace"))
        and isinstance(directive.get("Dimensions"), list)
        and len(_list(directive.get("Metrics"))) <= _MAX_METRICS
    )


def _metrics(directive: dict[str, Any], document: dict[str, Any], timestamp: float) -> Iterator[Embedded]:
    """Yield each metric once for each set of dimensions, since each set is another metric."""
    for names in directive["Dimensions"]:
        if not isinstance(names, list) or len(names) > _MAX_DIMENSIONS or not all(map(_is_name, names)):
            continue
        dimensions = {name: document[name] for name in names if isinstance(document.get(name), str)}
        if len(dimensions) != len(set(names)):
            continue
        for metric in _list(directive.get("Metrics")):
            if not isinstance(metric, dict) or not _is_name(metric.get("Name")):
                continue
            values, unit = _values(document.get(metric["Name"])), metric.get("Unit", "None")
            if values and _is_name(unit):
                yield Embedded(directive["Namespace"], metric["Name"], dimensions, values, unit, timestamp)


def _values(target: object) -> tuple[float, ...]:
    """Return the numbers of a target member: one, or a list of up to a hundred of them."""
    listed: list[Any] = target if isinstance(target, list) else [target]
    if not all(map(_is_number, listed)) or len(listed) > _MAX_VALUES:
        return ()
    return tuple(float(one) for one in listed)


def _is_number(value: object) -> bool:
    # A comparison that does not hold for NaN.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
