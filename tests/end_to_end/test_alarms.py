"""The deployed app's alarms: one of each kind fires and clears, people hear of both, and no other alarm does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from activation.model import Audience, Drop
from activation.report.receipts import stem

from tests.end_to_end.driver import Sandbox, until
from tests.end_to_end.people import DOMAIN

MINUTE_S, HOUR_S = 60, 3600
# The alarms' periods are five minutes long, and three of them are looked at.
FORGOTTEN_S = 20 * MINUTE_S
OK, ALARM = "OK", "ALARM"


@dataclass
class Alarms:
    """The deployed alarms, and what people were mailed of them."""

    sandbox: Sandbox
    heard: list[dict[str, Any]] = field(default_factory=list)

    def all(self) -> list[dict[str, Any]]:
        """Return every alarm as CloudWatch describes it."""
        pages = self.sandbox.client("cloudwatch").get_paginator("describe_alarms").paginate()
        return [alarm for page in pages for alarm in page["MetricAlarms"]]

    def on(self, metric: str, dimension: str = "", value: str = "") -> str:
        """Return the name of the one alarm on a metric, of a resource if one is given."""
        of_resource = {"Name": dimension, "Value": value}
        (name,) = [
            alarm["AlarmName"]
            for alarm in self.all()
            if alarm["MetricName"] == metric and (not dimension or of_resource in alarm["Dimensions"])
        ]
        return str(name)

    def state(self, name: str) -> str:
        """Return the state of an alarm."""
        (alarm,) = self.sandbox.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return str(alarm["StateValue"])

    def wait(self, name: str, state: str) -> None:
        """Let minutes pass until an alarm has a state, none while a function runs.

        Each hour that passes starts more functions: in a loop they outran the one whose metric was waited for.
        """

        def reached() -> bool | None:
            if any(worker["in_flight"] for worker in self.sandbox.all_workers()):
                time.sleep(0.2)
            else:
                self.sandbox.advance(MINUTE_S)
            return True if self.state(name) == state else None

        until(reached, 60)

    def mailed(self, name: str) -> list[str]:
        """Return the states that people were told an alarm has, in order, since the test began."""
        client, url = self.sandbox.client("sqs"), self.sandbox.described["notices_queue_url"]
        while messages := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                if message["Body"].startswith("{"):
                    self.heard.append(json.loads(message["Body"]))
        return [one["NewStateValue"] for one in self.heard if one.get("AlarmName") == name]


@pytest.fixture
def alarms(sandbox: Sandbox) -> Alarms:
    """Let every alarm come to rest, and forget what was heard until then."""
    sandbox.advance(FORGOTTEN_S)
    made = Alarms(sandbox)
    made.mailed("")
    made.heard.clear()
    return made


def _queue(url: str) -> str:
    return url.rpartition("/")[2]


@contextmanager
def _nobody_at_work(sandbox: Sandbox, connector: str) -> Iterator[None]:
    """Let a connector's function read nothing from its queue."""
    client, addresses = sandbox.client("lambda"), sandbox.connector(connector)
    (mapping,) = client.list_event_source_mappings(FunctionName=addresses["function_name"])["EventSourceMappings"]
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        yield
    finally:
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


def _fires_and_clears(alarms: Alarms, ours: str, theirs: str, clear: Callable[[], object]) -> None:
    """Wait until an alarm fires, then clear it; the other connector's has to be quiet all the while."""
    alarms.wait(ours, ALARM)
    assert alarms.state(theirs) == OK
    clear()
    alarms.sandbox.advance(FORGOTTEN_S)
    assert (alarms.state(ours), alarms.state(theirs)) == (OK, OK)
    assert alarms.mailed(ours) == [ALARM, OK]
    assert alarms.mailed(theirs) == []


