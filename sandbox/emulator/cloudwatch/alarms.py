"""CloudWatch's metric alarms, evaluated every minute of the sandbox's clock.

By itself the emulator evaluates an alarm only when somebody puts data, over every metric of its name whatever the
dimensions, and no alarm ever clears. If the clock is moved far ahead, not every minute is
evaluated: see `evaluation.minutes`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch

from sandbox.emulator import clock
from sandbox.emulator.cloudwatch import metrics, queues, streams
from sandbox.emulator.cloudwatch.evaluation import Condition, Datapoint, Verdict, evaluate, minutes
from sandbox.emulator.environment import ACCOUNT, REGION
from sandbox.emulator.hook import Hook, Table

_CLOUDWATCH = "ministack.services.cloudwatch"
_EVALUATE = Hook(_CLOUDWATCH, "_evaluate_alarm", ("alarm",))

HOOKS: tuple[Hook | Table, ...] = (
    _EVALUATE,
    Hook(_CLOUDWATCH, "_dispatch_alarm_actions", ("alarm", "old_state", "new_state", "reason")),
    Hook(
        _CLOUDWATCH,
        "_record_history",
        ("alarm_name", "old_state", "new_state", "reason", "alarm_type", "reason_data"),
    ),
    Hook(_CLOUDWATCH, "_evaluate_parent_alarms", ("child", "seen")),
)

MINUTE_S = 60


class Minutes:
    """The minutes of the sandbox's clock that have ended and were evaluated."""

    def __init__(self, now: float) -> None:
        self._last = int(now // MINUTE_S)
        self._evaluating = threading.Lock()

    def catch_up(self) -> None:
        """Publish what is published by the minute, and evaluate every alarm, for each minute that ended since."""
        with self._evaluating, request_scope(ACCOUNT, REGION):
            ended = int(clock.now() // MINUTE_S)
            for minute in minutes(self._last, ended):
                _evaluate_all(minute * MINUTE_S)
            self._last = max(self._last, ended)

    def follow_time(self) -> None:
        """Do so for ever, as time passes by itself."""
        while True:
            time.sleep(1)
            try:
                self.catch_up()
            except Exception:  # noqa: BLE001  of whatever kind: alarms would silently never fire again
                cloudwatch.logger.exception("sandbox: alarms were not evaluated")


def install() -> None:
    """Leave the evaluation to the clock."""
    _EVALUATE.replace(lambda _original: lambda _alarm: None)
    passing = Minutes(clock.now())
    clock.follow(passing.catch_up)
    threading.Thread(target=passing.follow_time, daemon=True, name="cloudwatch-alarms").start()


def _evaluate_all(at: float) -> None:
    queues.sample(at)
    streams.sample(at)
    for alarm in list(cloudwatch._alarms.values()):
        verdict = judge(alarm, at)
        if verdict.state != alarm["StateValue"]:
            _change(alarm, verdict, at)


def judge(alarm: dict[str, Any], at: float) -> Verdict:
    """Return what an alarm's state should be at a time on the sandbox's clock."""
    condition = Condition(
        comparison=alarm["ComparisonOperator"],
        threshold=alarm["Threshold"],
        evaluation_periods=alarm["EvaluationPeriods"],
        datapoints_to_alarm=alarm.get("DatapointsToAlarm"),
        treat_missing_data=alarm.get("TreatMissingData") or "missing",
    )
    return evaluate(condition, list(_datapoints(alarm, condition, at)), alarm["StateValue"])


def _datapoints(alarm: dict[str, Any], condition: Condition, at: float) -> Iterator[Datapoint | None]:
    """Yield the datapoints of the evaluation range, oldest first.

    The periods end now and not at the full hour or minute of their length, since the window slides by default:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation-window.html, read 2026-11-30
    """
    dimensions = {one["Name"]: one["Value"] for one in alarm.get("Dimensions") or ()}
    statistic, period = alarm.get("ExtendedStatistic") or alarm["Statistic"], alarm["Period"]
    for ago in range(condition.evaluation_range, 0, -1):
        start = at - ago * period
        published = metrics.between(
            alarm["Namespace"], alarm["MetricName"], dimensions, start=start, end=start + period
        )
        in_unit = [one for one in published if alarm.get("Unit") in (None, one["Unit"])]
        value = metrics.statistic(in_unit, statistic)
        yield None if value is None else Datapoint(start, value)


def _change(alarm: dict[str, Any], verdict: Verdict, at: float) -> None:
    before = alarm["StateValue"]
    alarm.update(StateValue=verdict.state, StateReason=verdict.reason, StateUpdatedTimestamp=int(at))
    cloudwatch._record_history(alarm["AlarmName"], before, verdict.state, verdict.reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, verdict.state, verdict.reason)
    cloudwatch._evaluate_parent_alarms(alarm)
