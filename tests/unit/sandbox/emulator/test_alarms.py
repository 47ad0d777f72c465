"""Alarms in the emulator: each metric that its services publish fires one and clears it, and no other's."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
import requests

from sandbox.emulator.cloudwatch import metric_names as names
from sandbox.emulator.environment import ACCOUNT, REGION
from tests.unit.sandbox.emulator.driver import Emulator, until
from tests.unit.sandbox.emulator.provocations import (
    PROVOCATIONS,
    failing_call,
    undeliverable_record,
    unique,
    waiting_message,
)

MINUTE_S = 60
PERIOD_S = 300
# So long until what happened is not in any period that an alarm of one period looks at.
FORGOTTEN_S = 4 * PERIOD_S


@dataclass(frozen=True)
class Watched:
    """An alarm and the queue that hears of it."""

    emulator: Emulator
    name: str
    queue_url: str

    def described(self) -> dict[str, Any]:
        """Return the alarm as CloudWatch describes it."""
        (alarm,) = self.emulator.client("cloudwatch").describe_alarms(AlarmNames=[self.name])["MetricAlarms"]
        return dict(alarm)

    @property
    def state(self) -> str:
        """Return the alarm's state."""
        return str(self.described()["StateValue"])

    def heard(self) -> list[dict[str, Any]]:
        """Take what was published: the message of each envelope, with the envelope's subject."""
        envelopes = [json.loads(one["Body"]) for one in self.emulator.receive(self.queue_url, within_s=0)]
        return [{**json.loads(one["Message"]), "Subject": one["Subject"]} for one in envelopes]


@pytest.fixture
def advance(emulator: Emulator) -> Callable[[float], None]:
    """Return what moves the sandbox's clock."""

    def move(seconds: float) -> None:
        requests.post(f"{emulator.url}/_clock", json={"advance_s": seconds}, timeout=60).raise_for_status()

    return move


def _topic(emulator: Emulator, principal: object = None) -> tuple[str, str]:
    """Make a topic that a principal may publish to, that of the default policy if None, and who hears it."""
    sns, (url, queue_arn) = emulator.client("sns"), emulator.open_queue("sns.amazonaws.com")
    arn = str(sns.create_topic(Name=unique())["TopicArn"])
    if principal is not None:
        statement = {"Effect": "Allow", "Principal": principal, "Action": "sns:Publish", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn)
    return arn, url


def _watch(
    emulator: Emulator,
    metric: names.Metric,
    *dimensions: str,
    topic: tuple[str, str] | None = None,
    **changed: Any,
) -> Watched:
    arn, url = topic or _topic(emulator)
    given = zip(metric.dimensions, dimensions, strict=True)
    settings = {
        "AlarmName": unique(),
        "AlarmDescription": "says what to do",
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in given],
        "Statistic": "Maximum",
        "Period": PERIOD_S,
        "EvaluationPeriods": 1,
        "Threshold": 0.001,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmActions": [arn],
        "OKActions": [arn],
        **changed,
    }
    emulator.client("cloudwatch").put_metric_alarm(**settings)
    return Watched(emulator, settings["AlarmName"], url)


def test_every_published_metric_is_provoked() -> None:
    """No metric is listed as published that no test has seen."""
    assert set(PROVOCATIONS) == set(names.PUBLISHED)


@pytest.mark.parametrize("metric", names.PUBLISHED, ids=lambda metric: "-".join([metric.name, *metric.dimensions]))
def test_metric_fires_its_alarm_and_no_other(
    emulator: Emulator, advance: Callable[[float], None], metric: names.Metric
) -> None:
    """What happens to one resource turns its alarm, and not that of a resource with another name."""
    theirs = _watch(emulator, metric, *(unique() for _ in metric.dimensions))
    dimensions = PROVOCATIONS[metric](emulator)
    ours = _watch(emulator, metric, *dimensions)

    def fires() -> bool:
        advance(MINUTE_S)
        return ours.state == "ALARM"

    until(fires, within_s=10)
    assert theirs.state == "OK"


def test_errors_fire_and_clear_by_themselves(emulator: Emulator, advance: Callable[[float], None]) -> None:
    """A function's error turns its alarm once; it clears once no period that is looked at has the error."""
    watched = _watch(emulator, names.ERRORS, *failing_call(emulator), Statistic="Sum", Threshold=1)
    advance(MINUTE_S)
    (fired,) = watched.heard()
    advance(FORGOTTEN_S)
    (cleared,) = watched.heard()
    assert [fired["OldStateValue"], fired["NewStateValue"]] == ["INSUFFICIENT_DATA", "ALARM"]
    assert [cleared["OldStateValue"], cleared["NewStateValue"]] == ["ALARM", "OK"]
    assert watched.state == "OK"
    history = emulator.client("cloudwatch").describe_alarm_history(
        AlarmName=watched.name, HistoryItemType="StateUpdate"
    )
    summaries = [one["HistorySummary"] for one in history["AlarmHistoryItems"]]
    assert {"Alarm updated from INSUFFICIENT_DATA to ALARM", "Alarm updated from ALARM to OK"} <= set(summaries)