def test_a_dead_letter_of_tiktok_is_tiktoks_alarm(sandbox: Sandbox, alarms: Alarms) -> None:
    """A message in TikTok's dead letters fires TikTok's alarm and not Meta's; an empty queue clears it."""
    urls = [sandbox.connector(name)["dead_letter_queue_url"] for name in ("tiktok", "meta")]
    ours, theirs = (alarms.on("ApproximateNumberOfMessagesVisible", "QueueName", _queue(url)) for url in urls)
    sqs = sandbox.client("sqs")
    sqs.send_message(QueueUrl=urls[0], MessageBody="{}")
    _fires_and_clears(alarms, ours, theirs, lambda: sqs.purge_queue(QueueUrl=urls[0]))


def test_a_message_that_nobody_takes_is_an_old_one(sandbox: Sandbox, alarms: Alarms) -> None:
    """Six hours after a message came into TikTok's queue its alarm fires, and clears when the message is gone."""
    urls = [sandbox.connector(name)["queue_url"] for name in ("tiktok", "meta")]
    ours, theirs = (alarms.on("ApproximateAgeOfOldestMessage", "QueueName", _queue(url)) for url in urls)
    sqs = sandbox.client("sqs")
    with _nobody_at_work(sandbox, "tiktok"):
        sqs.send_message(QueueUrl=urls[0], MessageBody="{}")
        sandbox.advance(5 * HOUR_S)
        assert alarms.state(ours) == OK
        sandbox.advance(HOUR_S)
        _fires_and_clears(alarms, ours, theirs, lambda: sqs.purge_queue(QueueUrl=urls[0]))


@pytest.mark.faults
def test_errors_of_tiktoks_function_are_tiktoks_alarm(sandbox: Sandbox, alarms: Alarms) -> None:
    """A call that the function cannot answer fires the alarm on its errors, which clears once they are past."""
    names = [sandbox.connector(name)["function_name"] for name in ("tiktok", "meta")]
    ours, theirs = (alarms.on("Errors", "FunctionName", name) for name in names)
    answer = sandbox.client("lambda").invoke(FunctionName=names[0], Payload=b'"no event"')
    assert "FunctionError" in answer
    _fires_and_clears(alarms, ours, theirs, lambda: None)


def test_a_metric_that_the_app_logs_fires_its_alarm(sandbox: Sandbox, alarms: Alarms) -> None:
    """An object under no connector's prefix is a metric in the watch's log, and fires the alarm on it alone."""
    ours, theirs = (alarms.on(metric) for metric in ("DropsIgnored", "DropsMissing"))
    sandbox.drop("nobody/audience/raw/people.csv", b"email\n")
    _fires_and_clears(alarms, ours, theirs, lambda: None)


def test_a_run_of_rejected_rows_fires_and_a_good_one_clears(sandbox: Sandbox, alarms: Alarms) -> None:
    """Nine of ten rows without an address fire Meta's alarm alone, which stays until a run has fewer."""
    ours, theirs = (alarms.on("RejectPercent", "connector", name) for name in ("meta", "tiktok"))
    _run(sandbox, "bad.csv", ["nobody"] * 9 + [f"one@{DOMAIN}"])
    alarms.wait(ours, ALARM)
    sandbox.advance(FORGOTTEN_S)
    assert alarms.state(ours) == ALARM
    assert alarms.state(theirs) != ALARM
    _run(sandbox, "good.csv", [f"{number}@{DOMAIN}" for number in range(10)])
    alarms.wait(ours, OK)
    assert alarms.mailed(ours)[-2:] == [ALARM, OK]


def test_a_good_run_clears_the_alarm_of_a_bad_one_a_minute_before(sandbox: Sandbox, alarms: Alarms) -> None:
    """Who corrects a file at once, and drops nothing after it, has no alarm that stays on."""
    ours = alarms.on("RejectPercent", "connector", "meta")
    _run(sandbox, "bad at once.csv", ["nobody"] * 9 + [f"two@{DOMAIN}"])
    alarms.wait(ours, ALARM)
    _run(sandbox, "good at once.csv", [f"at.once.{number}@{DOMAIN}" for number in range(10)])
    for _ in range(6):  # longer than the other alarms' periods
        sandbox.advance(MINUTE_S)
    assert alarms.state(ours) == OK
    assert alarms.mailed(ours)[-2:] == [ALARM, OK]


