"""Who is told when a connector is in trouble: alarms, topics and notices."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest

from tests.infrastructure.conftest import Templates
from tests.infrastructure.connectors import each_connector


@dataclass(frozen=True)
class Watch:
    """What an alarm looks at."""

    queue: str
    metric: str
    threshold: int


WATCHES = {
    "DeadLetters": Watch("DeadLetters", "ApproximateNumberOfMessagesVisible", 1),
    "DeadLettersForgotten": Watch("DeadLetters", "ApproximateAgeOfOldestMessage", 7 * 86400),
    "Backlog": Watch("Queue", "ApproximateAgeOfOldestMessage", 6 * 3600),
    "Undelivered": Watch("Undelivered", "ApproximateNumberOfMessagesVisible", 1),
    "NoticesUndelivered": Watch("NoticesUndelivered", "ApproximateNumberOfMessagesVisible", 1),
}


@each_connector
@pytest.mark.parametrize("alarm", WATCHES)
def test_an_operator_is_told(templates: Templates, id_: str, alarm: str) -> None:
    """Dead letters, forgotten ones, waiting work and undelivered events raise an alarm; its end is told too."""
    watch = WATCHES[alarm]
    pattern = re.compile(rf"{id_}Alarms{alarm}[0-9A-F]{{8}}")
    found = templates.resources("AWS::CloudWatch::Alarm").items()
    (properties,) = (properties for name, properties in found if pattern.fullmatch(name))
    assert (properties["MetricName"], properties["Threshold"]) == (watch.metric, watch.threshold)
    assert properties["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert properties["TreatMissingData"] == "notBreaching"
    assert re.match(rf"{id_}{watch.queue}[0-9A-F]{{8}}", properties["Dimensions"][0]["Value"]["Fn::GetAtt"][0])
    assert properties["AlarmActions"] == properties["OKActions"]
    assert topic_of(properties["AlarmActions"][0]) == TOPICS[id_]


@each_connector
def test_an_alarm_of_old_letters_names_commands_that_run(templates: Templates, id_: str) -> None:
    """`--discard` alone is refused: the letters have to be chosen."""
    (alarm,) = (
        properties
        for name, properties in templates.resources("AWS::CloudWatch::Alarm").items()
        if name.startswith(f"{id_}AlarmsDeadLettersForgotten")
    )
    first, discard = re.findall(r"`activation (.*?)`", alarm["AlarmDescription"])
    assert discard == f"{first} --reason CODE --discard"


# A connector with an address has a topic of its own; the others use the app's, in the storage stack.
TOPICS = {"Alpha": "AlarmTopic", "BetaEu": "BetaEuAlarmsTopic"}


def topic_of(reference: dict[str, str]) -> str:
    """Return the logical id of a topic without its hash, whichever stack it is in."""
    name = reference.get("Ref") or reference["Fn::ImportValue"].rsplit("Ref", 1)[-1]
    return re.sub(r"([0-9A-F]{8})+\Z", "", name)


@each_connector
@pytest.mark.parametrize("rule", ["Drops", "Notices"])
@pytest.mark.parametrize("alarm", ["FailedInvocations", "LostEvents"])
def test_events_that_are_not_delivered_are_told(templates: Templates, id_: str, alarm: str, rule: str) -> None:
    """Both rules of a connector are watched for failed and for lost events.

    The metrics of a rule on the default bus name the rule alone, of one on another bus both:
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html, read 2026-11-29.
    """
    metric = {"LostEvents": "InvocationsFailedToBeSentToDlq"}.get(alarm, alarm)
    names = {"RuleName"} if rule == "Drops" else {"EventBusName", "RuleName"}
    properties = templates.resource("AWS::CloudWatch::Alarm", f"{id_}Alarms{rule}{alarm}")
    assert (properties["Namespace"], properties["MetricName"]) == ("AWS/Events", metric)
    assert {one["Name"] for one in properties["Dimensions"]} == names
    assert (properties["Statistic"], properties["Threshold"]) == ("Sum", 1)


LAMBDA_METRICS = {
    "Errors": ("Errors", "Sum", 1, 1),
    "Throttles": ("Throttles", "Sum", 1, 3),
    "Slow": ("Duration", "Maximum", 175_000, 1),
    "Returned": ("FailedInvokeEventCount", "Sum", 1, 3),
}


@pytest.mark.parametrize("alarm", LAMBDA_METRICS)
def test_a_function_in_trouble_is_told(templates: Templates, alarm: str) -> None:
    """Errors, lasting throttles and returned messages, and invocations that end just before their timeout.

    A mapping counts its events only if it is asked to:
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html, read 2026-11-29.
    """
    name, statistic, threshold, periods = LAMBDA_METRICS[alarm]
    properties = templates.resource("AWS::CloudWatch::Alarm", f"BetaEuAlarmsFunction{alarm}")
    assert (properties["Namespace"], properties["MetricName"]) == ("AWS/Lambda", name)
    assert (properties["Statistic"], properties["Threshold"]) == (statistic, threshold)
    assert properties["EvaluationPeriods"] == periods
    (dimension,) = properties["Dimensions"]
    wanted = "EventSourceMappingUUID" if alarm == "Returned" else "FunctionName"
    assert dimension["Name"] == wanted
    assert dimension["Value"]["Ref"].startswith("BetaEuMapping" if alarm == "Returned" else "BetaEuFunction")


def test_rejected_rows_are_told(templates: Templates) -> None:
    """The share of a run is compared with the setting; the alarm ends with a run below it, not with time."""
    for id_, name, percent in (("Alpha", "alpha", 50), ("BetaEu", "beta-eu", 12.5)):
        properties = templates.resource("AWS::CloudWatch::Alarm", f"{id_}AlarmsRejects")
        assert (properties["MetricName"], properties["Threshold"]) == ("RejectPercent", percent)
        assert (properties["Period"], properties["Statistic"]) == (60, "Maximum")
        assert properties["TreatMissingData"] == "ignore"
        assert {one["Name"]: one["Value"] for one in properties["Dimensions"]} == {
            "connector": name,
            "service": name,
        }


def test_the_dashboard_shows_every_connector_by_plain_metrics(templates: Templates) -> None:
    """Rows, time, queue and platform of each, without metric math and without a name of an audience."""
    (dashboard,) = templates.resources("AWS::CloudWatch::Dashboard").values()
    assert dashboard["DashboardName"] == "audience-activation"
    body = json.dumps(dashboard["DashboardBody"])
    for metric in ("RowsSettled", "RowsAcknowledged", "RowsRejected", "RejectPercent", "TimeToActivate"):
        assert body.count(f'\\"{metric}\\"') == 2
    for metric in ("PlatformLatency", "PlatformThrottles", "ApproximateAgeOfOldestMessage"):
        assert body.count(f'\\"{metric}\\"') == 2
    assert "expression" not in body


def test_every_function_is_watched(templates: Templates) -> None:
    """No function, the watch's own included, fails in silence."""
    for metric in ("Errors", "Throttles", "Duration"):
        watched = {
            alarm["Dimensions"][0]["Value"]["Ref"]
            for alarm in templates.resources("AWS::CloudWatch::Alarm").values()
            if alarm.get("MetricName") == metric
        }
        assert watched == set(templates.resources("AWS::Lambda::Function"))


