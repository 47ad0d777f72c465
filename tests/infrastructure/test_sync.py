"""The stack of the sync: off by default, alone in its permissions, and watched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stacks.packaging import ROOT
from tests.infrastructure.conftest import host_wheels, synthesise
from tests.infrastructure.settings_read import mistakes

STACK = "audience-activation-sync.template.json"
KEY_ARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
SECRET_ARN = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:cdp-AbCdEf"
SOURCES: list[dict[str, Any]] = [
    {"name": "cdp", "kind": "postgres"},
    {"name": "rds", "kind": "postgres", "secret_arn": SECRET_ARN, "key_arn": KEY_ARN},
    {"name": "aurora", "kind": "postgres", "host": "db", "database": "d", "user": "sync", "iam": "cluster-ABC"},
    {
        "name": "lake",
        "kind": "athena",
        "workgroup": "wg",
        "database": "marts",
        "buckets": ["example-lake"],
        "results": "example-athena/activation/",
    },
]
NETWORK = {"subnets": ["subnet-0123456789abcdef0"], "security_groups": ["sg-0123456789abcdef0"]}


@pytest.fixture(scope="module")
def outdir(tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any]) -> Path:
    """Synthesise the app with every kind of source, in a VPC, for this machine; return where."""
    outdir = tmp_path_factory.mktemp("sync")
    synthesise(outdir, {**settings, "sources": SOURCES, "sync": NETWORK, "wheels": host_wheels()}, root=ROOT)
    return outdir


@pytest.fixture(scope="module")
def template(outdir: Path) -> dict[str, Any]:
    """Return the resources of the stack's template."""
    found: dict[str, Any] = json.loads((outdir / STACK).read_text())["Resources"]
    return found


def test_adbc_finds_arrow_in_the_layers(outdir: Path, template: dict[str, Any]) -> None:
    """The driver works on columns only where Arrow has its modules of datasets, which no code of ours imports."""
    assets = json.loads((outdir / STACK.replace("template", "assets")).read_text())["files"]
    folders = {
        key["objectKey"]: outdir / asset["source"]["path"]
        for asset in assets.values()
        for key in asset["destinations"].values()
    }
    layers = [one["Properties"] for one in template.values() if one["Type"] == "AWS::Lambda::LayerVersion"]
    path = os.pathsep.join(str(folders[one["Content"]["S3Key"]] / "python") for one in layers)
    program = "from adbc_driver_manager import dbapi; print(dbapi._has_pyarrow)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("True\n", "")


def of_type(template: dict[str, Any], type_: str, name: str = "") -> dict[str, Any]:
    """Return the properties of resources of a type, by logical id."""
    return {
        id_: one["Properties"]
        for id_, one in template.items()
        if one["Type"] == type_ and id_.startswith(f"Sync{name}")
    }


def statements(template: dict[str, Any]) -> dict[str, Any]:
    """Return the statements of the function's role by their ids."""
    (role,) = of_type(template, "AWS::IAM::Role", "Role").values()
    return {one["Sid"]: one for one in role["Policies"][0]["PolicyDocument"]["Statement"]}


def test_without_such_a_source_there_is_no_stack(tmp_path: Path, settings: dict[str, Any]) -> None:
    """A bucket is no reason for it."""
    synthesise(tmp_path, settings, root=ROOT)
    assert not (tmp_path / STACK).exists()


def test_each_source_is_read_by_a_statement_of_its_own_kind(template: dict[str, Any]) -> None:
    """Logins are read, and not written; a lake's tables are read by its database, and nothing else of the lake."""
    found = statements(template)
    assert found["ReadLogins"]["Action"] == "secretsmanager:GetSecretValue"
    assert len(found["ReadLogins"]["Resource"]) == 2
    assert found["KeysOfExistingSecrets"]["Resource"] == KEY_ARN
    assert "dbuser:cluster-ABC/sync" in json.dumps(found["LogIn"]["Resource"])
    assert "table/marts/*" in json.dumps(found["ReadCatalogue"]["Resource"])
    assert "example-lake/*" in json.dumps(found["ReadLake"]["Resource"])
    writes = [one for one in found.values() if "s3:PutObject" in one["Action"]]
    assert {one["Sid"] for one in writes} == {"Exports", "AudienceOptions", "KeepResults"}
    assert found["Records"]["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["sync#*"]}}
    assert not any("*" in one["Action"] for one in found.values())
    everywhere = {sid for sid, one in found.items() if one["Resource"] == "*"}
    assert everywhere == {"Trace", "Attach"}


def test_the_function_is_in_the_network_of_the_settings(template: dict[str, Any]) -> None:
    """By the subnets' and groups' ids, and no secret stands in its environment."""
    (function,) = of_type(template, "AWS::Lambda::Function").values()
    assert function["VpcConfig"] == {
        "SubnetIds": NETWORK["subnets"],
        "SecurityGroupIds": NETWORK["security_groups"],
    }
    assert "password" not in json.dumps(function["Environment"]).lower()


def test_every_queue_has_dead_letters_and_an_alarm(template: dict[str, Any]) -> None:
    """The queue's messages, failed ticks and undelivered events are kept, and each place is watched."""
    queues = of_type(template, "AWS::SQS::Queue")
    alarms = json.dumps(of_type(template, "AWS::CloudWatch::Alarm"))
    assert len(queues) == 4
    assert all(f'"{id_}", "QueueName"' in alarms for id_ in queues)
    (queue,) = of_type(template, "AWS::SQS::Queue", "Queue").values()
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 10
    (mapping,) = of_type(template, "AWS::Lambda::EventSourceMapping").values()
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    (schedule,) = of_type(template, "AWS::Scheduler::Schedule").values()
    assert schedule["ScheduleExpression"] == "rate(5 minutes)"
    assert "DeadLetterConfig" in schedule["Target"]
    (rule,) = of_type(template, "AWS::Events::Rule").values()
    assert rule["EventPattern"]["detail"] == {"key": [{"suffix": "/sync.manifest"}]}
    assert "DeadLetterConfig" in rule["Targets"][0]


@pytest.mark.parametrize(
    ("changes", "mistake"),
    [
        ({"sync": {"subnets": NETWORK["subnets"]}}, "sync.security_groups: missing"),
        (
            {"sync": {"subnets": ["vpc-1"], "security_groups": ["sg-0123456789abcdef0"]}},
            "sync.subnets: must be up",
        ),
        ({"sources": [{"name": "c", "kind": "postgres", "iam": "db-ABC"}]}, "sources[0].user: missing"),
        (
            {"sources": [{"name": "c", "kind": "postgres", "key_arn": KEY_ARN}]},
            "sources[0].key_arn: the app's own",
        ),
        ({"sources": [{"name": "c", "kind": "postgres", "bucket": "b"}]}, "sources[0].bucket: no such setting"),
        ({"sources": [{"name": "l", "kind": "athena"}]}, "sources[0].workgroup: missing"),
        ({"sources": [*SOURCES[:1], *SOURCES[:1]]}, "sources[1].name: cdp is the name of another source"),
    ],
)
def test_a_mistake_is_told_by_its_key(changes: dict[str, Any], mistake: str) -> None:
    """Every setting of the sync is checked before the first construct exists."""
    connectors = [{"name": "meta", "platform": "meta"}]
    assert any(mistake in one for one in mistakes({"connectors": connectors, **changes}))
