"""The watch over the drops bucket: its rules, its alarms and its role, as the template says them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from activation.runs.expected import Expected

from tests.infrastructure.conftest import Templates
from tests.infrastructure.test_permissions import several, statements, text


def test_an_object_under_no_connector_is_seen(templates: Templates) -> None:
    """What no connector's rule matches, and no other file of the app's, goes to the watch.

    `anything-but` takes a list of prefixes:
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html, read 2026-11-29.
    """
    pattern = templates.resource("AWS::Events::Rule", "DropWatchStrays")["EventPattern"]
    assert pattern["detail"]["object"] == {
        "key": [{"anything-but": {"prefix": ["alpha/", "beta-eu/", "suppressions/"]}}]
    }
    drops = templates.resource("AWS::Events::Rule", "AlphaRule")["EventPattern"]["detail"]["bucket"]
    assert pattern["detail"]["bucket"] == drops


def test_bucket_and_ledger_are_compared_every_hour(templates: Templates) -> None:
    """The schedule calls the same function, and its alarm looks back over one round."""
    rule = templates.resource("AWS::Events::Rule", "DropWatchHourly")
    assert rule["ScheduleExpression"] == "rate(1 hour)"
    (target,) = rule["Targets"]
    assert target["Arn"] == templates.resource("AWS::Events::Rule", "DropWatchStrays")["Targets"][0]["Arn"]
    assert alarm(templates, "Missing")["Period"] == 3600


@pytest.mark.parametrize(
    ("name", "metric"), [("Ignored", "DropsIgnored"), ("Missing", "DropsMissing"), ("Overdue", "DropsOverdue")]
)
def test_what_the_function_counts_is_told(templates: Templates, name: str, metric: str) -> None:
    """The alarms look at the metrics where Powertools puts them: by namespace and service.

    https://docs.aws.amazon.com/powertools/python/latest/core/metrics/, read 2026-11-29.
    """
    function = templates.resource("AWS::Lambda::Function", "DropWatch")["Environment"]["Variables"]
    found = alarm(templates, name)
    assert (found["Namespace"], found["MetricName"]) == (function["POWERTOOLS_METRICS_NAMESPACE"], metric)
    assert found["Dimensions"] == [{"Name": "service", "Value": function["POWERTOOLS_SERVICE_NAME"]}]
    assert found["Threshold"] == 1
    assert "`activation status" in found["AlarmDescription"]


def test_the_watch_is_told_which_drops_are_expected_and_may_note_what_it_announced(templates: Templates) -> None:
    """Of the connectors that expect some, and no other record; the connector is told the audiences to note."""
    told = templates.resource("AWS::Lambda::Function", "DropWatch")["Environment"]["Variables"]["EXPECTS"]
    assert msgspec.convert(json.loads(told), tuple[Expected, ...]) == (
        Expected("beta-eu", "VIP", every_hours=24),
        Expected("beta-eu", "News", by="06:30", zone="Europe/Berlin"),
    )
    allowed = statements(templates, "DropWatch")["LookUpArrivals"]
    assert allowed["Action"] == ["dynamodb:GetItem", "dynamodb:UpdateItem"]
    assert allowed["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["beta-eu#arrived#*"]}}
    worker = templates.resource("AWS::Lambda::Function", "BetaEu")["Environment"]["Variables"]
    assert json.loads(worker["EXPECTED"]) == ["VIP", "News"]


def test_the_watch_reads_no_drop(templates: Templates) -> None:
    """It lists the bucket, looks up runs and records strays, and nothing more."""
    own = statements(templates, "DropWatch")
    actions = {action for one in own.values() for action in several(one["Action"])}
    assert not {
        action for action in actions if action.startswith(("s3:Get", "s3:Put", "s3:Delete", "secretsmanager:"))
    }
    keys = own["LookUpRuns"]["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    assert "alpha#run#*" in keys
    assert own["RecordStrays"]["Condition"] == {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["_#unread#*"]}
    }
    assert text(own["ListDrops"]["Resource"]).count("Drops") == 1


def alarm(templates: Templates, name: str) -> dict[str, Any]:
    """Return one of the watch's alarms."""
    return templates.resource("AWS::CloudWatch::Alarm", f"DropWatch{name}")
