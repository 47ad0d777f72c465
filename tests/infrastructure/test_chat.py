"""Alarms and notices in a chat channel, as the template says them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app import build
from tests.infrastructure.conftest import Templates, context, synthesise, tree
from tests.infrastructure.test_limits import refused

SLACK = {"slack_workspace": "T012ABCDEF", "slack_channel": "C012ABCDEF"}
TEAM = "4a8e2d1c-0000-4000-8000-000000000001"
TEAMS = {"teams_team": TEAM, "teams_tenant": TEAM, "teams_channel": "19%3ab6ef35dc342d56%40thread.tacv2"}
CONNECTORS = [
    {"name": "alpha", "platform": "meta"},
    {"name": "beta", "platform": "tiktok", "alarm_email": "ops@example.com"},
]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """Return the templates of an app with a channel of each kind."""
    given = {"alarms": "team@example.com", "connectors": CONNECTORS, "chat": SLACK | TEAMS}
    return synthesise(tmp_path_factory.mktemp("chat"), given, root=tree(tmp_path_factory.mktemp("tree")))


@pytest.mark.parametrize(
    ("kind", "ids"),
    [
        ("Slack", {"SlackWorkspaceId": "T012ABCDEF", "SlackChannelId": "C012ABCDEF"}),
        (
            "MicrosoftTeams",
            {"TeamId": TEAM, "TeamsTenantId": TEAM, "TeamsChannelId": "19%3ab6ef35dc342d56%40thread.tacv2"},
        ),
    ],
)
def test_the_channel_hears_every_topic_and_may_do_nothing(told: Templates, kind: str, ids: dict[str, str]) -> None:
    """It has the app's topic, the connector's own and that of the notices; without guardrails it could do all.

    "The AWS managed 'AdministratorAccess' policy is applied as a default if this is not set":
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-chatbot-slackchannelconfiguration.html
    and aws-resource-chatbot-microsoftteamschannelconfiguration.html, read 2026-11-30.
    """
    (channel,) = told.resources(f"AWS::Chatbot::{kind}ChannelConfiguration").values()
    assert {name: channel[name] for name in ids} == ids
    topics = json.dumps(channel["SnsTopicArns"])
    assert len(channel["SnsTopicArns"]) == 3
    assert all(name in topics for name in ("AlarmTopic", "BetaAlarmsTopic", "ChatTopic"))
    assert channel["UserRoleRequired"] is True
    (guardrail,) = channel["GuardrailPolicies"]
    policy = told.resources("AWS::IAM::ManagedPolicy")[guardrail["Ref"]]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"], statement["Resource"]) == ("Deny", "*", "*")
    role = told.resources("AWS::IAM::Role")[channel["IamRoleArn"]["Fn::GetAtt"][0]]
    assert "Policies" not in role
    assert "ManagedPolicyArns" not in role
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "chatbot.amazonaws.com"}
    assert "aws:SourceAccount" in trust["Condition"]["StringEquals"]


def test_notices_have_the_form_that_a_channel_shows(told: Templates) -> None:
    """A mail's text would be dropped: https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html."""
    rule = told.resource("AWS::Events::Rule", "ChatNotices")
    assert rule["EventPattern"] == {
        "source": ["audience-activation"],
        "detail": {"notice": {"what": [{"exists": True}]}},
    }
    (target,) = rule["Targets"]
    transformer = target["InputTransformer"]
    filled = transformer["InputTemplate"]
    for name in transformer["InputPathsMap"]:
        filled = filled.replace(f"<{name}>", json.dumps(name))
    shown = json.loads(filled)
    assert (shown["version"], shown["source"]) == ("1.0", "custom")
    assert shown["content"]["textType"] == "client-markdown"
    paths: dict[str, Any] = transformer["InputPathsMap"]
    assert {paths[shown["content"][part]] for part in ("title", "description")} == {
        "$.detail.notice.what",
        "$.detail.notice.why",
    }
    assert [paths[one] for one in shown["content"]["nextSteps"]] == ["$.detail.notice.next"]


def test_nobody_is_told_unasked(templates: Templates) -> None:
    """The app has no channel, no topic and no rule for one, unless the settings name it."""
    assert templates.resources("AWS::Chatbot::SlackChannelConfiguration") == {}
    assert not [id_ for id_ in templates.resources("AWS::SNS::Topic") if id_.startswith("Chat")]


@pytest.mark.parametrize(
    "chat", [{"slack_channel": "C012"}, {"teams_team": TEAM}, {**SLACK, "slack_channel": "#general"}, {"irc": "x"}]
)
def test_half_a_channel_is_refused(chat: dict[str, str]) -> None:
    """The mistake names the key of the section."""
    found = refused({"connectors": CONNECTORS, "chat": chat})
    assert found
    assert all(sentence.startswith("audience_activation.chat.") for sentence in found)


def test_a_channel_passes_the_checks(tmp_path: Path) -> None:
    """cdk-nag finds nothing in it that is not explained."""
    build(outdir=str(tmp_path), context=context({"connectors": CONNECTORS, "chat": SLACK}, staging=False)).synth()
