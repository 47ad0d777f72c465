"""EventBridge Scheduler on the sandbox's clock: time zones, context attributes, retries, dead letters."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests
from botocore.exceptions import ClientError

from tests.unit.sandbox.emulator.driver import Emulator, until

ZONE = ZoneInfo("America/New_York")
CONTEXT = {
    "time": "<aws.scheduler.scheduled-time>",
    "schedule": "<aws.scheduler.schedule-arn>",
    "id": "<aws.scheduler.execution-id>",
    "attempt": "<aws.scheduler.attempt-number>",
}


def _role(emulator: Emulator, service: str = "scheduler.amazonaws.com") -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    made = emulator.client("iam").create_role(
        RoleName=f"r{uuid.uuid4().hex[:12]}", AssumeRolePolicyDocument=json.dumps({"Statement": [statement]})
    )
    return str(made["Role"]["Arn"])


def _now(emulator: Emulator) -> datetime:
    shown = requests.get(f"{emulator.url}/_clock", timeout=5).json()["now"]
    return datetime.fromisoformat(shown)


def _advance(emulator: Emulator, to: datetime) -> requests.Response:
    seconds = (to - _now(emulator)).total_seconds()
    return requests.post(f"{emulator.url}/_clock", json={"advance_s": seconds}, timeout=5)


@pytest.fixture
def schedule(emulator: Emulator) -> Iterator[Callable[..., str]]:
    """Return what makes a schedule and gives its name; all are deleted after the test."""
    client, names = emulator.client("scheduler"), []

    def make(expression: str, target_arn: str, *, zone: str = "UTC", role: str = "", **target: Any) -> str:
        names.append(f"s{uuid.uuid4().hex[:12]}")
        client.create_schedule(
            Name=names[-1],
            ScheduleExpression=expression,
            ScheduleExpressionTimezone=zone,
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": target_arn, "RoleArn": role or _role(emulator), **target},
        )
        return names[-1]

    yield make
    for name in names:
        try:
            client.delete_schedule(Name=name)
        except client.exceptions.ResourceNotFoundException:
            continue  # it was not made, or removed itself


def _next_skipped_hour(after: datetime) -> datetime:
    """Return midnight UTC of the day before the zone's clock next skips 02:30."""
    day = after.astimezone(ZONE).replace(hour=2, minute=30, second=0, microsecond=0, fold=0)
    while day.astimezone(UTC).astimezone(ZONE).hour == 2:
        day += timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1)


def test_a_zoned_schedule_of_a_template_across_a_clock_change(emulator: Emulator) -> None:
    """It fires at New York's 02:30, an hour earlier in UTC after the change, and not on the day without 02:30."""
    url, arn = emulator.queue()
    before = _next_skipped_hour(_now(emulator))
    _advance(emulator, before).raise_for_status()
    name = f"s{uuid.uuid4().hex[:12]}"
    properties = {
        "Name": name,
        "ScheduleExpression": "cron(30 2 * * ? *)",
        "ScheduleExpressionTimezone": ZONE.key,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": arn, "RoleArn": _role(emulator), "Input": json.dumps(CONTEXT)},
    }
    emulator.stack({"S": {"Type": "AWS::Scheduler::Schedule", "Properties": properties}}, {"N": {"Ref": "S"}})
    client = emulator.client("scheduler")
    got = client.get_schedule(Name=name)
    assert got["ScheduleExpressionTimezone"] == ZONE.key
    _advance(emulator, before + timedelta(days=4)).raise_for_status()
    messages: list[dict[str, str]] = []

    def all_came() -> bool:
        messages.extend(json.loads(one["Body"]) for one in emulator.receive(url, within_s=0))
        return len(messages) == 3

    until(all_came)
    wanted = [before + timedelta(days=days, hours=hours, minutes=30) for days, hours in ((0, 7), (2, 6), (3, 6))]
    assert sorted(one["time"] for one in messages) == [one.strftime("%Y-%m-%dT%H:%M:%SZ") for one in wanted]
    assert {one["schedule"] for one in messages} == {got["Arn"]}
    assert {one["attempt"] for one in messages} == {"1"}
    assert len({one["id"] for one in messages}) == 3
    client.delete_schedule(Name=name)


def test_a_changed_template_changes_its_schedule(emulator: Emulator) -> None:
    """What the new template leaves out returns to its default; deleting the stack removes the schedule."""
    cloudformation, client = emulator.client("cloudformation"), emulator.client("scheduler")
    name = f"s{uuid.uuid4().hex[:12]}"
    _, arn = emulator.queue()
    properties = {
        "Name": name,
        "ScheduleExpression": "cron(30 2 * * ? *)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": arn, "RoleArn": _role(emulator)},
    }

    def template(**more: str) -> str:
        schedule = {"Type": "AWS::Scheduler::Schedule", "Properties": {**properties, **more}}
        return json.dumps({"Resources": {"S": schedule}})

    zoned = template(ScheduleExpressionTimezone="Europe/Berlin", EndDate="2031-01-01T00:00:00Z")
    cloudformation.create_stack(StackName=name, TemplateBody=zoned)
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    assert client.get_schedule(Name=name)["EndDate"] == datetime(2031, 1, 1, tzinfo=UTC)
    cloudformation.update_stack(StackName=name, TemplateBody=template(State="DISABLED"))
    cloudformation.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    got = client.get_schedule(Name=name)
    assert (got["ScheduleExpressionTimezone"], got["State"], "EndDate" in got) == ("UTC", "DISABLED", False)
    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    assert name not in [one["Name"] for one in client.list_schedules()["Schedules"]]


