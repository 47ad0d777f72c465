"""EventBridge rules with a schedule, on the sandbox's clock: each time that a jump passes over is an event.

By itself the emulator looks every ten seconds at the machine's clock, and makes one event however long it looked
away. A rule's cron times are in UTC, and a rate counts from when the rule is made, changed or enabled.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html (read 2026-11-30)
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import new_uuid, request_scope
from ministack.services import eventbridge

from sandbox.emulator import clock
from sandbox.emulator.hook import Hook
from sandbox.emulator.scheduler import times
from sandbox.emulator.scheduler.runs import MOST_AT_ONCE

_EVENTS = "ministack.services.eventbridge"
_TICK = Hook(_EVENTS, "_tick_scheduled_rules", ())

HOOKS = (
    _TICK,
    *times.HOOKS,
    Hook(_EVENTS, "_invoke_target", ("target", "event", "rule", "view")),
    Hook(_EVENTS, "_pattern_event_view", ("event",)),
)

_TICK_S = 1

Key = tuple[str, str, str]  # account, region, "bus|name"


@dataclass
class _Progress:
    """A rule's schedule, when it was first seen with it, and up to when its events were made."""

    expression: str
    first_s: float
    done_s: float

    def due(self, until_s: float) -> Iterator[float]:
        """Yield the times of which no event was made yet."""
        schedule = {
            "ScheduleExpression": self.expression,
            "ScheduleExpressionTimezone": "UTC",
            "CreationDate": self.first_s,
        }
        return itertools.takewhile(lambda at_s: at_s <= until_s, times.due(schedule, self.done_s))


_progress: dict[Key, _Progress] = {}


def install() -> None:
    """Run the rules on the sandbox's clock."""
    eventbridge._SCHEDULER_TICK_INTERVAL = _TICK_S
    _TICK.replace(lambda _original: run_due)
    clock.ask_before_advancing(_too_many)


def run_due() -> None:
    """Invoke the targets of each rule for every time that has come, in the order of time."""
    rules, now_s, due = _enabled(), clock.now(), []
    for key, progress in list(_progress.items()):
        due += [(at_s, key) for at_s in progress.due(now_s)]
        progress.done_s = now_s
    for at_s, key in sorted(due):
        _send(rules[key], at_s, key)


def _enabled() -> dict[Key, dict[str, Any]]:
    """Return the enabled rules that have a schedule; a new or a changed one counts from now on."""
    rules = {
        key: rule
        for key, rule in list(eventbridge._rules._data.items())
        if rule.get("State") == "ENABLED" and rule.get("ScheduleExpression")
    }
    for key in _progress.keys() - rules.keys():
        del _progress[key]
    now_s = clock.now()
    for key, rule in rules.items():
        expression = rule["ScheduleExpression"]
        if key not in _progress or _progress[key].expression != expression:
            _progress[key] = _Progress(expression, now_s, now_s)
    return rules


def _too_many(until_s: float) -> str:
    """Return why the clock must not jump to a time, "" if it may; a rule that was just made is noted before."""
    for key, rule in _enabled().items():
        if sum(1 for _ in itertools.islice(_progress[key].due(until_s), MOST_AT_ONCE + 1)) > MOST_AT_ONCE:
            return f"rule {rule['Name']} would run over {MOST_AT_ONCE} times: disable it or move less"
    return ""


def _send(rule: dict[str, Any], at_s: float, key: Key) -> None:
    account, region, _ = key
    event = {
        "EventId": new_uuid(),
        "Source": "aws.events",
        "DetailType": "Scheduled Event",
        "Detail": "{}",
        "EventBusName": rule.get("EventBusName", "default"),
        "Time": at_s,
        "Resources": [rule["Arn"]],
        "Account": account,
        "Region": region,
    }
    with request_scope(account, region):
        view = eventbridge._pattern_event_view(event)
        for target in list(eventbridge._targets._data.get(key, [])):
            try:
                eventbridge._invoke_target(target, event, rule, view)
            except Exception:  # noqa: BLE001  one target's failure must not keep the others from their events
                eventbridge.logger.exception("rule %s: a target could not be invoked", rule["Name"])
