"""EventBridge rules with a schedule on the sandbox's clock."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from tests.unit.sandbox.emulator.driver import Emulator, until


@pytest.fixture
def rule(emulator: Emulator) -> Iterator[Callable[[str, str], str]]:
    """Return what makes a rule with a schedule for a queue; all are deleted after the test."""
    events, names = emulator.client("events"), []

    def make(expression: str, queue_arn: str) -> str:
        names.append(f"r{uuid.uuid4().hex[:12]}")
        arn = str(events.put_rule(Name=names[-1], ScheduleExpression=expression)["RuleArn"])
        events.put_targets(Rule=names[-1], Targets=[{"Id": "q", "Arn": queue_arn}])
        return arn

    yield make
    for name in names:
        events.delete_rule(Name=name)


def _now(emulator: Emulator) -> datetime:
    return datetime.fromisoformat(requests.get(f"{emulator.url}/_clock", timeout=5).json()["now"])


def _advance(emulator: Emulator, seconds: float) -> requests.Response:
    return requests.post(f"{emulator.url}/_clock", json={"advance_s": seconds}, timeout=5)


def _events(emulator: Emulator, url: str, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def all_came() -> bool:
        found.extend(json.loads(one["Body"]) for one in emulator.receive(url, within_s=0))
        return len(found) >= count

    until(all_came)
    assert emulator.receive(url, within_s=1.5) == []  # the next look at the clock is within a second
    return sorted(found, key=lambda one: str(one["time"]))


def test_a_rate_makes_an_event_for_each_interval_of_a_jump(
    emulator: Emulator, rule: Callable[[str, str], str]
) -> None:
    """A rule that was just made fires an hour later, and each hour after that, once."""
    url, arn = emulator.open_queue()
    rule_arn, made = rule("rate(1 hour)", arn), _now(emulator)
    _advance(emulator, 3.5 * 3600).raise_for_status()
    found = _events(emulator, url, 3)
    assert [(one["source"], one["detail-type"], one["resources"]) for one in found] == [
        ("aws.events", "Scheduled Event", [rule_arn])
    ] * 3
    for hours, one in enumerate(found, start=1):
        late = datetime.fromisoformat(one["time"]) - (made + timedelta(hours=hours))
        assert abs(late.total_seconds()) <= 2


def test_a_cron_is_in_utc(emulator: Emulator, rule: Callable[[str, str], str]) -> None:
    """A rule fires at its minute of the day in UTC, on each day that a jump passes over."""
    url, arn = emulator.open_queue()
    now = _now(emulator)
    rule("cron(30 2 * * ? *)", arn)
    first = now.astimezone(UTC).replace(hour=2, minute=30, second=0)
    if first <= now + timedelta(seconds=5):
        first += timedelta(days=1)
    _advance(emulator, (first + timedelta(days=1, minutes=1) - now).total_seconds()).raise_for_status()
    found = _events(emulator, url, 2)
    wanted = [first, first + timedelta(days=1)]
    assert [one["time"] for one in found] == [one.strftime("%Y-%m-%dT%H:%M:%SZ") for one in wanted]


def test_a_disabled_rule_makes_no_event_also_later(emulator: Emulator, rule: Callable[[str, str], str]) -> None:
    """What passes while a rule is disabled is not made up for once it is enabled."""
    url, arn = emulator.open_queue()
    name, events = rule("rate(1 hour)", arn).rpartition("/")[2], emulator.client("events")
    events.disable_rule(Name=name)
    _advance(emulator, 2 * 3600).raise_for_status()
    events.enable_rule(Name=name)
    assert emulator.receive(url, within_s=2.5) == []


def test_a_jump_that_makes_too_many_events_is_refused(emulator: Emulator, rule: Callable[[str, str], str]) -> None:
    """A jump over more than a thousand events of one rule is refused, and names the rule."""
    _, arn = emulator.open_queue()
    name = rule("rate(1 minute)", arn).rpartition("/")[2]
    answer = _advance(emulator, 1002 * 60)
    assert (answer.status_code, name in answer.json()["error"]) == (400, True)
