"""An attempt to invoke a schedule's target, and what it sends."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Key = tuple[str, str, str]  # account, region, "group/name"


@dataclass(frozen=True, order=True)
class Attempt:
    """An attempt to invoke a target: when it is due, the scheduled time, the schedule, its number from 1."""

    due_s: float
    scheduled_s: float
    key: Key
    number: int = 1


def substituted(payload: str, schedule: dict[str, Any], attempt: Attempt, execution: str) -> str:
    """Return the input with the context attributes' values.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html (2026-11-30)
    """
    for name, text in {
        "schedule-arn": schedule["Arn"],
        "scheduled-time": iso(attempt.scheduled_s),
        "execution-id": execution,
        "attempt-number": str(attempt.number),
    }.items():
        payload = payload.replace(f"<aws.scheduler.{name}>", text)
    return payload


def event(schedule: dict[str, Any], attempt: Attempt) -> str:
    """Return what a target without an input is sent."""
    account, region, _ = attempt.key
    return json.dumps(
        {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": account,
            "time": iso(attempt.scheduled_s),
            "region": region,
            "resources": [schedule["Arn"]],
            "detail": "{}",
        }
    )


def iso(time_s: float) -> str:
    """Return a time as AWS writes it, in whole seconds of UTC."""
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
