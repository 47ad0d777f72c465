"""CloudWatch's metrics on the sandbox's clock; `record` is what the emulated services publish theirs with."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from ministack.services import cloudwatch

from sandbox.emulator import clock
from sandbox.emulator.cloudwatch.metric_names import Metric
from sandbox.emulator.hook import Function, Hook, Table

_CLOUDWATCH = "ministack.services.cloudwatch"
_STORE = Hook(
    _CLOUDWATCH,
    "_store_datum",
    ("namespace", "name", "dims", "ts", "unit", "value", "values", "counts", "stat_values"),
)
_EVICT = Hook(_CLOUDWATCH, "_evict_old_metrics", ())

HOOKS: tuple[Hook | Table, ...] = (
    _STORE,
    _EVICT,
    Hook(_CLOUDWATCH, "_metric_bucket", ("key",)),
    Hook(_CLOUDWATCH, "_dims_key", ("dims",)),
    Hook(_CLOUDWATCH, "_calc_stats", ("points",)),
    Hook(_CLOUDWATCH, "_stat_value", ("stats", "stat_name", "points")),
)

_storing = threading.Lock()  # services publish from their own threads, while requests evict


def install() -> None:
    """Give CloudWatch the sandbox's clock, and keep each metric's values in the order of their times."""
    stand_in = ModuleType("time")
    stand_in.__dict__.update(vars(time), time=clock.now)
    cloudwatch.time = stand_in
    _STORE.replace(_ordered)
    _EVICT.replace(_alone)


def record(metric: Metric, value: float, *dimensions: str, at: float | None = None) -> None:
    """Publish a value; `dimensions` are values in the order of the metric's names, `at` is now by default."""
    named = dict(zip(metric.dimensions, dimensions, strict=True))
    record_custom(metric.namespace, metric.name, named, value, unit=metric.unit, at=at)


def record_custom(
    namespace: str, name: str, dimensions: Mapping[str, str], value: float, *, unit: str, at: float | None = None
) -> None:
    """Publish a value of any metric, `at` in seconds since 1970 on the sandbox's clock."""
    timestamp = clock.now() if at is None else at
    cloudwatch._store_datum(namespace, name, dict(dimensions), timestamp, unit, value, None, None, None)


def between(
    namespace: str, name: str, dimensions: Mapping[str, str], start: float, end: float
) -> list[dict[str, Any]]:
    """Return what was published of exactly this metric from `start` on and before `end`, as CloudWatch stores it.

    Dimensions identify a metric: the same name with others, or fewer, is another one.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#Dimension (read
    2026-11-30)
    """
    key = (namespace, name, cloudwatch._dims_key(dict(dimensions)))
    with _storing:
        published: list[dict[str, Any]] = cloudwatch._metrics.get(key) or []
        first, last = (bisect_left(published, at, key=_timestamp) for at in (start, end))
        return published[first:last]


def statistic(published: list[dict[str, Any]], name: str) -> float | None:
    """Return a statistic of values, such as Sum or p99; None if there is none."""
    if not published:
        return None
    value: float | None = cloudwatch._stat_value(cloudwatch._calc_stats(published), name, published)
    return value


def _timestamp(point: dict[str, Any]) -> float:
    at: float = point["Timestamp"]
    return at


def _ordered(original: Function) -> Function:
    def store(namespace: str, name: str, dims: dict[str, str], *datum: Any) -> None:
        with _storing:
            published = cloudwatch._metric_bucket((namespace, name, cloudwatch._dims_key(dims)))
            newest = _timestamp(published[-1]) if published else 0.0
            original(namespace, name, dims, *datum)
            if published and _timestamp(published[-1]) < newest:
                published.sort(key=_timestamp)

    return store


def _alone(original: Function) -> Function:
    def evict() -> None:
        with _storing:
            original()

    return evict
