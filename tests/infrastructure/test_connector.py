"""The Connector construct: from the rule on its prefix to its dead letters and function."""

from __future__ import annotations

import json
import re
from typing import Any

from stacks.connector import MAX_RECEIVES
from stacks.wheels import ALLOCATOR
from tests.infrastructure.conftest import Templates
from tests.infrastructure.connectors import CONNECTORS, each_connector


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
    assert len(rules) == 2 * (len(CONNECTORS) + 1) + 2  # one more of suppression lists
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
    assert len(queues) == 4 * (len(CONNECTORS) + 1) + 1
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
    assert len(mappings) == len(CONNECTORS) + 1
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
        "EXPECTED": '["VIP","News"]',
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
        "DELETE_FINAL_DROPS": "1",
        "POWERTOOLS_SERVICE_NAME": "beta-eu",
        "POWERTOOLS_METRICS_NAMESPACE": "AudienceActivation",
        "POWERTOOLS_LOG_LEVEL": "INFO",
        **ALLOCATOR,
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


PARTS = ("QueueUrl", "DeadLetterQueueUrl", "UndeliveredQueueUrl", "FunctionName", "RuleArn")


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
        *(f"Suppressions{part}" for part in PARTS),
    }
    outputs = {
        name for name in templates.activation["Outputs"] if not name.startswith("ExportsOutput")
    }  # the CDK's
    told = json.loads(templates.activation["Outputs"]["BetaEuSettings"]["Value"])
    assert (told["default_country"], told["delimiter"]) == ("DE", "tab")
    assert "timeout_s" not in told
    assert outputs - general == {f"{id_}{part}" for id_ in CONNECTORS for part in ("SecretArn", *PARTS)}
