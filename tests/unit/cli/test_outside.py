"""The command in a folder without cdk.context.json: everything is read from the stacks' outputs."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from activation.platforms.discovery import platforms
from activation.platforms.platform import Finding
from moto import mock_aws
from typer.testing import CliRunner

from cli import deployment
from cli.__main__ import app
from cli.connectors import deployed
from lambdas.doctor import examination
from lambdas.doctor.addresses import told_of
from lambdas.doctor.examination import Examiner
from stacks.connector_settings import ConnectorSettings, read_connector
from stacks.connector_told import MOST_CHARACTERS, NOT_TOLD, TOLD
from stacks.connector_told import outputs as told
from stacks.context import Reader
from stacks.source_settings import SourceSettings

SETTINGS = {
    "name": "meta-eu",
    "platform": "meta",
    "default_country": "DE",
    "delimiter": ";",
    "actions": ["add"],
    "columns": {"Адрес": "email", "Notiz": "ignore"},
    "consent": {"column": "Opt-in", "allow": [True]},
    "options": {"access_tier": "full"},
    "account": "42",
    "memory_mb": 512,
}
CONNECTOR = read_connector(Reader(SETTINGS, "connector", []), platforms())
SOURCE = SourceSettings("lake", "bucket", "example-lake", "vip/", "meta-eu", "VIP", "raw", "add", "", "")
APP = {"alarms": "none", "max_concurrency": 5, "reserved_concurrency": 0}
NAMES = ("SecretArn", "QueueUrl", "DeadLetterQueueUrl", "UndeliveredQueueUrl", "FunctionName", "RuleArn")


def outputs(**values: str) -> str:
    """Return a template with outputs, and one resource since it needs one."""
    found = {name: {"Value": value} for name, value in values.items()}
    return json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}, "Outputs": found})


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Deploy a copy of the app, and go to an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", os.environ.copy())
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    connector = {f"MetaEu{name}": f"{name} of meta-eu" for name in NAMES}
    connector |= {f"MetaEu{suffix}": text for suffix, text in told(CONNECTOR, [SOURCE])}
    connector["LakeSourceRuleArn"] = "RuleArn of lake"
    connector["App"] = json.dumps(APP)
    with mock_aws():
        client = boto3.client("cloudformation")
        storage = dict.fromkeys(("DropsBucket", "ReceiptsBucket", "LedgerTable", "ArchiveArn"), "one")
        storage["AlarmTopicArn"] = boto3.client("sns").create_topic(Name="copy-alarms")["TopicArn"]
        client.create_stack(StackName="copy-storage", TemplateBody=outputs(**storage))
        body = outputs(Connectors='{"meta-eu": "meta"}', **connector)
        client.create_stack(StackName="copy-activation", TemplateBody=body)
        yield


@pytest.mark.usefixtures("elsewhere")
def test_the_app_is_found_by_its_name_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connectors, their addresses and their platforms come from the outputs."""
    monkeypatch.setenv(deployment.STACK, "copy")
    found = deployment.find()
    assert found.connector("meta-eu").queue_url == "QueueUrl of meta-eu"
    assert deployed("meta-eu", found).platform.name == "meta"


