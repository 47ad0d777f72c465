"""A replace: one session of `/usersreplace`, and `/users` for the rest where Meta ends the session early.

Ninety minutes after the first batch, Meta ends a session that its last batch has not: the audience then holds what
had arrived, and the rest has to be added once the audience is Normal again.
https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences
https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/custom-audience/usersreplace
(read 2026-09-12)
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from activation.errors import Rejected, Retryable
from activation.platforms.outcome import Outcome, OutcomeKind, failure
from activation.platforms.publisher import Closed, Opened
from activation.platforms.request import Request

from lambdas.meta.calls import Calls
from lambdas.meta.reads import SessionState

# The states of an audience that accepts no replace: one is in progress, or people are still being matched.
REPLACING, FILLING, FAILED = 414, 441, 415
BUSY_S = 120.0
FIRST_POLL_S, LONGEST_POLL_S = 30.0, 600.0

SESSION, PHASE, POLLS = "session", "phase", "polls"
ADDING = "adding"  # the phase after Meta ended the session; before it there is none

INTERIM = (
    "a replace was begun and not ended: 90 minutes after its first rows Meta ends it, and the audience then holds"
    " only the rows that had arrived"
)


def check_keys(keys: Sequence[str]) -> None:
    """Raise Rejected for columns that a replace cannot have.

    All its batches need one schema, and Meta refuses a blank EXTERN_ID: where only some rows have one, they would
    need two.
    """
    if "EXTERN_ID" in keys and len(keys) > 1:
        raise Rejected(
            "replace_with_extern_id",
            "Meta wants an EXTERN_ID in every row of a replace or in none; map its column to ignore, or replace"
            " the audience by a file of EXTERN_ID alone",
        )


def begin(opened: Opened, status: int, session_id: int) -> Opened:
    """Return the audience, ready for the first batch of a session; raises Retryable while Meta works on it.

    `status` is its operation status, as it was read when it was found.
    """
    if status in (REPLACING, FILLING):
        raise Retryable("busy", "Meta is still working on an earlier change of the audience", after_s=BUSY_S)
    return replace(opened, by_upload=True, interim=INTERIM, state={SESSION: str(session_id)})


def is_in_session(opened: Opened) -> bool:
    """Return whether batches go into the session, and not to `/users`."""
    return PHASE not in opened.state


def look_again(calls: Calls, opened: Opened) -> Generator[Request, Outcome, Opened]:
    """Return whether the first batch has arrived, or, later, how to go on after Meta ended the session.

    The first batch must not be sent twice, so it counts as arrived if the session has received rows; where Meta
    does not tell, if a replace is in progress. Raises Retryable for one that is not known to be ours.
    """
    status = yield from _status(calls, opened)
    outcome = yield calls.session(opened.audience_id, opened.state.get(SESSION, ""))
    session = outcome.value if isinstance(outcome.value, SessionState) else None
    if opened.by_upload:
        arrived = session.received > 0 if session else status == REPLACING
        if not arrived and status == REPLACING:
            raise Retryable("busy", "another replace of the audience is in progress at Meta", after_s=BUSY_S)
        return replace(opened, by_upload=not arrived)
    held = f"only the {session.received:,} rows that had arrived" if session else "only the rows that had arrived"
    ended = f" at {_iso(session.ended)}" if session and session.ended else ""
    interrupted = replace(
        opened,
        interim=f"Meta ended the replace{ended} before all rows had arrived: until this run ends, the audience"
        f" holds {held} and those that the run has added since",
        notes={
            **opened.notes,
            "replace_interrupted": f"Meta ended the replace{ended}, 90 minutes after it began; until the rest was"
            f" added, the audience held {held}",
        },
    )
    if status == REPLACING:
        return replace(interrupted, after_s=BUSY_S)
    return replace(interrupted, after_s=0.0, state={**opened.state, PHASE: ADDING})


def follow(calls: Calls, opened: Opened) -> Generator[Request, Outcome, Closed]:
    """Poll until Meta has ended the replace; what was added by `/users` needs no end."""
    if is_in_session(opened):
        status = yield from _status(calls, opened)
        if status == FAILED:
            return Closed(gone=Outcome(OutcomeKind.GONE, "replace_failed", "Meta failed to replace the audience."))
        if status == REPLACING:
            polls = int(opened.state.get(POLLS, "0"))
            return Closed(
                pending=True,
                after_s=min(FIRST_POLL_S * 2 ** min(polls, 10), LONGEST_POLL_S),
                opened=replace(opened, state={**opened.state, POLLS: str(polls + 1)}),
            )
    outcome = yield calls.told(opened.audience_id, opened.state.get(SESSION, ""))
    notes = outcome.value.note("the session of the replace") if isinstance(outcome.value, SessionState) else {}
    return Closed(opened=replace(opened, interim=""), notes=notes)


def _status(calls: Calls, opened: Opened) -> Generator[Request, Outcome, int]:
    outcome = yield calls.status(opened.audience_id)
    if outcome.kind is not OutcomeKind.OK or not isinstance(outcome.value, int):
        raise failure(outcome)
    return outcome.value


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="seconds")
