"""Whole events and bodies from files: what is forwarded, confirmed, refused and set aside.

The folder beside the project, or the one that MARKETING_STREAM_SAMPLES names, holds `sqs-event-*.json` (Lambda
events) and `body-*.json` (message bodies); without one, as in a clone, nothing is run. With `pytest -s` a table of
what became of each is printed.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stacks.marketing_stream.catalogue import BY_ID, Realm
from tests.unit.marketing_stream.world import CONFIRMATIONS_DEAD, DEAD, World, event

_BESIDE = Path(__file__).resolve().parents[4] / "shared" / "samples" / "stream"
_FOLDER = Path(os.environ.get("MARKETING_STREAM_SAMPLES") or _BESIDE)
SAMPLES = sorted(path for kind in ("sqs-event", "body") for path in _FOLDER.glob(f"{kind}-*.json"))
pytestmark = pytest.mark.skipif(not SAMPLES, reason="the samples are not beside this clone")


@dataclass(frozen=True)
class Outcome:
    """Counts of what became of a file's messages."""

    messages: int
    landed: int
    confirmed: int
    refused: tuple[str, ...]
    set_aside: tuple[str, ...]
    again: int


@pytest.fixture(scope="module", autouse=True)
def _head() -> None:
    print("\n| file | landed | confirmed | refused | set aside |\n| --- | --- | --- | --- | --- |")


def _run(path: Path) -> Outcome:
    document = json.loads(path.read_text(encoding="utf-8"))
    lambda_event = document if "Records" in document else event(path.read_text(encoding="utf-8"))
    dataset, realm = _stack(lambda_event, document)
    world = World(dataset, realm)
    for message in lambda_event["Records"]:
        asked = _object(message["body"])
        # Amazon's SNS knows each token for the topic it was made for.
        world.sns.tokens[str(asked.get("Token"))] = str(asked.get("TopicArn"))
    again = world.receive(lambda_event)
    return Outcome(
        messages=len(lambda_event["Records"]),
        landed=len(world.lines),
        confirmed=len(world.sns.confirmed),
        refused=tuple(world.sqs.reasons(CONFIRMATIONS_DEAD).values()),
        set_aside=tuple(world.sqs.reasons(DEAD).values()),
        again=len(again),
    )


def _stack(lambda_event: dict[str, Any], document: dict[str, Any]) -> tuple[str, Realm]:
    """Return the stack a file is for: by the queue it came from, else by what it says."""
    queue = next((one.get("eventSourceARN", "") for one in lambda_event["Records"]), "")
    for realm in Realm:
        for dataset in sorted(BY_ID, key=len, reverse=True):
            if f"AmzStream-{realm}-{dataset}-" in queue:
                return dataset, realm
    region = str(document.get("TopicArn", "::::")).split(":")[3]
    named = next((one for one in BY_ID if f"Topic-{one}-A" in str(document.get("TopicArn"))), "sp-traffic")
    realm = next((one for one in Realm if one.region == region), Realm.NA)
    return (named if realm is not Realm.NA else "sp-traffic"), realm


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_message_of_a_file_is_accounted_for(path: Path) -> None:
    """Each message has landed, is confirmed, or waits where somebody is told of it; none comes again for ever."""
    outcome = _run(path)
    told = (outcome.landed, outcome.confirmed, len(outcome.refused), len(outcome.set_aside))
    assert sum(told) == outcome.messages
    assert outcome.again == 0
    cells = (path.name, *told[:2], ", ".join(outcome.refused), ", ".join(outcome.set_aside))
    print("| " + " | ".join(map(str, cells)) + " |")


@pytest.mark.parametrize(
    "path", [one for one in SAMPLES if "confirmation" in one.stem], ids=lambda path: path.stem
)
def test_requests_that_are_not_amazons_are_never_confirmed(path: Path) -> None:
    """A foreign or wrong account, a missing token and an end of subscription confirm nothing."""
    negative = any(word in path.stem for word in ("foreign", "wrong", "missing", "unsubscribe"))
    assert _run(path).confirmed == (0 if negative else 1)
