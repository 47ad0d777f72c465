"""The stack of the daily examination: schedule, alarm, and a role that reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from activation.platforms.discovery import platforms

from stacks.context import Reader
from stacks.doctor import FOUND
from stacks.doctor_settings import DoctorSettings, read_doctor
from tests.infrastructure.conftest import Templates, synthesise, tree
from tests.infrastructure.test_calls_allowed import actions_of
from tests.infrastructure.test_people import policy
from tests.infrastructure.test_permissions import several, text
from tests.infrastructure.test_sources import CLEAN_ROOMS, KEY, OWNER, UNLOAD
from tests.sdk_calls import ROOT

# Calls whose permission is the policy of the connectors' secrets, and one that answers without any.
IN_OTHER_WAYS = {"secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "s3:HeadBucket"}


@pytest.fixture(scope="module")
def resources(templates: Templates) -> dict[str, Any]:
    """Return the resources of the stack by their logical ids."""
    return resources_in(templates)


def resources_in(templates: Templates) -> dict[str, Any]:
    """Return the resources that a synth wrote for the stack, by their logical ids."""
    path = templates.outdir / "audience-activation-doctor.template.json"
    found: dict[str, Any] = json.loads(path.read_text())["Resources"]
    return found


def only(resources: dict[str, Any], type_: str, name: str = "") -> dict[str, Any]:
    """Return the properties of the one resource of a type whose logical id begins with `name`."""
    (found,) = (
        one["Properties"] for id_, one in resources.items() if one["Type"] == type_ and id_.startswith(name)
    )
    return dict(found)


def test_it_is_called_once_a_day_in_a_time_zone(resources: dict[str, Any]) -> None:
    """A call that does not reach the function is kept, and so is one that fails."""
    schedule = only(resources, "AWS::Scheduler::Schedule")
    assert schedule["ScheduleExpression"] == "cron(0 6 * * ? *)"
    assert (schedule["ScheduleExpressionTimezone"], schedule["State"]) == ("UTC", "ENABLED")
    function = only(resources, "AWS::Lambda::Function")
    assert schedule["Target"]["DeadLetterConfig"]["Arn"] == function["DeadLetterConfig"]["TargetArn"]
    role = only(resources, "AWS::IAM::Role", "DoctorScheduleRole")
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


@pytest.mark.parametrize(("id_", "metric"), [(id_, metric) for id_, metric, _ in FOUND])
def test_the_alarm_lasts_as_long_as_the_finding(resources: dict[str, Any], id_: str, metric: str) -> None:
    """Between two examinations there is no data, and the alarm stays as it is; a zero ends it."""
    alarm = only(resources, "AWS::CloudWatch::Alarm", f"Doctor{id_}")
    variables = only(resources, "AWS::Lambda::Function")["Environment"]["Variables"]
    assert (alarm["Namespace"], alarm["MetricName"]) == (variables["POWERTOOLS_METRICS_NAMESPACE"], metric)
    assert alarm["Dimensions"] == [{"Name": "service", "Value": variables["POWERTOOLS_SERVICE_NAME"]}]
    assert (alarm["Threshold"], alarm["TreatMissingData"]) == (1, "ignore")
    assert alarm["AlarmActions"] == alarm["OKActions"]


def test_no_other_alarm_lasts(resources: dict[str, Any]) -> None:
    """What has data all the time, or counts events, ends with them."""
    lasting = {f"Doctor{id_}" for id_, _, _ in FOUND}
    others = [
        one["Properties"]["TreatMissingData"]
        for id_, one in resources.items()
        if one["Type"] == "AWS::CloudWatch::Alarm" and not id_.startswith(tuple(lasting))
    ]
    assert set(others) == {"notBreaching"}


def test_a_finding_is_notified_where_failed_runs_are(templates: Templates, resources: dict[str, Any]) -> None:
    """A connector's to its own topic, what concerns no connector to the app's."""
    own = templates.resource("AWS::Events::Rule", "BetaEuAlarmsNotices")["EventPattern"]
    assert "Activation Finding" in own["detail-type"]
    pattern = only(resources, "AWS::Events::Rule")["EventPattern"]
    assert pattern["detail-type"] == ["Activation Finding"]
    assert pattern["detail"] == {"connector": ["_"]}


def test_the_role_reads_and_records_what_is_its_own(resources: dict[str, Any]) -> None:
    """No drop, receipt or mirror; in the ledger it writes tokens' locks, audiences' sizes and its own records."""
    role = only(resources, "AWS::IAM::Role", "DoctorRole")
    own = {one["Sid"]: one for one in role["Policies"][0]["PolicyDocument"]["Statement"]}
    actions = {action for one in own.values() for action in several(one["Action"])}
    assert not {action for action in actions if action.startswith(("s3:", "secretsmanager:"))}
    changing = {one for one in actions if one.partition(":")[2].startswith(("Put", "Update", "Send", "Delete"))}
    assert changing == {
        "dynamodb:UpdateItem", "events:PutEvents", "sqs:SendMessage", "logs:PutLogEvents",
        "xray:PutTraceSegments", "xray:PutTelemetryRecords",
    }  # fmt: skip
    assert own["ListFilledAccounts"]["Condition"]["ForAllValues:StringEquals"] == {
        "dynamodb:Attributes": ["pk", "connector"]
    }
    assert own["Record"]["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] == [
        "account#meta#token#*", "account#meta#*#known#*", "account#tiktok#token#*", "account#tiktok#*#known#*",
        "_#doctor#*",
    ]  # fmt: skip


def test_the_connectors_secrets_are_read_and_not_written(templates: Templates) -> None:
    """All of them, and no other; a static token is never written back."""
    own = policy(templates, "DoctorSecrets")
    actions = {action for one in own.values() for action in several(one["Action"])}
    assert actions == {"secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "kms:Decrypt"}
    secrets = templates.resources("AWS::SecretsManager::Secret")
    assert [text(one) for one in several(own["ReadSecrets"]["Resource"])] == [f"<{one}>" for one in secrets]


def test_the_role_sees_how_sources_are_set_up_and_reads_none(tmp_path: Path, settings: dict[str, Any]) -> None:
    """The configuration of each owner's bucket and key; switched off, the alarm ends although nothing is found."""
    given = {**settings, "sources": [CLEAN_ROOMS, UNLOAD], "doctor": {"at": "off"}}
    synthesised = synthesise(tmp_path / "assembly", given, root=tree(tmp_path / "tree"))
    found = resources_in(synthesised)
    role = only(found, "AWS::IAM::Role", "DoctorRole")
    own = {one["Sid"]: one for one in role["Policies"][0]["PolicyDocument"]["Statement"]}
    seen = {
        "s3:GetBucketNotification",
        "s3:GetBucketPolicy",
        "s3:GetBucketVersioning",
        "s3:GetEncryptionConfiguration",
    }
    for sid, bucket, owner in (
        (f"SeeSources{OWNER}", CLEAN_ROOMS["bucket"], OWNER),
        ("SeeSources", UNLOAD["bucket"], {"Ref": "AWS::AccountId"}),
    ):
        assert set(own[sid]["Action"]) == seen
        assert text(own[sid]["Resource"]).endswith(f":s3:::{bucket}")
        assert own[sid]["Condition"] == {"StringEquals": {"s3:ResourceAccount": owner}}
    assert (own["SeeKeysOfSources"]["Action"], own["SeeKeysOfSources"]["Resource"]) == ("kms:GetKeyPolicy", KEY)
    assert own["SeeFunctions"]["Action"] == "lambda:GetFunctionConfiguration"
    allowed = {action for one in own.values() for action in several(one["Action"])} | IN_OTHER_WAYS
    assert {
        one: at
        for one, at in actions_of((ROOT / "lambdas" / "doctor").rglob("*.py")).items()
        if one not in allowed
    } == {}
    assert only(found, "AWS::CloudWatch::Alarm", "DoctorFindings")["TreatMissingData"] == "notBreaching"
    assert only(found, "AWS::Scheduler::Schedule")["State"] == "DISABLED"


