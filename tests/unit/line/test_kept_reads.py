"""What a run read when it looked for its audience is used once, and not for long."""

from __future__ import annotations

import pytest
from activation.pipeline.kept_reads import FRESH_S, KeptReads
from activation.platforms.outcome import Outcome, OutcomeKind
from activation.platforms.request import Request

READ = Request("find", "GET", "https://platform.example/audiences?name=VIP")
FOUND = Outcome(OutcomeKind.OK, value="17")


def test_a_read_is_used_once() -> None:
    """The second time it is asked for, the platform is asked."""
    reads = KeptReads()
    reads.keep(READ, FOUND)
    assert (reads.take(READ), reads.take(READ)) == (FOUND, None)


@pytest.mark.parametrize(("seconds", "expected"), [(FRESH_S, FOUND), (FRESH_S + 0.1, None)])
def test_a_read_is_kept_for_seconds(seconds: float, expected: Outcome | None) -> None:
    """What the audience was longer ago says nothing of how it is now."""
    now = [100.0]
    reads = KeptReads(clock=lambda: now[0])
    reads.keep(READ, FOUND)
    now[0] += seconds
    assert reads.take(READ) == expected


@pytest.mark.parametrize(
    ("request_", "outcome"),
    [
        (Request("create", "POST", READ.url), FOUND),
        (READ, Outcome(OutcomeKind.RETRY, code="throttled")),
        (READ, Outcome(OutcomeKind.UNKNOWN, code="answer_lost")),
    ],
    ids=["no read", "throttled", "lost"],
)
def test_only_what_was_read_is_kept(request_: Request, outcome: Outcome) -> None:
    """A change, and an answer that tells nothing, are asked for again."""
    reads = KeptReads()
    reads.keep(request_, outcome)
    assert reads.take(request_) is None


def test_what_was_read_can_be_forgotten() -> None:
    """So is that an audience is not there, before it is created."""
    reads = KeptReads()
    reads.keep(READ, FOUND)
    reads.forget()
    assert reads.take(READ) is None
