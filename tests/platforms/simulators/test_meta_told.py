"""What Meta tells of an upload's session is in the receipt; that it does not tell changes nothing else."""

from __future__ import annotations

import pytest
from activation.ledger.runs import RunState

from sandbox.platforms.outside import Outside
from tests.platforms.simulators.meta_line import MetaLine, digests
from tests.unit.line.world import people

PEOPLE = people(25)


@pytest.fixture
def line(meta: Outside, monkeypatch: pytest.MonkeyPatch) -> MetaLine:
    """Return the line; it sends ten rows in a request."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Tests")
    return MetaLine(meta)


def test_what_is_matched_of_the_first_request_is_noted(line: MetaLine) -> None:
    """Of each other request there would be a call more, so that only the first session is read."""
    receipt = line.deliver(PEOPLE, "add")
    assert receipt["state"] == RunState.APPLIED
    assert receipt["platform_notes"]["session"] == (
        "Meta says that it has received 10 rows in the first request, and has matched 7 of them so far"
    )
    assert len(line.meta.requests("/sessions")) == 1


def test_what_is_matched_of_a_replace_is_noted_of_all_rows(line: MetaLine) -> None:
    """A replace is one session, whose count is of all of its requests."""
    receipt = line.deliver(PEOPLE)
    assert receipt["platform_notes"]["session"] == (
        "Meta says that it has received 25 rows in the session of the replace, and has matched 17 of them so far"
    )


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 400, "body": {"error": {"code": 100, "message": "(#100)"}}},
        {"status": 403, "body": {"error": {"code": 200, "message": "(#200)"}}},
        {"status": 400, "body": {"error": {"code": 80003, "message": "(#80003)"}}},
        {"status": 200, "body": {"data": []}},
        {"status": 200, "body": {"data": [{"session_id": "1", "num_received": "10"}]}},
        {"status": 502, "body": "<html>"},
    ],
    ids=["refused", "no permission", "throttled", "no session", "another's", "gateway"],
)
def test_a_session_that_cannot_be_read_is_not_missed(line: MetaLine, answer: dict[str, object]) -> None:
    """The rows are acknowledged already: the run ends as it would, without the note."""
    line.meta.fail({"route": "/sessions", "times": 9, **answer})
    receipt = line.deliver(PEOPLE, "add")
    assert receipt["state"] == RunState.APPLIED
    assert receipt["rows"]["acknowledged"] == 25
    assert "session" not in receipt["platform_notes"]
    assert line.held() == digests(PEOPLE)


def test_a_session_without_a_match_count_tells_what_it_received(line: MetaLine) -> None:
    """Meta may leave the count out until it has matched."""
    session = next(iter(line.deliver(PEOPLE[:3], "add", "first.csv")["platform_notes"].values()))
    assert "3 rows" in session
    line.meta.configure(match_rate=0.0)
    assert "matched 0 of them" in line.deliver(PEOPLE[3:6], "add", "second.csv")["platform_notes"]["session"]
