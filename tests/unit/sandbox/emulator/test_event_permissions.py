"""What calls about replays and rules are checked against."""

from __future__ import annotations

import json

import pytest

from sandbox.emulator.event_permissions import of_replay, of_rule

ARCHIVE = "arn:aws:events:us-east-1:111122223333:archive/drops"


@pytest.mark.parametrize(
    ("call", "resource"),
    [
        ({"ReplayName": "one", "EventSourceArn": ARCHIVE}, ARCHIVE),
        ({"ReplayName": "one"}, "arn:aws:events:us-east-1:111122223333:replay/one"),
        ({"NamePrefix": "one"}, ""),
        ([], ""),
    ],
    ids=["start", "describe", "list", "no object"],
)
def test_a_replay_is_checked_by_its_archive_or_its_name(call: object, resource: str) -> None:
    """A start is checked against the archive, another call about a replay against that, and a list against all."""
    assert of_replay(json.dumps(call).encode(), "us-east-1", "111122223333") == resource


@pytest.mark.parametrize("name", ["one", "default"])
def test_a_rule_on_the_default_bus_is_named_without_it(name: str) -> None:
    """AWS names the bus of other rules only; what is no rule stays as it is."""
    here = "arn:aws:events:us-east-1:111122223333"
    assert of_rule(f"{here}:rule/default/{name}") == f"{here}:rule/{name}"
    assert of_rule(f"{here}:rule/own/{name}") == f"{here}:rule/own/{name}"
    assert of_rule(f"{here}:event-bus/default") == f"{here}:event-bus/default"