def _run(sandbox: Sandbox, name: str, emails: list[str]) -> None:
    """Drop addresses for Meta, and wait until the platform has them."""
    key = f"meta/Rejects/raw/{name}"
    version = sandbox.drop(key, "\n".join(["email", *emails]).encode())
    drop = Drop(sandbox.described["drops_bucket"], key, version, "", 0)
    sandbox.receipt(f"{stem(Audience('meta', 'Rejects'), drop.run_id('meta'))}.json", within_s=240)


def test_a_rule_whose_queue_refuses_it_fires_its_alarm(sandbox: Sandbox, alarms: Alarms) -> None:
    """An event that TikTok's rule cannot deliver fires the alarm on that rule, and not the one on Meta's."""
    ours, theirs = (
        alarms.on("FailedInvocations", "RuleName", _rule(sandbox, connector)) for connector in ("tiktok", "meta")
    )
    sqs, addresses = sandbox.client("sqs"), sandbox.connector("tiktok")
    queue = {"QueueUrl": addresses["queue_url"]}
    policy = sqs.get_queue_attributes(**queue, AttributeNames=["Policy"])["Attributes"]["Policy"]
    sqs.set_queue_attributes(**queue, Attributes={"Policy": ""})
    try:
        sandbox.drop("tiktok/Nobody/raw/people.csv", b"email\n")
        _fires_and_clears(
            alarms, ours, theirs, lambda: sqs.purge_queue(QueueUrl=addresses["undelivered_queue_url"])
        )
    finally:
        sqs.set_queue_attributes(**queue, Attributes={"Policy": policy})


def _rule(sandbox: Sandbox, connector: str) -> str:
    """Return the name of the rule for a connector's drops."""
    (name,) = [
        rule["Name"]
        for rule in sandbox.client("events").list_rules()["Rules"]
        if f'{{"prefix":"{connector}/"}}' in rule.get("EventPattern", "").replace(" ", "")
    ]
    return str(name)


def test_every_kind_of_alarm_fires_as_it_is_set_and_alone(sandbox: Sandbox, alarms: Alarms) -> None:
    """Of each watched metric, values at the threshold for as long as it takes fire the alarm on them alone."""
    kinds = {(alarm["Namespace"], alarm["MetricName"]): alarm for alarm in alarms.all()}
    assert len(kinds) >= 13
    for alarm in kinds.values():
        lasts = alarm["TreatMissingData"] == "ignore"  # as it is, until the metric is written again
        if lasts:
            _publish(sandbox, alarm, 0)
            sandbox.advance(alarm["Period"])
        for _ in range(alarm["EvaluationPeriods"]):
            assert alarms.state(alarm["AlarmName"]) == OK
            _publish(sandbox, alarm, alarm["Threshold"])
            sandbox.advance(alarm["Period"])
        firing = [one["AlarmName"] for one in alarms.all() if one["StateValue"] == ALARM]
        assert firing == [alarm["AlarmName"]]
        if lasts:
            sandbox.advance(3 * alarm["Period"] + MINUTE_S)
            assert alarms.state(alarm["AlarmName"]) == ALARM
            _publish(sandbox, alarm, 0)
        sandbox.advance(3 * alarm["Period"] + MINUTE_S)
        assert alarms.state(alarm["AlarmName"]) == OK


def _publish(sandbox: Sandbox, alarm: dict[str, Any], value: float) -> None:
    """Put a value of an alarm's metric, by the alarm's own dimensions."""
    sandbox.client("cloudwatch").put_metric_data(
        Namespace=alarm["Namespace"],
        MetricData=[{"MetricName": alarm["MetricName"], "Dimensions": alarm["Dimensions"], "Value": value}],
    )


def test_every_alarm_is_quiet_and_was_judged(alarms: Alarms) -> None:
    """Without anything amiss no alarm fires, and none waits for data that nobody publishes."""
    # What is examined once a day is not, in the sandbox, unless a test asks for it.
    judged = [alarm for alarm in alarms.all() if alarm["TreatMissingData"] != "ignore"]
    states = {alarm["AlarmName"]: alarm["StateValue"] for alarm in judged}
    assert len(states) > 30
    assert {name: state for name, state in states.items() if state != OK} == {}
