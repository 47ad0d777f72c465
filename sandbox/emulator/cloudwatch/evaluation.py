"""How CloudWatch decides an alarm's state from a metric's recent datapoints, missing ones included.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html and
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html, read 2026-11-30
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"

# More datapoints are fetched than are evaluated. AWS publishes no number: its examples fetch 5 for 3.
EXTRA_PERIODS = 2

# When the clock jumps, so many minutes at each end of the jump are evaluated, since no alarm of ours looks back
# further: the outer ones one by one, then one in five, since our alarms' periods are multiples of five minutes.
# The one of a minute has only datapoints that are older than the jump or as new as its end.
JUMP_MINUTES = 3 * 60
EACH_MINUTE = 30
STEP_MINUTES = 5

# Operator, and what the reasons call it. The others compare with a band, which no alarm of ours has.
COMPARISONS: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}

_TREATED_AS = {"breaching": "Breaching", "notBreaching": "NonBreaching"}


@dataclass(frozen=True)
class Datapoint:
    """The statistic of one period that has data: the period's start in seconds since 1970, and the value."""

    start: float
    value: float


@dataclass(frozen=True)
class Condition:
    """When an alarm's datapoints breach, and how many of how many have to: all, without `datapoints_to_alarm`.

    `treat_missing_data` is missing, ignore, breaching or notBreaching.
    """

    comparison: str
    threshold: float
    evaluation_periods: int
    datapoints_to_alarm: int | None = None
    treat_missing_data: str = "missing"

    @property
    def needed(self) -> int:
        """Return how many datapoints have to breach."""
        return self.datapoints_to_alarm or self.evaluation_periods

    @property
    def evaluation_range(self) -> int:
        """Return the number of periods whose datapoints are fetched."""
        return self.evaluation_periods + EXTRA_PERIODS

    def breaches(self, datapoint: Datapoint) -> bool:
        """Return whether a datapoint breaches the threshold."""
        compare, _ = COMPARISONS[self.comparison]
        return compare(datapoint.value, self.threshold)


@dataclass(frozen=True)
class Verdict:
    """An alarm's state after an evaluation, and CloudWatch's sentence about it."""

    state: str
    reason: str


def minutes(last: int, ended: int) -> Iterator[int]:
    """Yield the minutes after `last` up to `ended` that are evaluated: every one of a short time."""
    for minute in range(last + 1, ended + 1):
        away = min(minute - last, ended - minute)  # from the nearer end
        if away <= EACH_MINUTE or (away <= JUMP_MINUTES and minute % STEP_MINUTES == 0):
            yield minute


def evaluate(condition: Condition, recent: Sequence[Datapoint | None], state: str) -> Verdict:
    """Return the state that follows from the evaluation range, oldest first, None for a missing datapoint.

    `state` is the current one, which is kept where the page says so, and in one case of which it says nothing but
    that the alarm does not fire: treated as missing, datapoints that all breach but are too few and too new.
    """
    real = [datapoint for datapoint in recent if datapoint is not None]
    wanted, needed = condition.evaluation_periods, condition.needed
    evaluated = real[-wanted:]
    missing = wanted - len(evaluated)
    breaching = sum(map(condition.breaches, evaluated))
    if condition.treat_missing_data == "breaching":
        breaching += missing
    if breaching >= needed:
        return Verdict(ALARM, _reason(condition, evaluated, missing, breaching))
    if missing and condition.treat_missing_data in ("missing", "ignore"):
        if not evaluated and condition.treat_missing_data == "missing":
            return Verdict(INSUFFICIENT_DATA, _insufficient(wanted))
        if all(map(condition.breaches, evaluated)):  # also if there are none
            if condition.treat_missing_data == "missing" and _is_old_enough(recent, needed):
                return Verdict(ALARM, _reason(condition, evaluated, missing, breaching))
            return Verdict(state, "")
    return Verdict(OK, _reason(condition, evaluated, missing, 0))


def _is_old_enough(recent: Sequence[Datapoint | None], needed: int) -> bool:
    """Return whether the oldest datapoint is so many periods old that waiting for more has no point.

    The page calls it avoiding premature transitions: `- - X - -` fires an alarm of 3 of 3, `- - - X -` does not.
    """
    oldest = next(index for index, datapoint in enumerate(recent) if datapoint is not None)
    return len(recent) - oldest >= needed


def _reason(condition: Condition, evaluated: Sequence[Datapoint], missing: int, breaching: int) -> str:
    """Return the sentence, in the words of CloudWatch's own notifications."""
    filled = f"{_count(missing, 'missing datapoint')} {_was(missing)} treated as"
    filled += f" [{_TREATED_AS.get(condition.treat_missing_data, 'Missing')}]"
    if not evaluated:
        return f"Threshold Crossed: no datapoints were received for {_count(missing, 'period')} and {filled}."
    listed = ", ".join(_shown(one) for one in reversed(evaluated))
    threshold = f"{COMPARISONS[condition.comparison][1]} the threshold ({float(condition.threshold)})"
    number = _count(len(evaluated), "datapoint")
    also = f" and {filled}" if missing else ""
    if not breaching:
        return f"Threshold Crossed: {number} [{listed}] {_was(len(evaluated))} not {threshold}{also}."
    if condition.datapoints_to_alarm is None:
        return f"Threshold Crossed: {number} [{listed}] {_was(len(evaluated))} {threshold}{also}."
    return (
        f"Threshold Crossed: {breaching} out of the last {condition.evaluation_periods} datapoints [{listed}] "
        f"{_was(breaching)} {threshold}{also} "
        f"(minimum {_count(condition.needed, 'datapoint')} for OK -> ALARM transition)."
    )


def _insufficient(wanted: int) -> str:
    return f"Insufficient Data: {_count(wanted, 'datapoint')} {_was(wanted)} unknown."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _shown(datapoint: Datapoint) -> str:
    start = datetime.fromtimestamp(datapoint.start, tz=UTC)
    return f"{float(datapoint.value)} ({start:%d/%m/%y %H:%M:%S})"
