"""The daily examination, deployed: its findings in what it returns, in its log as metrics, and as notices."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from tests.end_to_end.driver import Sandbox, until

STACK = "audience-activation-doctor"
MINUTE_S, DAY_S = 60, 86_400
OF_ALARM = (
    *("AlarmName", "AlarmActions", "OKActions", "MetricName", "Namespace", "Statistic", "Dimensions", "Period"),
    *("EvaluationPeriods", "Threshold", "ComparisonOperator"),
)
KEPT = ("Name", "ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow", "Target", "Description")


@pytest.fixture
def function(sandbox: Sandbox) -> str:
    """Return the name of the deployed function."""
    (stack,) = sandbox.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    return str({one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}["DoctorFunctionName"])


def examined(sandbox: Sandbox, function: str) -> dict[str, Any]:
    """Call the function as EventBridge Scheduler does, and return what it returns."""
    answer = sandbox.client("lambda").invoke(FunctionName=function, Payload=b"{}")
    found: dict[str, Any] = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, found
    return found


def metrics(sandbox: Sandbox, function: str) -> list[dict[str, Any]]:
    """Return the metric lines in the function's log, the oldest first."""
    described = sandbox.client("lambda").get_function_configuration(FunctionName=function)
    group = described["LoggingConfig"]["LogGroup"]
    events = sandbox.client("logs").filter_log_events(logGroupName=group)["events"]
    lines = [json.loads(one["message"]) for one in events if one["message"].lstrip().startswith('{"_aws"')]
    return [one for one in lines if "DoctorFailures" in one or "DoctorFindings" in one]


def notices(sandbox: Sandbox) -> list[str]:
    """Take the notices of findings that were published to the topic."""
    url, sqs = sandbox.described["notices_queue_url"], sandbox.client("sqs")
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for one in found:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
    return [one["Body"] for one in found if "activation doctor" in one["Body"]]


def test_an_expired_token_is_a_finding_a_metric_and_a_notice(sandbox: Sandbox, function: str) -> None:
    """A healthy app has none; and once the token is good again, the metric that ends the alarm is a zero."""
    sandbox.simulator_reset("meta")
    # The account's concurrency is the emulator's, dead letters may be another test's, and the sandbox's sources
    # keep no versions.
    shared = {"concurrency", "dead letters", "source partner, versions", "source clean-rooms, versions"}
    found = examined(sandbox, function)["findings"]
    assert [(one["connector"], one["check"], one["says"]) for one in found if one["check"] not in shared] == []
    sandbox.simulator_config("meta", tokens=[{"state": "expired"}])
    found = examined(sandbox, function)["findings"]
    bad = [one for one in found if one["connector"] == "meta" and one["check"] not in shared]
    assert [(one["check"], one["severity"]) for one in bad] == [("token", "failure")]
    assert "it has expired" in bad[0]["says"]

    def published() -> str | None:
        return next((one for one in notices(sandbox) if "Connector meta: token" in one), None)

    notice = until(published, 30)
    assert "it has expired" in notice
    assert "activation doctor --connector meta" in notice

    def written() -> dict[str, Any] | None:
        ofs = [one for one in metrics(sandbox, function) if one.get("connector") == "meta"]
        return next((one for one in ofs if one["severity"] == "failure" and one["DoctorFindings"] == [1.0]), None)

    assert until(written, 30)["service"] == STACK
    sandbox.simulator_reset("meta")
    after = examined(sandbox, function)["findings"]
    failures = [one["DoctorFailures"][0] for one in metrics(sandbox, function) if "DoctorFailures" in one]
    # Every connector that uses the token has a failure.
    counted = [sum(one["severity"] == "failure" for one in findings) for findings in (found, after)]
    assert failures[-2:] == counted
    assert counted[0] > counted[1]


def test_the_schedule_calls_it_and_its_alarm_lasts(sandbox: Sandbox, function: str) -> None:
    """The next day's call finds the expired token; hours later the alarm is on, until an examination counts none.

    That one is put here: the functions' clock is the machine's, and the platforms' is days ahead by then.
    """
    scheduler, cloudwatch = sandbox.client("scheduler"), sandbox.client("cloudwatch")
    (name,) = (one["Name"] for one in scheduler.list_schedules()["Schedules"] if function in one["Target"]["Arn"])
    schedule = scheduler.get_schedule(Name=name)
    kept = {key: schedule[key] for key in KEPT if key in schedule}

    def alarm() -> dict[str, Any]:
        pages = cloudwatch.get_paginator("describe_alarms").paginate()
        (found,) = (one for page in pages for one in page["MetricAlarms"] if one["MetricName"] == "DoctorFailures")
        return dict(found)

    def reached(wanted: str) -> bool | None:
        sandbox.advance(MINUTE_S)
        return True if alarm()["StateValue"] == wanted else None

    # The sandbox is deployed with the examination off, where the alarm ends by itself; here it is as with it on.
    cloudwatch.put_metric_alarm(
        **{key: value for key, value in alarm().items() if key in OF_ALARM}, TreatMissingData="ignore"
    )
    scheduler.update_schedule(**kept, State="ENABLED")
    sandbox.simulator_config("meta", tokens=[{"state": "expired"}])
    try:
        sandbox.advance(DAY_S)
        until(partial(reached, "ALARM"), 60)
    finally:
        scheduler.update_schedule(**kept, State="DISABLED")
        sandbox.simulator_reset("meta")
    sandbox.advance(2 * 3_600)
    assert alarm()["StateValue"] == "ALARM"
    watched = alarm()
    zero = {"MetricName": watched["MetricName"], "Dimensions": watched["Dimensions"], "Value": 0}
    cloudwatch.put_metric_data(Namespace=watched["Namespace"], MetricData=[zero])
    until(partial(reached, "OK"), 60)