def test_only_one_export_is_for_it(templates: Templates) -> None:
    """What a connector brings is no export: an export that another stack uses could not be deleted with it."""
    exported = [name for name, one in templates.activation["Outputs"].items() if "Export" in one]
    assert len(exported) == 1
    assert "DoctorSecrets" in exported[0]


def test_the_function_has_the_platforms_checks(deployed: Templates) -> None:
    """Its asset has the folders of each platform that a connector uses, here of all, and of no other function."""
    manifest = json.loads((deployed.outdir / "audience-activation-doctor.assets.json").read_text())
    roots = [deployed.outdir / one["source"]["path"] for one in manifest["files"].values()]
    (asset,) = (root for root in roots if (root / "lambdas").is_dir())
    folders = {folder for one in platforms().values() for folder in one.folders}
    assert {one.name for one in Path(asset / "lambdas").iterdir()} == {"doctor", *folders}


@pytest.mark.parametrize(
    ("given", "cron"),
    [
        ({}, "cron(0 6 * * ? *)"),
        ({"at": "23:05", "time_zone": "Europe/Berlin"}, "cron(5 23 * * ? *)"),
        ({"at": "off"}, "cron(0 6 * * ? *)"),
    ],
)
def test_the_time_of_day_is_a_setting(given: dict[str, str], cron: str) -> None:
    """Without it, six o'clock in UTC; switched off, the schedule stays and is disabled."""
    mistakes: list[str] = []
    found = read_doctor(Reader(given, "doctor", mistakes))
    assert (mistakes, found.cron) == ([], cron)
    assert found.is_on is (given.get("at") != "off")
    assert found.time_zone == given.get("time_zone", "UTC")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"at": "6:00"}, "doctor.at: must be a time of day such as 06:30, or off"),
        ({"at": "24:00"}, "doctor.at: must be a time of day such as 06:30, or off"),
        ({"time_zone": "Europe/Bonn"}, "doctor.time_zone: must be the IANA name of a time zone"),
        ({"hour": 6}, "doctor.hour"),
    ],
)
def test_a_wrong_time_is_refused(given: dict[str, Any], says: str) -> None:
    """The key is named with what to write there."""
    mistakes: list[str] = []
    assert isinstance(read_doctor(Reader(given, "doctor", mistakes)), DoctorSettings)
    (found,) = mistakes
    assert found.startswith(says)