def test_every_dead_letter_queue_has_an_alarm(templates: Templates) -> None:
    """No queue without a consumer is left unwatched."""
    watched = {
        alarm["Dimensions"][0]["Value"]["Fn::GetAtt"][0]
        for alarm in templates.resources("AWS::CloudWatch::Alarm").values()
        if alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible"
    }
    unread = {id_ for id_, queue in templates.resources("AWS::SQS::Queue").items() if "RedrivePolicy" not in queue}
    assert unread == watched


@pytest.mark.parametrize(
    ("topic", "names"),
    [("AlarmTopic", "audience-activation-*"), ("BetaEu", "audience-activation-activation-*")],
)
def test_alarms_may_publish_to_the_topic_by_name(templates: Templates, topic: str, names: str) -> None:
    """A topic with its own policy has lost the default one, so alarms are let in by name.

    https://repost.aws/knowledge-center/cloudwatch-receive-sns-for-alarm-trigger, read 2026-11-29.
    """
    allowed = publishers(templates, topic)["cloudwatch.amazonaws.com"]
    assert str(allowed["Condition"]["ArnLike"]["aws:SourceArn"]).endswith(f":alarm:{names}']]}}")


@pytest.mark.parametrize("topic", ["AlarmTopic", "BetaEu"])
def test_eventbridge_may_publish_to_the_topic_without_a_condition(templates: Templates, topic: str) -> None:
    """A notice is let in by a statement that EventBridge can meet.

    "You can't use Condition blocks in Amazon SNS topic policies for EventBridge":
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html, read 2026-11-29.
    """
    allowed = publishers(templates, topic)["events.amazonaws.com"]
    assert allowed["Action"] == "sns:Publish"
    assert "Condition" not in allowed


@each_connector
def test_a_notice_goes_to_the_connector_s_topic(templates: Templates, id_: str) -> None:
    """The target is the topic of the connector's alarms, without a role, which copies of AWS's page refuse.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html, read 2026-11-29.
    """
    (target,) = templates.resource("AWS::Events::Rule", f"{id_}AlarmsNotices")["Targets"]
    assert topic_of(target["Arn"]) == TOPICS[id_]
    assert "RoleArn" not in target


