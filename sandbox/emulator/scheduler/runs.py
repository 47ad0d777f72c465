"""Runs schedules on the sandbox's clock: invokes what is due, retries what failed, then sends a dead letter.

By itself the emulator evaluates every expression in UTC on the machine's clock, delivers context attributes as
they are written, and drops what it cannot deliver. Here a flexible window has no effect: the target is invoked as
the window opens.
"""

from __future__ import annotations

import heapq
import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from ministack.services import iam, scheduler

from sandbox.emulator import clock
from sandbox.emulator.hook import Function, Hook
from sandbox.emulator.scheduler import targets, times
from sandbox.emulator.scheduler.attempts import Attempt, Key, event, iso, substituted
from sandbox.emulator.service_access import admits

_SCHEDULER = "ministack.services.scheduler"
_TICK = Hook(_SCHEDULER, "_tick_schedules", ())
_NOW = Hook(_SCHEDULER, "_now", ())
_CREATE = Hook(_SCHEDULER, "_create_schedule", ("name", "body"))
_UPDATE = Hook(_SCHEDULER, "_update_schedule", ("name", "body"))

HOOKS = (
    _TICK,
    _NOW,
    _CREATE,
    _UPDATE,
    *times.HOOKS,
    *targets.HOOKS,
)

_TICK_S = 1
_PRINCIPAL = "scheduler.amazonaws.com"
# A jump of the clock makes every invocation in between; one that would take minutes is a mistake.
MOST_AT_ONCE = 1000
# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html (read 2026-11-30)
_RETRIES, _AGE_S = 185, 86400
# AWS backs off exponentially and does not say how; the sandbox waits 1, 2, 4 ... seconds, ten minutes at most.
_LONGEST_WAIT_S = 600
# Other answers below 500 are final: the same call would be refused again.
_RETRIABLE = frozenset({"ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"})

# What a call, or reading the target of one, may raise.
_FAILURES = (ClientError, BotoCoreError, ValueError, TypeError, AttributeError)


@dataclass
class _Progress:
    """Each schedule's time of modification, the time up to which it was run, and all attempts to come."""

    done_s: dict[Key, tuple[float, float]] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)

    def since(self, key: Key, schedule: dict[str, Any]) -> float:
        """Return the time up to which a schedule's invocations were made; for a changed one, its change."""
        changed_s = float(schedule["LastModificationDate"])
        known_s, done_s = self.done_s.get(key, (0.0, 0.0))
        # A rate without a start begins with an invocation at once.
        return done_s if known_s == changed_s else changed_s - 1e-3


_progress = _Progress()


def install() -> None:
    """Check schedules when they are made, and run them on the sandbox's clock."""
    scheduler._SCHEDULE_TICK_INTERVAL = _TICK_S
    _NOW.replace(lambda _original: clock.now)
    _TICK.replace(lambda _original: run_due)
    _CREATE.replace(_checked)
    _UPDATE.replace(_checked)
    clock.ask_before_advancing(_too_many)


def _checked(original: Function) -> Function:
    def put(name: str, body: dict[str, Any]) -> Any:
        try:
            _check(body)
        except ValueError as error:
            return scheduler._error(400, "ValidationException", str(error))
        return original(name, body)

    return put


def _check(body: dict[str, Any]) -> None:
    """Raise ValueError for what AWS refuses, and for a target that the sandbox could not invoke."""
    target = body.get("Target") or {}
    if not body.get("ScheduleExpression") or not target.get("Arn") or not target.get("RoleArn"):
        return  # the emulator says so itself
    times.check(body["ScheduleExpression"], body.get("ScheduleExpressionTimezone") or "UTC")
    targets.call_of(target, target.get("Input") or "{}")
    role = iam._roles.get(str(target["RoleArn"]).rsplit("/", 1)[-1]) or {}
    trust = role.get("AssumeRolePolicyDocument")
    if not admits(trust, _PRINCIPAL, "sts:AssumeRole", str(target["RoleArn"]), _arn_of(body)):
        raise ValueError("The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")


def _arn_of(body: dict[str, Any]) -> str:
    # A trust policy names the group, since the schedule does not exist yet.
    return str(scheduler._group_arn(body.get("GroupName") or "default"))


def _enabled() -> Iterator[tuple[Key, dict[str, Any]]]:
    for key, schedule in list(scheduler._schedules._data.items()):
        if schedule.get("State") == "ENABLED":
            yield key, schedule


def _due(key: Key, schedule: dict[str, Any], until_s: float) -> Iterator[float]:
    """Yield the scheduled times of which nothing was made yet."""
    return itertools.takewhile(lambda at_s: at_s <= until_s, times.due(schedule, _progress.since(key, schedule)))


