"""What AWS would refuse half-way through a deployment is refused at synth."""

from __future__ import annotations

from typing import Any

import pytest

from app import build
from stacks import limits
from stacks.activation import ActivationStack
from stacks.packaging import ROOT
from stacks.settings import SettingsError
from tests.infrastructure.conftest import context

FIT = 17  # plain connectors in one activation stack; stacks/README.md says it


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
    (found,) = refused({"connectors": connectors})
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
    assert [one for one in found if ".sources: all of them take" in one]
