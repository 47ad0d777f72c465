"""What AWS would refuse half-way through a deployment is refused at synth."""

from __future__ import annotations

from typing import Any

import pytest

from app import build
from stacks import limits
from stacks.settings import SettingsError
from tests.infrastructure.conftest import context


def refused(settings: dict[str, Any]) -> list[str]:
    """Return the mistakes that a build reports, none where it reports none."""
    try:
        build(context=context(settings, staging=False))
    except SettingsError as error:
        return error.mistakes
    return []


def test_too_many_connectors_are_refused_before_anything_is_created() -> None:
    """The stack, its number of resources and CloudFormation's limit are named."""
    connectors = [{"name": f"meta{number:02d}x", "platform": "meta"} for number in range(28)]
    (found,) = refused({"connectors": connectors})
    assert "audience-activation-activation would have" in found
    assert "takes 500" in found


def test_settings_that_a_function_has_no_room_for_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connector is named, with what its settings take and what Lambda takes."""
    connectors = [{"name": "meta", "platform": "meta"}]
    assert refused({"connectors": connectors}) == []
    monkeypatch.setattr(limits, "MAX_ENVIRONMENT_BYTES", 500)
    (found,) = refused({"connectors": connectors})
    assert "the settings of meta take" in found
    assert "room for 500" in found