def test_a_notice_says_what_happened_and_what_to_run(templates: Templates) -> None:
    """The mail is the function's three lines; EventBridge escapes nothing, so no other value is in it.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html, read 2026-11-29.
    """
    from activation.report.notice import notice

    receipt = {
        "run_id": "r" * 32,
        "connector": "beta-eu",
        "audience": {"name": 'V"I\\P\n'},
        "reason": {"code": "bad_manifest", "sentence": 'not {"entries"}'},
    }
    lines = notice("failed", receipt)
    (target,) = templates.resource("AWS::Events::Rule", "BetaEuAlarmsNotices")["Targets"]
    given = target["InputTransformer"]
    assert set(given["InputPathsMap"].values()) == {f"$.detail.notice.{name}" for name in lines}
    mail = given["InputTemplate"]
    for name, path in given["InputPathsMap"].items():
        mail = mail.replace(f"<{name}>", lines[path.rsplit(".", 1)[-1]])
    what, why, todo = (json.loads(line) for line in mail.splitlines())
    assert what == f"A run of connector beta-eu has failed; audience V'I/P , run {'r' * 32}."
    assert why == "bad_manifest: not {'entries'}"
    assert "activation redrive --connector beta-eu" in todo


def test_topics_are_encrypted_by_a_key_that_their_publishers_may_use(templates: Templates) -> None:
    """CloudWatch may use the topics' key for the app's own alarms, EventBridge without a condition.

    The page asks for conditions on the source's account and ARN, and says that they are not supported where
    EventBridge publishes: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html, read 2026-11-30. That
    CloudWatch sends both, AWS says here, read on the same day: https://aws.github.io/
    modern-data-architecture-accelerator/typedocs/functions/
    _aws-mdaa_cloudwatch-constructs.grantCloudWatchAlarmsTopicAccess.html
    """
    topics = templates.resources("AWS::SNS::Topic")
    assert len(topics) == 2
    assert all("NoticesKey" in json.dumps(one["KmsMasterKeyId"]) for one in topics.values())
    policy = templates.resource("AWS::KMS::Key", "NoticesKey")["KeyPolicy"]["Statement"]
    publishing = {one["Principal"]["Service"]: one for one in policy if "Service" in one["Principal"]}
    assert publishing.keys() == {"cloudwatch.amazonaws.com", "events.amazonaws.com"}
    assert all(one["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"] for one in publishing.values())
    assert "Condition" not in publishing["events.amazonaws.com"]
    conditions = publishing["cloudwatch.amazonaws.com"]["Condition"]
    assert conditions["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    pattern = conditions["ArnLike"]["aws:SourceArn"]["Fn::Join"][1]
    assert "".join(one for one in pattern if isinstance(one, str)).endswith(":alarm:audience-activation-*")
    # The stacks' names begin the alarms' names that CloudFormation makes.
    assert not [one for one in templates.resources("AWS::CloudWatch::Alarm").values() if "AlarmName" in one]


def test_topics_refuse_plain_http(templates: Templates) -> None:
    """Nobody publishes without TLS."""
    policies = templates.resources("AWS::SNS::TopicPolicy").values()
    assert len(policies) == 2
    for policy in policies:
        (deny,) = (one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Deny")
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def publishers(templates: Templates, topic: str) -> dict[str, dict[str, Any]]:
    """Return the statements that let a service publish to a topic, by service."""
    policy = templates.resource("AWS::SNS::TopicPolicy", topic)["PolicyDocument"]["Statement"]
    return {one["Principal"]["Service"]: one for one in policy if one["Effect"] == "Allow"}


def test_failed_runs_are_told_from_the_function_s_own_events(templates: Templates) -> None:
    """The notices rule matches what the functions announce: their source, their types, the connector."""
    from activation.aws.app_events import SOURCE
    from activation.ledger.runs import RunState
    from activation.report.announce import DETAIL_TYPES, FOLDER_OPEN, INCOMPLETE, LATE_PART

    from lambdas.doctor.report import DETAIL_TYPE
    from lambdas.drop_watch.handler import OVERDUE

    pattern = templates.resource("AWS::Events::Rule", "BetaEuAlarmsNotices")["EventPattern"]
    assert pattern["source"] == [SOURCE]
    stopped = [DETAIL_TYPES[RunState.FAILED], DETAIL_TYPES[RunState.BLOCKED]]
    assert pattern["detail-type"] == [*stopped, INCOMPLETE, LATE_PART, FOLDER_OPEN, OVERDUE, DETAIL_TYPE]
    assert pattern["detail"] == {"connector": ["beta-eu"], "notice": {"what": [{"exists": True}]}}


def test_each_address_is_mailed_by_its_own_topic(templates: Templates) -> None:
    """The app's address by the app's topic, a connector's by the connector's."""
    mailed = {one["Endpoint"]: one["TopicArn"] for one in templates.resources("AWS::SNS::Subscription").values()}
    assert {address: topic_of(topic) for address, topic in mailed.items()} == {
        "team@example.com": "AlarmTopic",
        "ops@example.com": "BetaEuAlarmsTopic",
    }