@pytest.mark.usefixtures("elsewhere")
def test_the_options_choose_the_app_and_the_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--stack` and `--region` stand before the command; another region has no such app."""
    seen = []
    monkeypatch.setattr(deployment, "find", lambda: seen.append((deployment.app_name(), os.environ["AWS_REGION"])))
    CliRunner().invoke(app, ["--stack", "copy", "--region", "eu-north-1", "doctor"])
    assert seen == [("copy", "eu-north-1")]


@pytest.mark.usefixtures("elsewhere")
def test_doctor_knows_what_the_deployment_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    """That nobody is to be told, and how many functions may run at once, are no settings of this folder alone."""
    compared = []

    def examine(told: dict[str, Any]) -> Finding:
        compared.append(told)
        return Finding("concurrency", True, "enough")

    monkeypatch.setattr(examination, "examine_concurrency", examine)
    monkeypatch.setattr(Examiner, "connector", lambda *_, **__: iter(()))
    result = CliRunner().invoke(app, ["--stack", "copy", "doctor"])
    assert (result.exit_code, compared) == (0, [APP]), result.output
    assert "nobody is told, as the settings say" in result.output


@pytest.mark.usefixtures("elsewhere")
def test_without_a_name_the_default_one_is_looked_for() -> None:
    """A folder without settings is no mistake; an app that is not there is."""
    assert deployment.app_name() == "audience-activation"
    result = CliRunner().invoke(app, ["status"])
    assert result.exit_code == 1
    assert "was not found" in result.output


FILE = "Адрес;Opt-in;telefon\na@example.com;ja;030 901820\nb@example.com;nein;\n"


@pytest.fixture
def file(elsewhere: None, tmp_path: Path) -> Path:  # it is in the folder where the app is not
    """Write a file that only the connector's own settings make sense of."""
    path = tmp_path / "kunden.csv"
    path.write_text(FILE, encoding="utf-8")
    return path


def planned(file: Path, *options: str, connector: str = "meta-eu") -> Any:
    """Plan the file, and return the plan."""
    arguments = [*options, "plan", str(file), "--connector", connector, "--audience", "VIP", "--json"]
    return json.loads(CliRunner().invoke(app, arguments).stdout)


@pytest.mark.usefixtures("elsewhere")
def test_a_plan_reads_the_settings_of_the_app_that_is_named(file: Path) -> None:
    """Columns, delimiter, consent and the default country are those of the deployed connector."""
    plan = planned(file, "--stack", "copy")
    assert plan["refused"] is None
    assert plan["columns"] == {"Адрес": "EMAIL", "telefon": "PHONE", "Opt-in": "consent"}
    assert (plan["rows"], plan["rows_sent"]) == (2, 1)
    assert plan["rejected"]["no_consent"]["rows"] == 1
    assert plan["identifiers"] == {"EMAIL": 1, "PHONE": 1}


def test_a_plan_asks_nobody_unless_the_app_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without settings and without a name, a connector is a platform, and AWS is left alone."""
    monkeypatch.setattr(deployment, "find", lambda: pytest.fail("asked AWS"))
    refused = planned(file)["refused"]
    assert refused["code"] == "unknown_connector"
    assert "--stack" in refused["sentence"]


def test_a_file_beside_the_command_does_not_describe_another_app(file: Path, tmp_path: Path) -> None:
    """Whoever names an app means that one, whichever folder they are in."""
    own = {"connectors": [{"name": "meta-eu", "platform": "tiktok"}]}
    (tmp_path / "cdk.context.json").write_text(json.dumps({"audience_activation": own}))
    assert planned(file, "--stack", "copy")["platform"] == "meta"
    assert planned(file, "--stack", "audience-activation")["platform"] == "tiktok"


def test_a_drop_is_checked_by_the_deployed_settings(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the connector would refuse is not uploaded; the rest is, into the app's bucket."""
    monkeypatch.setenv(deployment.STACK, "copy")
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="one", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    arguments = ["drop", str(file), "--connector", "meta-eu", "--audience", "VIP", "--json"]
    refused = CliRunner().invoke(app, [*arguments, "--action", "remove"])
    assert refused.exit_code == 1
    assert "action_not_allowed" in refused.output
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert [one["Key"] for one in s3.list_objects_v2(Bucket="one")["Contents"]] == ["meta-eu/VIP/raw/kunden.csv"]


@pytest.mark.usefixtures("elsewhere")
def test_a_replay_finds_the_rules_of_the_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are the deployed ones, whatever a folder's settings say."""
    monkeypatch.setenv(deployment.STACK, "copy")
    found = deployment.find()
    assert found.sources == (SOURCE,)
    assert found.connector("meta-eu").source_rule_arns == ("RuleArn of lake",)


def test_every_setting_is_told_or_left_out_on_purpose() -> None:
    """A new setting that a command reads must not be forgotten where the command is elsewhere."""
    assert not TOLD & NOT_TOLD
    assert {one.name for one in dataclasses.fields(ConnectorSettings)} == TOLD | NOT_TOLD


def test_settings_of_any_length_pass_through_the_outputs() -> None:
    """What is too long for one output goes on in the next, and what is not set takes none."""
    plain = read_connector(Reader({"name": "meta", "platform": "meta"}, "connector", []), platforms())
    assert list(told(plain, [])) == []
    long = dataclasses.replace(plain, placeholders=tuple(f"nobody{number:04d}@пример" for number in range(300)))
    pieces = dict(told(long, []))
    assert len(pieces) > 1
    assert all(len(text) <= MOST_CHARACTERS and text.isascii() for text in pieces.values())
    joined = told_of({f"Meta{suffix}": text for suffix, text in pieces.items()}, "meta")
    assert tuple(joined["placeholders"]) == long.placeholders
