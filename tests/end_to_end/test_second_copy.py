"""A second copy of the app in one account: deployed beside the first, and destroyed without touching it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.__main__ import app
from cli.deployment import STACK
from sandbox import cdk, node, notices
from sandbox.emulator.environment import client_environment
from sandbox.place import ROOT, Place
from tests.end_to_end.driver import Sandbox

NAME, STREAM = "copy", "AmzStream-NA-sp-traffic"
PARTS = ("doctor", "activation", "ci360", "storage", "stream-na")


def stacks(sandbox: Sandbox) -> dict[str, str]:
    """Return the stacks' states by their names."""
    listed = sandbox.client("cloudformation").get_paginator("describe_stacks").paginate()
    return {one["StackName"]: one["StackStatus"] for page in listed for one in page["Stacks"]}


def holders(sandbox: Sandbox) -> dict[str, set[str]]:
    """Return the names of what holds data or works, by kind."""
    client = sandbox.client
    return {
        "buckets": {one["Name"] for one in client("s3").list_buckets()["Buckets"]},
        "queues": set(client("sqs").list_queues().get("QueueUrls", [])),
        "tables": set(client("dynamodb").list_tables()["TableNames"]),
        "functions": {one["FunctionName"] for one in client("lambda").list_functions()["Functions"]},
        "secrets": {one["Name"] for one in client("secretsmanager").list_secrets()["SecretList"]},
        "log groups": {one["logGroupName"] for one in client("logs").describe_log_groups()["logGroups"]},
        "databases": {one["Name"] for one in client("glue").get_databases()["DatabaseList"]},
    }


def run(command: list[str], environment: Mapping[str, str], folder: Path) -> None:
    """Run a command of the CDK's; its output is shown if it fails."""
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def before(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, set[str]]]:
    """Deploy a second copy, the stream included; return what there was before it."""
    found, url, runner = holders(sandbox), sandbox.described["aws_endpoint_url"], node.find()
    place = Place(tmp_path / "second")
    place.make()
    context = cdk.hosts_wheels() | cdk.streams(("sp-traffic",)) | cdk.CI360 | notices.FLAG | {"name": NAME}
    run(cdk.synth(runner, place, context), cdk.sandbox_environment(runner, place), ROOT)
    environment = cdk.sandbox_environment(runner, place, url)
    run(cdk.deploy(runner, place, tmp_path / "outputs.json"), environment, tmp_path)
    for name, text in {**client_environment(url), STACK: NAME}.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setenv("AWS_DEFAULT_REGION", sandbox.described["region"])
    monkeypatch.chdir(tmp_path)
    yield found
    CliRunner().invoke(app, ["destroy", "--yes"])  # if the test has failed before


@pytest.mark.faults
def test_a_second_copy_comes_and_goes_beside_the_first(sandbox: Sandbox, before: dict[str, set[str]]) -> None:
    """Every stack of both is there at once; what `destroy` removes is the copy, with the records that landed."""
    both = stacks(sandbox)
    copy = {f"{NAME}-{part}" for part in (*PARTS, STREAM)}
    assert both.keys() >= {STREAM, *copy, *(f"audience-activation-{part}" for part in PARTS)}
    assert set(both.values()) <= {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
    with_copy = holders(sandbox)
    assert all(with_copy[kind] > names for kind, names in before.items())
    (landing,) = (one for one in with_copy["buckets"] - before["buckets"] if "storagelz" in one)
    for text in (b"first", b"second"):
        sandbox.client("s3").put_object(Bucket=landing, Key="sp-traffic/one", Body=text)

    result = CliRunner().invoke(app, ["destroy"], input=f"{NAME}\n")

    assert result.exit_code == 0, result.output
    assert f"{NAME}-{STREAM} (us-east-1)" in result.output
    assert "archive them first" in result.output
    assert stacks(sandbox) == {name: state for name, state in both.items() if name not in copy}
    assert holders(sandbox) == before