def test_a_target_that_fails_is_tried_again_and_then_a_dead_letter(
    emulator: Emulator,
    schedule: Callable[..., str],
    faults: Callable[[list[dict[str, Any]]], None],
) -> None:
    """Two failures are outlived by two retries; a third ends in the dead-letter queue, saying why."""
    (url, arn), (dead_url, dead_arn) = emulator.queue(), emulator.queue()
    options = {
        "Input": '{"n": "<aws.scheduler.attempt-number>"}',
        "RetryPolicy": {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 600},
        "DeadLetterConfig": {"Arn": dead_arn},
    }
    times = [(_now(emulator) + timedelta(minutes=minutes)).replace(second=0) for minutes in (10, 20)]
    names = [schedule(f"at({one:%Y-%m-%dT%H:%M:%S})", arn, **options) for one in times]
    for count, at in zip((2, 3), times, strict=True):
        name = arn.rsplit(":", 1)[-1]
        faults([{"service": "sqs", "action": "SendMessage", "resource": name, "status": 500, "times": count}])
        _advance(emulator, at + timedelta(minutes=1)).raise_for_status()
        if count == 2:
            (message,) = emulator.receive(url)
            assert json.loads(message["Body"]) == {"n": "3"}
    (dead,) = emulator.receive(dead_url)
    told = {name: one["StringValue"] for name, one in dead["MessageAttributes"].items()}
    assert json.loads(dead["Body"]) == {"n": "3"}
    assert told["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts"
    assert told["RETRY_ATTEMPTS"] == "2"
    assert told["TARGET_ARN"] == arn
    assert told["SCHEDULE_ARN"].endswith(f"/{names[1]}")
    assert told["SCHEDULED_TIME"] == times[1].strftime("%Y-%m-%dT%H:%M:%SZ")
    assert emulator.receive(url, within_s=0) == []


def test_a_target_that_is_gone_is_a_dead_letter_at_once(emulator: Emulator, schedule: Callable[..., str]) -> None:
    """No retry could find a queue that does not exist."""
    (_, arn), (dead_url, dead_arn) = emulator.queue(), emulator.queue()
    soon = (_now(emulator) + timedelta(minutes=2)).replace(second=0)
    schedule(f"at({soon:%Y-%m-%dT%H:%M:%S})", f"{arn}-gone", DeadLetterConfig={"Arn": dead_arn})
    _advance(emulator, soon).raise_for_status()
    (dead,) = emulator.receive(dead_url)
    told = {name: one["StringValue"] for name, one in dead["MessageAttributes"].items()}
    assert "NonExistentQueue" in told["ERROR_CODE"]
    assert told["RETRY_ATTEMPTS"] == "0"
    assert "EXHAUSTED_RETRY_CONDITION" not in told


def test_a_function_without_an_input_gets_the_schedules_event(
    emulator: Emulator, schedule: Callable[..., str]
) -> None:
    """The event names the schedule, and its time is the scheduled one."""
    url, _ = emulator.queue()
    code = (
        "import boto3, json\ndef handler(event, context):\n"
        f"    boto3.client('sqs').send_message(QueueUrl={url!r}, MessageBody=json.dumps(event))\n"
    )
    function = emulator.client("lambda").get_function(FunctionName=emulator.function(code))
    name = schedule("rate(1 hour)", function["Configuration"]["FunctionArn"])
    (message,) = emulator.receive(url, within_s=20)
    event = json.loads(message["Body"])
    assert (event["source"], event["detail-type"]) == ("aws.scheduler", "Scheduled Event")
    assert event["resources"][0].endswith(f"/{name}")


def test_a_universal_target_is_any_call(emulator: Emulator, schedule: Callable[..., str]) -> None:
    """The input is the call's parameters."""
    url, _ = emulator.queue()
    parameters = {"QueueUrl": url, "MessageBody": "<aws.scheduler.scheduled-time>"}
    soon = (_now(emulator) + timedelta(minutes=2)).replace(second=0)
    target = "arn:aws:scheduler:::aws-sdk:sqs:sendMessage"
    schedule(f"at({soon:%Y-%m-%dT%H:%M:%S})", target, Input=json.dumps(parameters))
    _advance(emulator, soon).raise_for_status()
    (message,) = emulator.receive(url)
    assert message["Body"] == soon.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_role_that_the_scheduler_may_not_assume_is_refused(
    emulator: Emulator, schedule: Callable[..., str]
) -> None:
    """A schedule cannot be made with another service's role, and none with a target that the sandbox lacks."""
    _, arn = emulator.queue()
    with pytest.raises(ClientError, match="must allow AWS EventBridge Scheduler to assume the role"):
        schedule("rate(1 hour)", arn, role=_role(emulator, "lambda.amazonaws.com"))
    with pytest.raises(ClientError, match="cannot invoke"):
        schedule("rate(1 hour)", "arn:aws:ecs:us-east-1:111122223333:cluster/c")
    with pytest.raises(ClientError, match="Invalid Time Zone"):
        schedule("rate(1 hour)", arn, zone="Mars/Olympus")


def test_a_jump_over_thousands_of_invocations_is_refused(emulator: Emulator, schedule: Callable[..., str]) -> None:
    """The clock stays where it is, and names the schedule."""
    _, arn = emulator.queue()
    name = schedule("rate(1 minute)", arn)
    before = _now(emulator)
    answer = _advance(emulator, before + timedelta(days=1))
    assert answer.status_code == 400
    assert name in answer.json()["error"]
    assert _now(emulator) - before < timedelta(minutes=1)
