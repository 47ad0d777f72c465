"""A folder's manifest names the platform that its digests were made for."""

from __future__ import annotations

import pytest

from tests.unit.line.mirrors import Make, deliver, mirror_world
from tests.unit.line.world import people


@pytest.mark.parametrize(
    ("platform", "code"), [("another", "other_platform"), (7, "bad_manifest"), ("A b", "bad_manifest")]
)
def test_digests_for_another_platform_are_not_sent(make_world: Make, platform: object, code: str) -> None:
    """They would match few people or none: the run fails before the first request, and the receipt says why."""
    world = mirror_world(make_world)
    receipt = deliver(world, people(3), export={"platform": platform})
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", code)
    assert not world.platform.calls


def test_digests_for_the_connectors_own_platform_are_sent(make_world: Make) -> None:
    """A manifest that names the connector's platform is as good as one that names none."""
    world = mirror_world(make_world)
    assert deliver(world, people(3), export={"platform": "tiny"})["state"] == "applied"
