"""What a deployed template says and the emulator forgets."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

from sandbox.enforcement import UNKNOWN, Unenforced, unenforced
from sandbox.readback import Dropped, dropped
from tests.unit.sandbox.emulator.driver import ROLE, Emulator


def _deployed(emulator: Emulator, folder: Path, resources: dict[str, Any]) -> None:
    cloudformation, name = emulator.client("cloudformation"), f"s{uuid.uuid4().hex[:8]}"
    template = json.dumps({"Resources": resources})
    (folder / f"{name}.template.json").write_text(template)
    cloudformation.create_stack(StackName=name, TemplateBody=template)
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})


def _function(**more: Any) -> dict[str, Any]:
    properties = {
        "Role": ROLE,
        "Runtime": "python3.11",
        "Handler": "index.handler",
        "Code": {"ZipFile": "def handler(event, context): pass"},
        "Environment": {"Variables": {"QUEUE": {"Ref": "Q"}, "COLOUR": "blue"}},
        "ReservedConcurrentExecutions": 3,
        "Timeout": 7,
    }
    return {"Type": "AWS::Lambda::Function", "Properties": {**properties, **more}}


def test_a_kept_property_is_no_difference(emulator: Emulator, tmp_path: Path) -> None:
    """Numbers, nested values, references, switches and tags are found under their names."""
    queue = {
        "Type": "AWS::SQS::Queue",
        "Properties": {"VisibilityTimeout": 90, "Tags": [{"Key": "team", "Value": "Ads"}]},
    }
    table = {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
            "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        },
    }
    _deployed(emulator, tmp_path, {"F": _function(), "Q": queue, "T": table})
    assert dropped(tmp_path, emulator.client) == []


def test_a_dropped_property_is_named(emulator: Emulator, tmp_path: Path) -> None:
    """A whole property, one value inside one, and a tag; each is listed as without effect."""
    bucket = {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "VersioningConfiguration": {"Status": "Enabled"},
            "Tags": [{"Key": "team", "Value": "Ads"}],
            "LifecycleConfiguration": {"Rules": [{"Status": "Enabled", "ExpirationInDays": 3}]},
        },
    }
    function = _function(DurableConfig={"ExecutionTimeout": 60})
    _deployed(emulator, tmp_path, {"B": bucket, "Q": {"Type": "AWS::SQS::Queue"}, "F": function})
    lost = dropped(tmp_path, emulator.client)
    assert Dropped("AWS::S3::Bucket", "LifecycleConfiguration") in lost
    assert Dropped("AWS::S3::Bucket", "Tags") in lost
    assert Dropped("AWS::S3::Bucket", "VersioningConfiguration") not in lost
    assert Dropped("AWS::Lambda::Function", "DurableConfig") in lost
    listed = unenforced(tmp_path, emulator.client)
    assert Unenforced("AWS::S3::Bucket", "Tags", "buckets have no tags") in listed
    assert Unenforced("AWS::Lambda::Function", "DurableConfig", UNKNOWN) in listed