def _too_many(until_s: float) -> str:
    for key, schedule in _enabled():
        if sum(1 for _ in itertools.islice(_due(key, schedule, until_s), MOST_AT_ONCE + 1)) > MOST_AT_ONCE:
            return f"schedule {schedule['Name']} would run over {MOST_AT_ONCE} times: disable it or move less"
    return ""


def run_due() -> None:
    """Invoke the targets of everything that has become due, in the order of time, retries among the rest."""
    now_s = clock.now()
    heapq.heapify(_progress.attempts)
    for key, schedule in _enabled():
        for at_s in _due(key, schedule, now_s):
            heapq.heappush(_progress.attempts, Attempt(at_s, at_s, key))
        _progress.done_s[key] = (float(schedule["LastModificationDate"]), now_s)
    while _progress.attempts and _progress.attempts[0].due_s <= now_s:
        attempt = heapq.heappop(_progress.attempts)
        current = scheduler._schedules._data.get(attempt.key)
        if (
            current is not None
            and current["State"] == "ENABLED"
            and attempt.scheduled_s >= current["CreationDate"]
        ):
            _attempt(attempt, current)
    _remove_completed(now_s)


def _attempt(attempt: Attempt, schedule: dict[str, Any]) -> None:
    target, execution = schedule["Target"], uuid.uuid4().hex[:16]
    payload = substituted(target.get("Input") or event(schedule, attempt), schedule, attempt, execution)
    policy = target.get("RetryPolicy") or {}
    try:
        _invoke(target, payload, attempt)
        return
    except _FAILURES as error:
        code, text, retriable = _failure(error)
    scheduler.logger.warning("schedule %s, attempt %d: %s", schedule["Name"], attempt.number, code)
    wait_s = min(2.0 ** (attempt.number - 1), _LONGEST_WAIT_S)
    spent = ""
    if attempt.number > int(policy.get("MaximumRetryAttempts", _RETRIES)):
        spent = "MaximumRetryAttempts"
    elif attempt.due_s + wait_s > attempt.scheduled_s + int(policy.get("MaximumEventAgeInSeconds", _AGE_S)):
        spent = "MaximumEventAgeInSeconds"
    if retriable and not spent:
        again = replace(attempt, due_s=attempt.due_s + wait_s, number=attempt.number + 1)
        heapq.heappush(_progress.attempts, again)
        return
    why = {"ERROR_CODE": code, "ERROR_MESSAGE": text or code, "EXECUTION_ID": execution}
    if retriable:
        why["EXHAUSTED_RETRY_CONDITION"] = spent
    _dead_letter(schedule, attempt, payload, why)


def _invoke(target: dict[str, Any], payload: str, attempt: Attempt) -> None:
    account, region, _ = attempt.key
    targets.invoke(targets.call_of(target, payload), str(target["RoleArn"]), account, region)


def _failure(error: Exception) -> tuple[str, str, bool]:
    """Return the code and the text of a failed call, and whether the same call could succeed later."""
    if isinstance(error, ClientError):
        told, status = error.response["Error"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        return told["Code"], told.get("Message", ""), status >= 500 or told["Code"] in _RETRIABLE
    never = isinstance(error, ParamValidationError) or not isinstance(error, BotoCoreError)
    return type(error).__name__, str(error), not never


def _dead_letter(schedule: dict[str, Any], attempt: Attempt, payload: str, why: dict[str, str]) -> None:
    """Send an invocation that failed for good to the schedule's dead-letter queue, as the execution role.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html (read 2026-11-30)
    """
    queue_arn = (schedule["Target"].get("DeadLetterConfig") or {}).get("Arn")
    if not queue_arn:
        return
    texts = {
        **why,
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": str(attempt.number - 1),
        "SCHEDULED_TIME": iso(attempt.scheduled_s),
        "SCHEDULE_ARN": schedule["Arn"],
        "TARGET_ARN": schedule["Target"]["Arn"],
    }
    attributes = {name: {"DataType": "String", "StringValue": text} for name, text in texts.items()}
    account, region, _ = attempt.key
    service, method, parameters = targets.call_of({"Arn": queue_arn}, payload)
    call = (service, method, {**parameters, "MessageAttributes": attributes})
    try:
        targets.invoke(call, str(schedule["Target"]["RoleArn"]), account, region)
    except _FAILURES as error:
        scheduler.logger.warning("no dead letter of schedule %s: %s", schedule["Name"], _failure(error)[0])


def _remove_completed(now_s: float) -> None:
    """Remove schedules that are to go once they have no invocation left."""
    waiting = {attempt.key for attempt in _progress.attempts}
    for key, schedule in _enabled():
        done = key not in waiting and _progress.since(key, schedule) == now_s
        last = done and next(times.due(schedule, now_s), None) is None
        if last and schedule.get("ActionAfterCompletion") == "DELETE":
            scheduler._schedules._data.pop(key, None)
