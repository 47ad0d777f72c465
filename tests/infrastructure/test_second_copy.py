"""Two copies of the app in one account: nothing that one of them names is named by the other as well."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.infrastructure.everything import templates

# What both copies name alike, with the reason why that is no collision: by type and property.
SHARED = {
    ("AWS::ApiGateway::Stage", "StageName"): "within its own API",
    ("AWS::Athena::NamedQuery", "Name"): "a label: Athena knows queries by their ids",
    ("AWS::CloudWatch::Alarm", "MetricName"): "AWS's own metrics, and one whose namespace is the app's",
    ("AWS::DynamoDB::Table", "AttributeName"): "a key's attribute",
    ("AWS::DynamoDB::Table", "IndexName"): "within its own table",
    ("AWS::Events::EventBusPolicy", "EventBusName"): "the account's default bus",
    ("AWS::Glue::Job", "Name"): "its command, which is called glueetl; the job's own name begins with the app's",
    ("AWS::Glue::Table", "Name"): "within its own database",
    ("AWS::IAM::Role", "PolicyName"): "within its own role",
    ("AWS::KinesisFirehose::DeliveryStream", "LogStreamName"): "within its own log group",
    ("AWS::Logs::LogStream", "LogStreamName"): "within its own log group",
    ("AWS::SNS::Topic", "DisplayName"): "a label in mails; the alarm's name says which copy it is of",
    ("AWS::WAFv2::WebACL", "Name"): "a rule within its own list",
}

# Properties below which a name is that of a column, a dimension or a variable.
NOT_NAMES = ("Dimensions", "PolicyDocument", "Environment", "Parameters", "Columns", "PartitionKeys")


@dataclass(frozen=True)
class Named:
    """A name that a template gives: the type of the resource, the property, and the name as JSON."""

    type: str
    key: str
    name: str


def names(template: Mapping[str, Any]) -> Iterator[Named]:
    """Yield every name in a template that is not made by CloudFormation, exports included."""
    own = template["Resources"].keys()
    for resource in template["Resources"].values():
        for key, value in _named(resource.get("Properties", {})):
            # What refers to another resource of the template is that one's name.
            if not any(f'"{id_}"' in json.dumps(value) for id_ in own):
                yield Named(resource["Type"], key, json.dumps(value, sort_keys=True))
    for output in template.get("Outputs", {}).values():
        if "Export" in output:
            yield Named("export", "Name", json.dumps(output["Export"]["Name"], sort_keys=True))


def _named(value: object) -> Iterator[tuple[str, object]]:
    """Yield the properties that are names, wherever they are, but for the names of a metric's dimensions."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            if key in ("Name", "StatementId") or key.endswith("Name"):
                yield key, one
            elif key not in (
                "Dimensions",
                "PolicyDocument",
                "Environment",
                "Parameters",
                "Columns",
                "PartitionKeys",
            ):
                yield from _named(one)
    elif isinstance(value, list):
        for one in value:
            yield from _named(one)


@pytest.fixture(scope="module")
def copies(everything: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Return the templates of the app under its default name, and under another one, by stack."""
    return {"audience-activation": everything, "acme": templates(tmp_path_factory.mktemp("copy"), "acme")}


def test_no_name_occurs_in_both_copies(copies: dict[str, dict[str, Any]]) -> None:
    """Stacks, exports and everything with a name of its own differ, but for what is no collision, for a reason."""
    first, second = ({one for made in copy.values() for one in names(made)} for copy in copies.values())
    both = first & second
    assert {(one.type, one.key) for one in both} - SHARED.keys() == set()
    assert {(one.type, one.key) for one in both} == SHARED.keys()
    own, other = (copy.keys() for copy in copies.values())
    assert not own & other
    assert {one.type for one in first} >= {"export", "AWS::Glue::Database", "AWS::S3::Bucket", "AWS::IAM::Role"}


def test_another_copy_s_names_begin_with_its_own(copies: dict[str, dict[str, Any]]) -> None:
    """Stacks of the stream too; the default copy has the names of Amazon's example stacks, to take their place."""
    assert all(stack.startswith("acme-") for stack in copies["acme"])
    assert {"acme-AmzStream-NA-sp-traffic", "acme-AmzStreamV2-NA-brand"} <= copies["acme"].keys()
    assert {"AmzStream-NA-sp-traffic", "AmzStreamV2-NA-brand"} <= copies["audience-activation"].keys()
    exports = {one.name for made in copies["acme"].values() for one in names(made) if one.type == "export"}
    assert exports
    assert all('"acme-' in one for one in exports)
