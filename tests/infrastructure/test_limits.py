"""What AWS would refuse half-way through a deployment is refused at synth."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_

from app import build
from stacks import limits
from stacks.activation import ActivationStack
from stacks.packaging import ROOT
from stacks.settings import SettingsError
from tests.infrastructure.conftest import Templates, context

FIT = 15  # plain connectors in one activation stack; stacks/README.md says it


def refused(settings: dict[str, Any]) -> list[str]:
    """Return the mistakes that a build reports, none where it reports none."""
    try:
        build(context=context(settings, staging=False))
    except SettingsError as error:
        return error.mistakes
    return []


def many(count: int) -> list[dict[str, Any]]:
    """Return connectors as plain as they come."""
    return [{"name": f"meta{number:02d}x", "platform": "meta"} for number in range(count)]


def activation_of(connectors: list[dict[str, Any]]) -> ActivationStack:
    """Return the activation stack of an app with these connectors."""
    app = build(context=context({"connectors": connectors}, staging=False))
    (found,) = (one for one in app.node.children if isinstance(one, ActivationStack))
    return found


def test_too_many_connectors_are_refused_before_anything_is_created() -> None:
    """The stack, its resources, CloudFormation's limit and the number of connectors that fit are named."""
    (found,) = refused({"connectors": many(FIT + 1)})
    assert "audience-activation-activation would have" in found
    assert "takes 500" in found
    assert f"room for the first {FIT}" in found


def test_the_page_says_how_many_connectors_fit() -> None:
    """As many as stacks/README.md says pass, and one connector takes as many resources as it says."""
    assert refused({"connectors": many(FIT)}) == []
    (connector,) = activation_of(many(1)).connectors.values()
    page = " ".join((ROOT / "stacks" / "README.md").read_text(encoding="utf-8").split())
    assert f"A connector takes {limits.resources(connector)} resources" in page
    assert f"so {FIT} connectors fit" in page


def test_connectors_are_counted_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that come first in the settings fit first, each with what it takes: a topic of its own is more."""
    connectors = many(3)
    connectors[1]["alarm_email"] = "one@example.com"
    activation = activation_of(connectors)
    first, second, _ = (limits.resources(one) for one in activation.connectors.values())
    assert second > first
    rest = limits.resources(activation) - first - second - first
    for most, fit in ((rest + first + second, 2), (rest + first + first, 1), (rest, 0)):
        monkeypatch.setattr(limits, "MAX_RESOURCES", most)
        assert limits.room(activation) == fit


def test_settings_that_a_function_has_no_room_for_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connector is named, with what its settings take and what Lambda takes."""
    connectors = [{"name": "meta", "platform": "meta"}]
    assert refused({"connectors": connectors}) == []
    monkeypatch.setattr(limits, "MAX_ENVIRONMENT_BYTES", 500)
    (found,) = (one for one in refused({"connectors": connectors}) if ".connectors: the settings" in one)
    assert "the settings of meta take" in found
    assert "room for 500" in found


def test_sources_that_the_watch_has_no_room_for_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them are in one function's environment; without sources it is not what is too large."""
    connectors = [{"name": "meta", "platform": "meta"}]
    source = {
        "name": "vip", "kind": "bucket", "bucket": "example-vip", "prefix": "vip/" * 100, "connector": "meta",
        "audience": "VIP", "identifiers": "raw",
    }  # fmt: skip
    assert refused({"connectors": connectors, "sources": [source]}) == []
    monkeypatch.setattr(limits, "MAX_ENVIRONMENT_BYTES", 1000)
    found = refused({"connectors": connectors, "sources": [source]})
    assert [one for one in found if "/DropWatch is told takes" in one]


def test_too_many_outputs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each stack that CloudFormation would refuse for them is named, with the number it takes."""
    connectors = many(3)
    assert refused({"connectors": connectors}) == []
    monkeypatch.setattr(limits, "MAX_OUTPUTS", limits.EXPORTS + 18)
    (found,) = [one for one in refused({"connectors": connectors}) if "audience-activation-activation" in one]
    assert "audience-activation-activation would have" in found
    assert f"outputs, and CloudFormation takes {limits.EXPORTS + 18}" in found


def test_no_stack_exports_more_than_is_reckoned_with(templates: Templates) -> None:
    """What the CDK adds to a template for other stacks fits into the room that is kept for it."""
    exported = [one for one in templates.storage["Outputs"].values() if "Export" in one]
    assert 0 < len(exported) <= limits.EXPORTS


def test_functions_that_are_no_connector_s_have_their_room_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """The webhook is told which hosts and drops are allowed; the function is named by its path."""
    hosts = [f"files-{number}.example.com" for number in range(120)]
    webhook = {"allowed_hosts": hosts, "drops": [{"connector": "meta", "actions": ["add"]}]}
    connectors = [{"name": "meta", "platform": "meta"}]
    assert refused({"connectors": connectors, "ci360": {**webhook, "allowed_hosts": hosts[:1]}}) == []
    monkeypatch.setattr(limits, "MAX_ENVIRONMENT_BYTES", 3_000)
    found = refused({"connectors": connectors, "ci360": webhook})
    assert len(found) == 2
    assert "audience-activation-ci360/Webhook" in found[0]
    assert all("room for 3000" in one for one in found)


def test_a_reference_counts_as_the_longest_name() -> None:
    """Text around a name that AWS makes is counted as it is."""
    activation = activation_of(many(1))
    queue = activation.connectors["meta00x"].queue
    variables = {"NAME": f"s3://{queue.queue_arn}/ä", "PLAIN": "x"}
    assert limits.environment_bytes(activation, variables) == 4 + 5 + limits.REFERENCE_BYTES + 3 + 5 + 1


def test_every_function_s_variables_are_counted() -> None:
    """In each stack there are as many functions as are looked at, the stream's and the webhook's included."""
    stream = {"realms": ["NA"], "datasets": ["ads"]}
    webhook = {"allowed_hosts": ["files.example.com"], "drops": [{"connector": "meta00x", "actions": ["add"]}]}
    given = {"connectors": many(2), "marketing_stream": stream, "ci360": webhook}
    stacks = [one for one in build(context=context(given, staging=False)).node.children if isinstance(one, Stack)]
    counted = {one.stack_name: len(list(limits.environments(one))) for one in stacks}
    there = {
        one.stack_name: sum(isinstance(each, lambda_.CfnFunction) for each in one.node.find_all())
        for one in stacks
    }
    assert counted == there
    assert sum(there.values()) > 6
