"""The functions of SAS CI360's stack: what they are told, and what they may do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.infrastructure.ci360_templates import Ci360Template


def actions_of(statement: Mapping[str, Any]) -> list[str]:
    """List a statement's actions."""
    actions = statement["Action"]
    return actions if isinstance(actions, list) else [actions]


def test_concurrency_is_reserved_for_the_webhook_alone(ci360: Ci360Template) -> None:
    """A full queue of transfers cannot keep the webhook from answering, if the settings ask for that."""
    functions = ci360.all("AWS::Lambda::Function").values()
    reserved = [one.get("ReservedConcurrentExecutions") for one in functions]
    assert sorted(filter(None, reserved)) == [10]
    assert ci360.all("AWS::Lambda::Function", "Webhook").popitem()[1]["ReservedConcurrentExecutions"] == 10


def test_messages_fail_into_dead_letters_with_an_alarm(ci360: Ci360Template) -> None:
    """Every queue a function works off has dead letters, six timeouts of visibility, and an alarm behind it."""
    for queue, dead, function in (
        ("Queue", "DeadLetters", "Transfer"),
        ("ResultsQueue", "ResultsDeadLetters", "Results"),
    ):
        found = next(one for id_, one in ci360.all("AWS::SQS::Queue", queue).items() if id_[:-8] == queue)
        timeout = ci360.one("AWS::Lambda::Function", function)["Timeout"]
        assert found["VisibilityTimeout"] == 6 * timeout <= 1800
        assert found["RedrivePolicy"]["maxReceiveCount"] == 5
        assert found["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0].startswith(dead)
    watched = {
        alarm["Dimensions"][0]["Value"]["Fn::GetAtt"][0][:-8]
        for alarm in ci360.all("AWS::CloudWatch::Alarm").values()
        if alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    }
    assert watched == {"DeadLetters", "ResultsDeadLetters"}
    for mapping in ci360.all("AWS::Lambda::EventSourceMapping").values():
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["ScalingConfig"]["MaximumConcurrency"] >= 2


def test_functions_are_outside_of_any_network(ci360: Ci360Template) -> None:
    """No VPC, no file system; the one that goes on by messages may; none has a layer it does not import."""
    functions = ci360.all("AWS::Lambda::Function")
    assert len(functions) == 3
    for function in functions.values():
        assert "VpcConfig" not in function
        assert "FileSystemConfigs" not in function
        assert "EphemeralStorage" not in function
        assert [layer["Ref"][:-8] for layer in function["Layers"]] == ["VendorLayer", "ActivationLayer"]
    assert ci360.one("AWS::Lambda::Function", "Transfer")["RecursiveLoop"] == "Allow"


def test_functions_read_what_the_template_tells_them(ci360: Ci360Template, plain_ci360: Ci360Template) -> None:
    """What is written into the environment is what the functions' settings accept."""
    from lambdas.ci360.settings import (
        ResultsSettings,
        TransferSettings,
        WebhookSettings,
    )

    def environment(template: Ci360Template, name: str) -> dict[str, str]:
        variables = template.one("AWS::Lambda::Function", name)["Environment"]["Variables"]
        return {key: value if isinstance(value, str) else json.dumps(value) for key, value in variables.items()}

    webhook = WebhookSettings.from_environment(environment(ci360, "Webhook"))
    assert {name: sorted(actions) for name, actions in webhook.targets.drops.items()} == {
        "alpha": ["add"],
        "beta-eu": ["add", "remove"],
    }
    assert webhook.hosts.laptop == ""
    transfer = TransferSettings.from_environment(environment(ci360, "Transfer"))
    assert (transfer.max_file_bytes, transfer.deadline_s, transfer.landing_header) == (10 * 1024**3, 43_200, True)
    results = ResultsSettings.from_environment(environment(ci360, "Results"))
    assert results.events == {"landed": "AudienceLanded", "completed": "", "failed": ""}
    # A connector that is not open is known, so that its name is refused and not mistaken for a folder.
    closed = WebhookSettings.from_environment(environment(plain_ci360, "Webhook"))
    assert closed.targets.drops == {"alpha": frozenset(), "beta-eu": frozenset()}
    assert closed.hosts.names == frozenset()


def test_the_webhook_can_write_down_and_enqueue_and_nothing_else(ci360: Ci360Template) -> None:
    """What faces the internet reads no file, no record and no secret."""
    actions = {sid: one["Action"] for sid, one in ci360.statements("Webhook").items() if not sid.startswith("Key")}
    assert actions == {
        "Occurrences": "dynamodb:UpdateItem",
        "Enqueue": "sqs:SendMessage",
        "OwnLogs": ["logs:CreateLogStream", "logs:PutLogEvents"],
    }


def test_the_transfer_writes_where_it_may_and_reads_no_drop(
    ci360: Ci360Template, plain_ci360: Ci360Template
) -> None:
    """Its prefixes are the landing's and those of the connectors that are open; it deletes nothing."""

    def prefixes(template: Ci360Template, sid: str) -> list[str]:
        resource = template.statements("Transfer")[sid]["Resource"]
        return sorted(one["Fn::Join"][1][1] for one in (resource if isinstance(resource, list) else [resource]))

    assert prefixes(ci360, "Land") == ["/alpha/*", "/beta-eu/*", "/ci360/*"]
    assert prefixes(plain_ci360, "Land") == ["/ci360/*"]
    found = [action for one in ci360.statements("Transfer").values() for action in actions_of(one)]
    assert {action for action in found if action.startswith("s3:")} == {
        "s3:PutObject",
        "s3:GetObject",
        "s3:AbortMultipartUpload",
        "s3:ListMultipartUploadParts",
        "s3:ListBucket",
    }


def test_no_statement_has_a_star_for_an_action_or_a_resource(ci360: Ci360Template) -> None:
    """Every action by name; where a resource ends in a star it is a prefix, or the account's log groups."""
    for role in ci360.all("AWS::IAM::Role").values():
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                assert not any("*" in action for action in actions_of(statement))
                assert statement["Resource"] != "*"


def test_the_table_is_the_customer_key_s_and_forgets(ci360: Ci360Template) -> None:
    """Records hold signed links while a file is on its way: encrypted, restorable, and not for ever."""
    table = ci360.one("AWS::DynamoDB::Table")
    assert table["SSESpecification"]["SSEType"] == "KMS"
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {
        "PointInTimeRecoveryEnabled": True,
        "RecoveryPeriodInDays": 35,
    }


def test_results_hear_of_files_and_of_activations(ci360: Ci360Template, plain_ci360: Ci360Template) -> None:
    """The rule on the app's bus matches what the transfer and the connectors announce; the secret is empty."""
    from activation.aws.app_events import SOURCE
    from activation.report.announce import DETAIL_TYPES as ACTIVATIONS

    from lambdas.ci360.notices import DETAIL_TYPES
    from lambdas.ci360.results import OUTCOMES

    pattern = ci360.one("AWS::Events::Rule")["EventPattern"]
    assert pattern["source"] == [SOURCE]
    assert set(pattern["detail-type"]) == set(OUTCOMES)
    assert set(OUTCOMES) <= set(DETAIL_TYPES.values()) | set(ACTIVATIONS.values())
    assert set(ci360.one("AWS::SecretsManager::Secret")) == {"Description", "KmsKeyId"}
    assert not plain_ci360.all("AWS::SecretsManager::Secret")
    assert not plain_ci360.all("AWS::Events::Rule")
