"""CloudFormation types that are accepted and do nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from sandbox.emulator.inert_types import INERT
from tests.unit.sandbox.emulator.driver import Emulator


def _listed(emulator: Emulator) -> list[dict[str, str]]:
    found: list[dict[str, str]] = requests.get(f"{emulator.url}/_inert", timeout=5).json()
    return found


def _resources(**properties: Any) -> dict[str, Any]:
    """Return a resource of each type, which names itself where the type is named by a property."""
    return {
        type_.replace(":", ""): {
            "Type": type_,
            "Properties": {**({inert.named_by: f"own-{index}"} if inert.named_by else {}), **properties},
        }
        for index, (type_, inert) in enumerate(INERT.items())
    }


def test_every_inert_type_is_deployed_and_listed(emulator: Emulator) -> None:
    """A template of all of them deploys; each has its id and its attributes, and is said to do nothing."""
    outputs: dict[str, Any] = {}
    for type_, inert in INERT.items():
        id_ = type_.replace(":", "")
        outputs[id_] = {"Ref": id_}
        outputs |= {f"{id_}Get{name}": {"Fn::GetAtt": [id_, name]} for name in inert.attributes}
    before = len(_listed(emulator))
    values = emulator.stack(_resources(), outputs)
    for index, (type_, inert) in enumerate(INERT.items()):
        id_ = type_.replace(":", "")
        assert values[id_] == f"own-{index}" if inert.named_by else values[id_]
        for name in inert.attributes:
            expected = f":{values[id_]}" if name.lower().endswith("arn") else values[id_]
            assert values[f"{id_}Get{name}"].replace("/", ":").endswith(expected)
    listed = _listed(emulator)
    assert len(listed) - before == len(INERT)
    assert {one["type"]: one["undone"] for one in listed} == {key: one.undone for key, one in INERT.items()}


def test_id_stays_when_a_property_changes_and_goes_with_the_stack(emulator: Emulator) -> None:
    """An update keeps the id that others refer to, and a deleted stack's resources are listed no more."""
    cloudformation = emulator.client("cloudformation")

    def ids() -> dict[str, str]:
        found = cloudformation.describe_stack_resources(StackName="inert-update")["StackResources"]
        return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}

    cloudformation.create_stack(
        StackName="inert-update", TemplateBody=json.dumps({"Resources": _resources(Description="before")})
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName="inert-update", WaiterConfig={"Delay": 1})
    made = ids()
    cloudformation.update_stack(
        StackName="inert-update", TemplateBody=json.dumps({"Resources": _resources(Description="after")})
    )
    cloudformation.get_waiter("stack_update_complete").wait(StackName="inert-update", WaiterConfig={"Delay": 1})
    assert ids() == made
    assert {one["stack"] for one in _listed(emulator)} >= {"inert-update"}
    cloudformation.delete_stack(StackName="inert-update")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="inert-update", WaiterConfig={"Delay": 1})
    assert "inert-update" not in {one["stack"] for one in _listed(emulator)}


def test_unknown_type_is_refused_by_its_name(emulator: Emulator) -> None:
    """A type that is neither emulated nor listed as inert still refuses the deployment."""
    template = {"Resources": {"Cluster": {"Type": "AWS::Redshift::Cluster", "Properties": {}}}}
    with pytest.raises(ClientError, match=r"Unrecognized resource types: \[AWS::Redshift::Cluster\]"):
        emulator.client("cloudformation").create_stack(StackName="unknown", TemplateBody=json.dumps(template))
