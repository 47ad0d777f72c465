"""The command in a folder without cdk.context.json: everything is read from the stacks' outputs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from cli import deployment
from cli.__main__ import app
from cli.connectors import deployed_as

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
    with mock_aws():
        client = boto3.client("cloudformation")
        storage = dict.fromkeys(("DropsBucket", "ReceiptsBucket", "LedgerTable", "ArchiveArn"), "one")
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
    assert deployed_as("meta-eu", found).platform.name == "meta"


@pytest.mark.usefixtures("elsewhere")
def test_the_options_choose_the_app_and_the_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--stack` and `--region` stand before the command; another region has no such app."""
    seen = []
    monkeypatch.setattr(deployment, "find", lambda: seen.append((deployment.app_name(), os.environ["AWS_REGION"])))
    CliRunner().invoke(app, ["--stack", "copy", "--region", "eu-north-1", "doctor"])
    assert seen == [("copy", "eu-north-1")]


@pytest.mark.usefixtures("elsewhere")
def test_without_a_name_the_default_one_is_looked_for() -> None:
    """A folder without settings is no mistake; an app that is not there is."""
    assert deployment.app_name() == "audience-activation"
    result = CliRunner().invoke(app, ["status"])
    assert result.exit_code == 1
    assert "was not found" in result.output
