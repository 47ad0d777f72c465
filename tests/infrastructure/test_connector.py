"""The Connector construct: from the rule on its prefix to its dead letters and alarms."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest

from stacks.connector import MAX_RECEIVES
from tests.infrastructure.conftest import Templates

CONNECTORS = {"Alpha": "alpha", "BetaEu": "beta-eu"}
each_connector = pytest.mark.parametrize("id_", CONNECTORS)


def timeout_s(templates: Templates, id_: str) -> int:
    """Return the timeout of a connector's function."""
    return int(templates.resource("AWS::Lambda::Function", f"{id_}Function")["Timeout"])


def policy_of(templates: Templates, queue: str) -> list[dict[str, Any]]:
    """Return the statements of a queue's policy."""
    statements: list[dict[str, Any]] = templates.resource("AWS::SQS::QueuePolicy", queue)["PolicyDocument"][
        "Statement"
    ]
    return statements


@each_connector
def test_the_rule_matches_bucket_and_prefix(templates: Templates, id_: str) -> None:
    """A connector hears of new objects of the drops bucket below its own name and a slash."""
    rule = templates.resource("AWS::Events::Rule", f"{id_}Rule")
    assert "EventBusName" not in rule
    pattern = rule["EventPattern"]
    assert pattern["source"] == ["aws.s3"]
    assert pattern["detail-type"] == ["Object Created"]
    assert "Drops" in str(pattern["detail"]["bucket"]["name"])
    assert pattern["detail"]["object"] == {"key": [{"prefix": f"{CONNECTORS[id_]}/"}]}


def test_every_target_retries_for_a_day_and_has_dead_letters(templates: Templates) -> None:
    """What EventBridge cannot deliver is tried as often and as long as it can be, and then kept.

    24 hours and 185 attempts are EventBridge's defaults and the most it offers:
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html and
    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_RetryPolicy.html, read 2026-11-30.
    """
    rules = templates.resources("AWS::Events::Rule")
    assert len(rules) == 2 * len(CONNECTORS) + 2
    for rule in rules.values():
        (target,) = rule["Targets"]
        assert target["RetryPolicy"] == {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86_400}
        assert "Undelivered" in target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]


@each_connector
def test_drops_and_notices_have_dead_letters_of_their_own(templates: Templates, id_: str) -> None:
    """A notice that was not delivered does not lie among the drops that a redrive would send again."""
    for rule, queue in (("Rule", "Undelivered"), ("AlarmsNotices", "NoticesUndelivered")):
        (target,) = templates.resource("AWS::Events::Rule", f"{id_}{rule}")["Targets"]
        assert re.fullmatch(rf"{id_}{queue}[0-9A-F]{{8}}", target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0])


@each_connector
def test_a_killed_worker_s_message_comes_back_in_time(templates: Templates, id_: str) -> None:
    """Visibility is at least six timeouts, and a timeout at most five minutes: 30 minutes at worst."""
    queue = templates.resource("AWS::SQS::Queue", f"{id_}Queue")
    assert timeout_s(templates, id_) <= 300
    assert 6 * timeout_s(templates, id_) <= queue["VisibilityTimeout"] <= 1800


@each_connector
def test_a_message_that_keeps_failing_ends_in_the_dead_letters(templates: Templates, id_: str) -> None:
    """Five receives, then 14 days in the dead letters; a message's age counts from its first queue."""
    queue = templates.resource("AWS::SQS::Queue", f"{id_}Queue")
    dead_letters = templates.resource("AWS::SQS::Queue", f"{id_}DeadLetters")
    assert queue["RedrivePolicy"]["maxReceiveCount"] == MAX_RECEIVES == 5
    assert queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0].startswith(f"{id_}DeadLetters")
    assert dead_letters["MessageRetentionPeriod"] == 14 * 86400
    assert queue["MessageRetentionPeriod"] < dead_letters["MessageRetentionPeriod"]


def test_queues_are_encrypted_and_need_tls(templates: Templates) -> None:
    """Every queue encrypts with SSE-SQS, which EventBridge can write to, and refuses plain HTTP."""
    queues = templates.resources("AWS::SQS::Queue")
    assert len(queues) == 4 * len(CONNECTORS) + 1
    for id_, queue in queues.items():
        assert queue["SqsManagedSseEnabled"] is True
        deny = policy_of(templates, id_[:-8])[0]
        assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


