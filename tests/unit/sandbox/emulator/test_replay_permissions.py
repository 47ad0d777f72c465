"""What a call about a replay is checked against."""

from __future__ import annotations

import json

import pytest

from sandbox.emulator.replay_permissions import of_replay

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