def test_depth_clears_when_the_queue_is_empty(emulator: Emulator, advance: Callable[[float], None]) -> None:
    """A dead letter's alarm stays while the message does, for days, and clears after it is gone."""
    (name,) = waiting_message(emulator)
    watched = _watch(emulator, names.MESSAGES_VISIBLE, name, Threshold=1)
    advance(MINUTE_S)
    advance(3 * 24 * 3600)
    assert watched.state == "ALARM"
    assert len(watched.heard()) == 1
    sqs = emulator.client("sqs")
    sqs.purge_queue(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"])
    advance(FORGOTTEN_S)
    assert watched.state == "OK"


def test_age_is_that_of_the_dead_letter_queue(emulator: Emulator, advance: Callable[[float], None]) -> None:
    """A message that was an hour old when it became a dead letter is young among the dead letters."""
    dead_url, dead_arn = emulator.queue()
    policy = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1})
    url, _ = emulator.queue(RedrivePolicy=policy, VisibilityTimeout="0")
    sqs = emulator.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="m")
    advance(3600)
    for _ in range(2):
        sqs.receive_message(QueueUrl=url)
    young, old = (
        _watch(emulator, names.AGE_OF_OLDEST, dead_url.rpartition("/")[2], Threshold=threshold)
        for threshold in (0, 3600)
    )
    advance(2 * MINUTE_S)
    assert (young.state, old.state) == ("ALARM", "OK")
    advance(3600)
    assert old.state == "ALARM"


def test_a_message_received_three_times_is_not_the_oldest(
    emulator: Emulator, advance: Callable[[float], None]
) -> None:
    """SQS leaves out what nobody can process, so that it does not hide how late the others are."""
    (name,) = waiting_message(emulator)
    watched = _watch(emulator, names.AGE_OF_OLDEST, name, Threshold=600)
    sqs = emulator.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    for _ in range(3):
        sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)
    advance(1200)
    assert watched.state == "OK"
    sqs.send_message(QueueUrl=url, MessageBody="another")
    advance(1200)
    assert watched.state == "ALARM"


def test_a_function_that_a_queue_calls_is_counted(emulator: Emulator, advance: Callable[[float], None]) -> None:
    """A mapping's invocations, errors and throttles are the function's, once each."""
    url, arn = emulator.queue(VisibilityTimeout="1800")
    function = emulator.function("def handler(event, context):\n    return 1 / 0\n")
    emulator.client("lambda").create_event_source_mapping(FunctionName=function, EventSourceArn=arn)
    emulator.client("sqs").send_message(QueueUrl=url, MessageBody="m")
    until(lambda: _sum(emulator, "Invocations", function) == 1.0, within_s=20)
    assert _sum(emulator, "Errors", function) == 1.0
    assert _sum(emulator, "Throttles", function) == 0.0


def test_a_throttle_counts_once(emulator: Emulator) -> None:
    """A call that may not run is a throttle, and no invocation."""
    (function,) = PROVOCATIONS[names.THROTTLES](emulator)
    assert _sum(emulator, "Throttles", function) == 1.0
    assert _sum(emulator, "Invocations", function) == 0.0


def _sum(emulator: Emulator, metric: str, function: str) -> float:
    now = requests.get(f"{emulator.url}/_clock", timeout=5).json()["now"]
    points = emulator.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=[{"Name": "FunctionName", "Value": function}],
        StartTime="2026-01-01T00:00:00Z",
        EndTime=now.replace("2026", "2036"),
        Period=86400,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points))


def test_a_log_line_is_a_metric(emulator: Emulator, advance: Callable[[float], None]) -> None:
    """What a function prints in the embedded metric format fires the alarm of its dimensions, and no other's."""
    code = (
        "import json, time\n"
        "def handler(event, context):\n"
        "    print(json.dumps({'_aws': {'Timestamp': int(time.time() * 1000), 'CloudWatchMetrics': [{\n"
        "        'Namespace': 'App', 'Dimensions': [['connector']], 'Metrics': [{'Name': 'Failed'}]}]},\n"
        "        'connector': event['connector'], 'Failed': 1}))\n"
    )
    failed = names.Metric("App", "Failed", ("connector",))
    first, second = unique(), unique()
    ours, theirs, all_of_them = (
        _watch(emulator, names.Metric("App", "Failed", ()) if one is None else failed, *([one] if one else []))
        for one in (first, second, None)
    )
    emulator.invoke(emulator.function(code), {"connector": first})
    advance(MINUTE_S)
    assert (ours.state, theirs.state, all_of_them.state) == ("ALARM", "OK", "OK")
    advance(FORGOTTEN_S)
    assert ours.state == "OK"