@each_connector
def test_only_the_connector_s_rule_may_send(templates: Templates, id_: str) -> None:
    """The queue's policy names the one rule that may put events into it."""
    allowed = [one for one in policy_of(templates, f"{id_}Queue") if one["Effect"] == "Allow"]
    (statement,) = allowed
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    (rule,) = templates.resources("AWS::Events::Rule", f"{id_}Rule")
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [rule, "Arn"]}}}


def test_every_mapping_reports_partial_failures(templates: Templates) -> None:
    """Without it Lambda ignores the answer and deletes the messages; without the cap it throttles them away."""
    mappings = templates.resources("AWS::Lambda::EventSourceMapping")
    assert len(mappings) == len(CONNECTORS)
    for mapping in mappings.values():
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["MetricsConfig"] == {"Metrics": ["EventCount"]}
        assert 2 <= mapping["ScalingConfig"]["MaximumConcurrency"] <= 1000
        assert mapping["BatchSize"] == 1
    assert templates.resource("AWS::Lambda::EventSourceMapping", "BetaEu")["ScalingConfig"] == {
        "MaximumConcurrency": 7
    }


def test_nothing_pretends_to_catch_what_it_cannot(templates: Templates) -> None:
    """A destination on failure is for asynchronous calls: for a queue's messages it never fires."""
    assert not templates.resources("AWS::Lambda::EventInvokeConfig")
    assert all(
        "DestinationConfig" not in one for one in templates.resources("AWS::Lambda::EventSourceMapping").values()
    )


@each_connector
def test_the_secret_is_empty(templates: Templates, id_: str) -> None:
    """The template writes no value: an operator does."""
    secret = templates.resource("AWS::SecretsManager::Secret", id_)
    assert set(secret) == {"Description", "KmsKeyId"}


@each_connector
def test_the_function_may_continue_itself(templates: Templates, id_: str) -> None:
    """Lambda would stop a run of many messages after sixteen."""
    function = templates.resource("AWS::Lambda::Function", f"{id_}Function")
    assert function["RecursiveLoop"] == "Allow"
    assert "ReservedConcurrentExecutions" not in function


@each_connector
def test_the_function_is_traced_and_logs_to_its_own_group(templates: Templates, id_: str) -> None:
    """X-Ray is on; logs are encrypted and kept for as long as the settings say."""
    function = templates.resource("AWS::Lambda::Function", f"{id_}Function")
    assert function["TracingConfig"] == {"Mode": "Active"}
    (group,) = templates.resources("AWS::Logs::LogGroup", id_)
    assert function["LoggingConfig"]["LogGroup"] == {"Ref": group}
    properties = templates.resource("AWS::Logs::LogGroup", id_)
    assert properties["RetentionInDays"] == 90
    assert "Key" in str(properties["KmsKeyId"])


def test_the_function_is_what_the_settings_say(templates: Templates) -> None:
    """Runtime, architecture, memory and layers follow the settings; the handler follows the platform."""
    function = templates.resource("AWS::Lambda::Function", "BetaEuFunction")
    assert function["Handler"] == "lambdas.tiktok.handler.lambda_handler"
    assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
    assert (function["MemorySize"], function["Timeout"]) == (512, 180)
    assert [layer["Ref"][:-8] for layer in function["Layers"]] == ["ArrowLayer", "VendorLayer", "ActivationLayer"]


def test_the_environment_is_names_and_addresses(templates: Templates) -> None:
    """The function is told where things are and how hard to work; nothing secret."""
    environment = templates.resource("AWS::Lambda::Function", "BetaEuFunction")["Environment"]["Variables"]
    plain = {name: value for name, value in environment.items() if isinstance(value, str)}
    assert plain == {
        "CONNECTOR": "beta-eu",
        "EXPECTED_ACCOUNT": "1234567890",
        "DEFAULT_COUNTRY": "DE",
        "DATE_ORDER": "mdy",
        "ENCODING": "latin-1",
        "DELIMITER": "tab",
        "ALLOW_WEAK": "",
        "PLACEHOLDERS": '["test@test.com"]',
        "OPTIONS": '{"access_tier": "premium"}',
        "REQUESTS_IN_FLIGHT": "3",
        "MAX_ROWS_PER_REQUEST": "2000",
        "MAX_BYTES_PER_REQUEST": "100000000",
        "DEADLINE_S": "172800",
        "SPLIT_ABOVE_BYTES": "268435456",
        "MAX_PARTS": "8",
        "FOLDER_QUIET_S": "0",
        "LATE_PART_S": "900",
        "FOLDER_OPEN_S": "21600",
        "LEDGER_TTL_DAYS": "400",
        "POWERTOOLS_SERVICE_NAME": "beta-eu",
        "POWERTOOLS_METRICS_NAMESPACE": "AudienceActivation",
        "POWERTOOLS_LOG_LEVEL": "INFO",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "MALLOC_ARENA_MAX": "2",
    }
    assert set(environment) - set(plain) == {
        "SECRET_ARN",
        "DROPS_BUCKET",
        "RECEIPTS_BUCKET",
        "MIRRORS_BUCKET",
        "LEDGER_TABLE",
        "QUEUE_URL",
        "DEAD_LETTER_QUEUE_URL",
        "EVENT_BUS_NAME",
    }


