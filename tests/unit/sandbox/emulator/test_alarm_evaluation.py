"""The state of an alarm, against AWS's own tables of missing datapoints."""

from __future__ import annotations

from itertools import pairwise

import pytest

from sandbox.emulator.cloudwatch.evaluation import (
    ALARM,
    COMPARISONS,
    EXTRA_PERIODS,
    INSUFFICIENT_DATA,
    OK,
    Condition,
    Datapoint,
    evaluate,
    minutes,
)

KEPT = "kept"
STATES = (OK, ALARM, INSUFFICIENT_DATA)
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html, read 2026-11-30: the
# evaluation range, oldest first; X breaches, 0 does not, - is missing. The columns are the TREATMENTS in order.
THREE_OF_THREE = (
    ("0 - X - X", OK, OK, OK, OK),
    ("0 - - - -", OK, OK, OK, OK),
    ("- - - - -", INSUFFICIENT_DATA, KEPT, ALARM, OK),
    ("0 X X - X", ALARM, ALARM, ALARM, ALARM),
    ("- - X - -", ALARM, KEPT, ALARM, OK),
)
TWO_OF_THREE = (
    ("0 - X - X", ALARM, ALARM, ALARM, ALARM),
    ("0 0 X 0 X", ALARM, ALARM, ALARM, ALARM),
    ("0 - X - -", OK, OK, ALARM, OK),
    ("- - - - 0", OK, OK, ALARM, OK),
    ("- - - X -", ALARM, KEPT, ALARM, OK),
)
# The page says of these that an alarm of 3 of 3 does not go into ALARM at once, and no more.
TOO_NEW = ("- - - - X", "- - - X -")


def _range(written: str) -> list[Datapoint | None]:
    """Read a row of the page: the threshold is 1."""
    listed = written.split()
    return [None if one == "-" else Datapoint(60.0 * at, float(one == "X")) for at, one in enumerate(listed)]


def _condition(datapoints_to_alarm: int, treatment: str) -> Condition:
    return Condition("GreaterThanOrEqualToThreshold", 1, 3, datapoints_to_alarm, treatment)


CASES = [
    (needed, row[0], treatment, expected)
    for needed, table in ((3, THREE_OF_THREE), (2, TWO_OF_THREE))
    for row in table
    for treatment, expected in zip(TREATMENTS, row[1:], strict=True)
]


@pytest.mark.parametrize(("needed", "written", "treatment", "expected"), CASES)
def test_missing_datapoints_are_treated_as_on_the_page(
    needed: int, written: str, treatment: str, expected: str
) -> None:
    """Each row of AWS's tables gives the state of its column, whatever the state was before."""
    for before in STATES:
        verdict = evaluate(_condition(needed, treatment), _range(written), before)
        assert verdict.state == (before if expected == KEPT else expected)


@pytest.mark.parametrize("written", TOO_NEW)
def test_an_alarm_waits_for_more_than_one_new_datapoint(written: str) -> None:
    """One breaching datapoint that is newer than those that have to breach fires nothing, and clears nothing."""
    for before in STATES:
        assert evaluate(_condition(3, "missing"), _range(written), before).state == before


def test_as_many_extra_periods_are_fetched_as_in_the_examples() -> None:
    """AWS's examples fetch five datapoints for three that are evaluated."""
    assert _condition(3, "missing").evaluation_range == 5 == 3 + EXTRA_PERIODS


@pytest.mark.parametrize(
    ("comparison", "breaching"),
    [
        ("GreaterThanOrEqualToThreshold", (False, True, True)),
        ("GreaterThanThreshold", (False, False, True)),
        ("LessThanThreshold", (True, False, False)),
        ("LessThanOrEqualToThreshold", (True, True, False)),
    ],
)
def test_comparisons(comparison: str, breaching: tuple[bool, bool, bool]) -> None:
    """Each operator is tried below, at and above the threshold, and none is left out."""
    condition = Condition(comparison, 5, 1)
    assert tuple(condition.breaches(Datapoint(0, value)) for value in (4, 5, 6)) == breaching
    assert len(COMPARISONS) == 4


ONE = Condition("GreaterThanOrEqualToThreshold", 1, 1, None, "notBreaching")
ONE_OF_20 = Condition("GreaterThanOrEqualToThreshold", 1, 20, 1, "notBreaching")
TWO_BELOW = Condition("LessThanThreshold", 1, 2, None, "missing")


@pytest.mark.parametrize(
    ("condition", "written", "words"),
    [
        (
            ONE,
            "- - X",
            ("1 datapoint [1.0 (01/01/70 00:02:00)] was greater than or equal to the threshold (1.0).",),
        ),
        (ONE, "X - 0", ("1 datapoint [0.0 (01/01/70 00:02:00)] was not greater than or equal to", "(1.0).")),
        (
            ONE,
            "- - -",
            ("no datapoints were received for 1 period", "and 1 missing datapoint was treated as [NonBreaching]."),
        ),
        (
            ONE_OF_20,
            "X",
            (
                "1 out of the last 20 datapoints [1.0 (01/01/70 00:00:00)] was greater than or equal to the",
                "threshold (1.0) and 19 missing datapoints were treated as [NonBreaching]",
                "(minimum 1 datapoint for OK -> ALARM transition).",
            ),
        ),
    ],
)
def test_reasons_are_in_cloudwatchs_words(condition: Condition, written: str, words: tuple[str, ...]) -> None:
    """The sentences are those of notifications that CloudWatch sent."""
    reason = evaluate(condition, _range(written), OK).reason
    assert reason.startswith("Threshold Crossed: ")
    positions = [reason.find(part) for part in words]
    assert -1 not in positions
    assert positions == sorted(positions)
    assert reason.endswith(words[-1])


def test_reason_without_data() -> None:
    """An alarm that has no data says how much of it there is not."""
    verdict = evaluate(TWO_BELOW, _range("- - - -"), OK)
    assert verdict.reason == "Insufficient Data: 2 datapoints were unknown."


def test_every_minute_of_an_hour_is_evaluated() -> None:
    """Time that passes by itself, or in a short jump, leaves no minute out."""
    assert list(minutes(100, 100)) == []
    assert list(minutes(100, 160)) == list(range(101, 161))


def test_of_a_long_jump_its_ends_are_evaluated() -> None:
    """Of a week only the first and the last hours are, the last minute among them, and never five without one."""
    found = list(minutes(1000, 1000 + 7 * 24 * 60))
    assert (found[0], found[-1]) == (1001, 1000 + 7 * 24 * 60)
    assert len(found) < 150
    gaps = sorted(later - earlier for earlier, later in pairwise(found))
    assert gaps[-2] == 5
    assert gaps[-1] > 6 * 24 * 60