def test_several_periods_have_to_breach(emulator: Emulator, advance: Callable[[float], None]) -> None:
    """An alarm of three periods does not fire for one, and fires for one that lasts."""
    (name,) = waiting_message(emulator)
    watched = _watch(emulator, names.MESSAGES_VISIBLE, name, Threshold=1, EvaluationPeriods=3)
    advance(MINUTE_S)
    assert watched.state == "OK"
    advance(3 * PERIOD_S)
    assert watched.state == "ALARM"


def test_message_is_as_aws_sends_it(emulator: Emulator, advance: Callable[[float], None]) -> None:
    """The topic hears what happened, of which metric and why, and in which alarm."""
    watched = _watch(emulator, names.ERRORS, *failing_call(emulator), Statistic="Sum", Threshold=1)
    advance(MINUTE_S)
    (heard,) = watched.heard()
    described = watched.described()
    dimension = described["Dimensions"][0]["Value"]
    assert heard.pop("StateChangeTime").endswith("+0000")
    assert heard.pop("AlarmConfigurationUpdatedTimestamp").endswith("+0000")
    assert heard.pop("NewStateReason") == described["StateReason"]
    assert described["StateReason"].startswith("Threshold Crossed: 1 datapoint [1.0 (")
    assert heard == {
        "Subject": f'ALARM: "{watched.name}" in US East (N. Virginia)',
        "AlarmName": watched.name,
        "AlarmDescription": "says what to do",
        "AWSAccountId": ACCOUNT,
        "NewStateValue": "ALARM",
        "Region": "US East (N. Virginia)",
        "AlarmArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{watched.name}",
        "OldStateValue": "INSUFFICIENT_DATA",
        "OKActions": described["OKActions"],
        "AlarmActions": described["AlarmActions"],
        "InsufficientDataActions": [],
        "Trigger": {
            "MetricName": "Errors",
            "Namespace": "AWS/Lambda",
            "StatisticType": "Statistic",
            "Statistic": "SUM",
            "Unit": None,
            "Dimensions": [{"value": dimension, "name": "FunctionName"}],
            "Period": PERIOD_S,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "Threshold": 1.0,
            "TreatMissingData": "notBreaching",
            "EvaluateLowSampleCountPercentile": "",
        },
    }


@pytest.mark.parametrize(
    "changed", [{"ActionsEnabled": False}, {"AlarmActions": []}], ids=["actions disabled", "no alarm actions"]
)
def test_only_the_enabled_actions_of_the_new_state_are_taken(
    emulator: Emulator, advance: Callable[[float], None], changed: dict[str, Any]
) -> None:
    """An alarm without the action fires all the same, and publishes nothing."""
    (name,) = waiting_message(emulator)
    watched = _watch(emulator, names.MESSAGES_VISIBLE, name, **changed)
    advance(MINUTE_S)
    assert watched.state == "ALARM"
    assert watched.heard() == []


@pytest.mark.parametrize(
    ("principal", "hears"),
    [
        (None, 1),
        ({"Service": "cloudwatch.amazonaws.com"}, 1),
        ({"Service": "events.amazonaws.com"}, 0),
    ],
    ids=["default policy", "alarms", "others"],
)
def test_topic_has_to_let_alarms_in(
    emulator: Emulator, advance: Callable[[float], None], principal: object, hears: int
) -> None:
    """A topic whose policy names other services alone hears nothing of an alarm."""
    (name,) = waiting_message(emulator)
    topic = _topic(emulator, principal)
    watched = _watch(emulator, names.MESSAGES_VISIBLE, name, topic=topic)
    advance(MINUTE_S)
    assert watched.state == "ALARM"
    assert len(watched.heard()) == hears


def test_alarms_are_evaluated_as_time_passes(emulator: Emulator, advance: Callable[[float], None]) -> None:
    """Nobody has to move the clock: a new alarm is judged when the minute ends."""
    now = datetime.fromisoformat(requests.get(f"{emulator.url}/_clock", timeout=5).json()["now"])
    advance((MINUTE_S + 57 - now.second) % MINUTE_S)  # a few seconds before a minute ends
    (name,) = waiting_message(emulator)
    watched = _watch(emulator, names.MESSAGES_VISIBLE, name)
    until(lambda: watched.state == "ALARM", within_s=10)


def test_undelivered_records_are_delivered_later(emulator: Emulator, advance: Callable[[float], None]) -> None:
    """Firehose tries again: once there is a bucket, the record is in it and the stream is fresh."""
    (stream,) = undeliverable_record(emulator)
    watched = _watch(emulator, names.FRESHNESS, stream, Threshold=1800)
    advance(2400)
    assert watched.state == "ALARM"
    described = emulator.client("firehose").describe_delivery_stream(DeliveryStreamName=stream)
    (destination,) = described["DeliveryStreamDescription"]["Destinations"]
    bucket = destination["ExtendedS3DestinationDescription"]["BucketARN"].rpartition(":")[2]
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=bucket)
    advance(FORGOTTEN_S)
    (written,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert s3.get_object(Bucket=bucket, Key=written["Key"])["Body"].read() == b"r"
    assert watched.state == "OK"