def test_no_secret_may_name_another_server(templates: Templates) -> None:
    """A deployment allows it only if its settings say so."""
    for function in templates.resources("AWS::Lambda::Function").values():
        assert "ANY_ENDPOINT" not in function["Environment"]["Variables"]
    assert "SecretEndpoints" not in templates.activation["Outputs"]


def test_the_function_can_read_its_environment(templates: Templates) -> None:
    """What the template writes is what the function's own settings accept."""
    from activation.platforms.discovery import platform_named
    from activation.runs.settings import FunctionSettings, check_options

    for id_, name in CONNECTORS.items():
        variables = templates.resource("AWS::Lambda::Function", f"{id_}Function")["Environment"]["Variables"]
        settings = FunctionSettings.from_environment(
            {key: value if isinstance(value, str) else json.dumps(value) for key, value in variables.items()}
        )
        assert settings.connector == name
    assert (settings.requests_in_flight, settings.max_rows_per_request) == (3, 2000)
    assert settings.max_bytes_per_request == 100_000_000
    assert (settings.deadline_s, settings.ledger_ttl_days) == (172_800, 400)
    assert settings.context.default_country == "DE"
    assert settings.context.date_order == "mdy"
    assert settings.context.placeholders == {"test@test.com"}
    assert (settings.encoding, settings.delimiter) == ("latin-1", "\t")
    assert settings.options == {"access_tier": "premium"}
    check_options(platform_named("tiktok").options, settings.options)


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
    assert what == f"A run of connector beta-eu is failed; audience V'I/P , run {'r' * 32}."
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
    """The notices rule matches what the function announces: its source, its types, its connector."""
    from activation.aws.app_events import SOURCE
    from activation.ledger.runs import RunState
    from activation.report.announce import DETAIL_TYPES, FOLDER_OPEN, INCOMPLETE, LATE_PART

    pattern = templates.resource("AWS::Events::Rule", "BetaEuAlarmsNotices")["EventPattern"]
    assert pattern["source"] == [SOURCE]
    stopped = [DETAIL_TYPES[RunState.FAILED], DETAIL_TYPES[RunState.BLOCKED]]
    assert pattern["detail-type"] == [*stopped, INCOMPLETE, LATE_PART, FOLDER_OPEN]
    assert pattern["detail"] == {"connector": ["beta-eu"]}


def test_each_address_is_mailed_by_its_own_topic(templates: Templates) -> None:
    """The app's address by the app's topic, a connector's by the connector's."""
    mailed = {one["Endpoint"]: one["TopicArn"] for one in templates.resources("AWS::SNS::Subscription").values()}
    assert {address: topic_of(topic) for address, topic in mailed.items()} == {
        "team@example.com": "AlarmTopic",
        "ops@example.com": "BetaEuAlarmsTopic",
    }


def test_the_outputs_name_each_connector_s_parts(templates: Templates) -> None:
    """Secret, queues, function, rule and topic of each connector can be found without knowing a generated name.

    What its settings say of files is there as well, where they say anything.
    """
    general = {
        "App",
        "OperatorPolicyArn",
        "Connectors",
        "DropWatchFunctionName",
        "BetaEuAlarmTopicArn",
        "BetaEuSettings",
    }
    told = json.loads(templates.activation["Outputs"]["BetaEuSettings"]["Value"])
    assert (told["default_country"], told["delimiter"]) == ("DE", "tab")
    assert "timeout_s" not in told
    assert set(templates.activation["Outputs"]) - general == {
        f"{id_}{part}"
        for id_ in CONNECTORS
        for part in (
            "SecretArn",
            "QueueUrl",
            "DeadLetterQueueUrl",
            "UndeliveredQueueUrl",
            "FunctionName",
            "RuleArn",
        )
    }
