"""Every call that a function makes of AWS is allowed by its role, in all stacks.

The connectors' are in test_calls_allowed, since they find their platforms at run time.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.infrastructure.ci360_templates import CI360
from tests.infrastructure.conftest import synthesise
from tests.infrastructure.test_calls_allowed import actions_of
from tests.infrastructure.test_permissions import several
from tests.infrastructure.test_sources import UNLOAD
from tests.sdk_calls import ROOT

LIBRARY = ROOT / "layers" / "activation" / "python"
EXPORTS = {"exports": [{"name": "vip", "mapping": "tests/infrastructure/data/alpha.json"}]}
STREAM = {"realms": ["NA"], "datasets": ["sp-traffic"], "delivery": ["sqs"]}
SYNC_SOURCES = [{"name": "cdp", "kind": "postgres"}]
# What Lambda, S3, Secrets Manager and Firehose do with a function's role, without a call in its sources.
BY_AWS = re.compile(r"kms:|logs:|xray:|sqs:(ReceiveMessage|DeleteMessage|GetQueueAttributes)$")
# By handler, the actions of calls that stand in what it imports, and that it never makes.
NOT_MADE: Mapping[str, set[str]] = {
    # Its notices are worded beside those of runs, whose receipts read listings; it reads none.
    "lambdas.drop_watch.handler": {f"s3:{one}" for one in ("GetObject", "GetObjectVersion", "PutObject")},
    # A policy in the connectors' stack says which secrets, see test_doctor; and it reads no listing.
    "lambdas.doctor.handler": {
        *(f"secretsmanager:{one}" for one in ("DescribeSecret", "GetSecretValue", "PutSecretValue")),
        "ssm:GetParameter",
        *(f"s3:{one}" for one in ("GetObject", "GetObjectVersion", "PutObject")),
        "s3:HeadBucket",  # an action of no policy: the refusal of a bucket that it may not list names the region
    },
    "lambdas.normalize_start.handler": set(),
    # It has no secret; the line that it shares with the connectors reads theirs.
    "lambdas.suppressions.handler": {
        *(f"secretsmanager:{one}" for one in ("GetSecretValue", "PutSecretValue")),
        "ssm:GetParameter",
        "dynamodb:ConditionCheckItem",  # its runs begin and end step by step
    },
    "lambdas.ci360.webhook": {"dynamodb:GetItem"},  # it takes a record by one conditional write
    "lambdas.ci360.transfer": {"s3:GetObjectVersion"},  # it asks for the newest version
    "lambdas.ci360.results": {"dynamodb:UpdateItem", "secretsmanager:PutSecretValue"},  # it only reads
    # The login is a database's, which replaces it itself; one with a parameter of SSM has none.
    "lambdas.sync.handler": {
        "secretsmanager:PutSecretValue",
        "secretsmanager:DescribeSecret",
        "ssm:GetParameter",
        "s3:GetObjectVersion",  # it asks for the newest version
        "s3:DeleteObject",  # it names the version of everything that it deletes
        "events:PutEvents",  # it only reads what others put on the bus
        *(f"athena:{one}QueryExecution" for one in ("Start", "Get")),  # of a lake: see test_sync
    },
    "lambdas.marketing_stream.fan_out": set(),
    "lambdas.marketing_stream.confirm": {"sns:Publish", "firehose:PutRecordBatch"},  # it confirms, or sends on
    "lambdas.marketing_stream.guard": set(),
}
# What Lambda does with the role of a function that has a dead-letter queue of its own; what deleting a version and
# the SDK's uploads in parts need.
DEAD_LETTERS = {
    "lambdas.doctor.handler": {"sqs:SendMessage"},
    "lambdas.sync.handler": {
        "sqs:SendMessage",
        *(f"s3:{one}" for one in ("DeleteObjectVersion", "AbortMultipartUpload", "ListMultipartUploadParts")),
    },
}
# Without it, S3 says of a missing object that it is forbidden.
ABSENT = "s3:ListBucket"


@pytest.fixture(scope="module")
def roles(tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any]) -> dict[str, list[set[str]]]:
    """Synthesise every stack; return what the role of each function allows, by the module of its handler."""
    outdir = tmp_path_factory.mktemp("every-function")
    sources = [*settings.get("sources", ()), UNLOAD, *SYNC_SOURCES]
    everything = {"ci360": CI360, "marketing_stream": STREAM, "normalize": EXPORTS, "sources": sources}
    synthesise(outdir, {**settings, **everything}, root=ROOT)
    found: dict[str, list[set[str]]] = {}
    for file in outdir.glob("*.template.json"):
        resources = json.loads(file.read_text())["Resources"]
        for one in resources.values():
            if one["Type"] == "AWS::Lambda::Function":
                role = one["Properties"]["Role"]["Fn::GetAtt"][0]
                module = one["Properties"]["Handler"].rpartition(".")[0]
                found.setdefault(module, []).append(allowed(resources, role))
    return found


def allowed(resources: Mapping[str, Any], role: str) -> set[str]:
    """Return the actions that the policies of a role allow, those beside it included."""
    policies = [
        *resources[role]["Properties"].get("Policies", []),
        *(
            one["Properties"]
            for one in resources.values()
            if one["Type"] == "AWS::IAM::Policy" and {"Ref": role} in one["Properties"]["Roles"]
        ),
    ]
    return {
        action
        for policy in policies
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
        for action in several(statement["Action"])
    }


def sources(module: str) -> set[Path]:
    """Return the sources that a module of ours imports, at once or later, its own among them."""
    seen: set[Path] = set()
    waiting = [module]
    while waiting:
        if (path := _path(waiting.pop())) and path not in seen:
            seen.add(path)
            waiting += _imported(path)
    return seen


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{one.name}" for one in node.names)


def _path(module: str) -> Path | None:
    room = {"activation": LIBRARY, "lambdas": ROOT}.get(module.partition(".")[0])
    path = room.joinpath(*module.split(".")).with_suffix(".py") if room else None
    return path if path and path.exists() else None


def test_every_function_is_looked_at(roles: dict[str, list[set[str]]]) -> None:
    """A function that is new has to be added here."""
    connectors = {"lambdas.meta.handler", "lambdas.tiktok.handler"}
    assert roles.keys() - connectors == NOT_MADE.keys()


@pytest.mark.parametrize("handler", sorted(NOT_MADE))
def test_every_call_is_allowed(roles: dict[str, list[set[str]]], handler: str) -> None:
    """No call in a function's sources meets a role that lacks its action, and no action is allowed for nothing."""
    calls = {one: files for one, files in actions_of(sources(handler)).items() if one not in NOT_MADE[handler]}
    assert calls
    for found in roles[handler]:
        lacking = {action: files for action, files in calls.items() if action not in found}
        extra = {one for one in found if not BY_AWS.match(one)} - calls.keys()
        extra -= {ABSENT, *DEAD_LETTERS.get(handler, ())}
        assert (lacking, extra) == ({}, set())
