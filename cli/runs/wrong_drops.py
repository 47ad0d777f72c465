"""Runs that have failed since their drops are wrong: without dead letters, and repeated by their records."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from activation.ledger.orders import ORDERED
from activation.ledger.runs import RunState
from activation.runs.letters import leaves_no_letter

from cli.runs.listing import Wanted, list_runs
from cli.runs.rows import RunRow

if TYPE_CHECKING:
    from cli.deployment import Deployment

LISTED_S = 14 * 86_400.0  # as long as SQS keeps a dead letter
MOST = 1_000
SENT = (RunState.APPLIED.value, RunState.ACCEPTED.value)  # the platform has every row of such a run
ALL = sys.maxsize


@dataclass(frozen=True)
class WrongDrops:
    """The runs of a connector that failed in the last 14 days since their drops are wrong, the oldest first.

    `rows` are the newest 1,000 at most, and `more` is how many there are besides. `corrected` are the ids of those
    whose object or audience a later run has sent: to send them again may bring people back whom the later drop
    left out on purpose.
    """

    rows: tuple[RunRow, ...] = ()
    more: int = 0
    corrected: frozenset[str] = frozenset()


def wrong_drops(found: Deployment, connector: str, *, run: str = "", reason: str = "") -> WrongDrops:
    """Return a connector's runs whose drops are wrong, of all that began in the last 14 days.

    `run` is the beginning of an id and `reason` a code, "" for any. Raises what listing the runs raises.
    """
    import boto3

    from stacks.names import SUPPRESSIONS

    if connector == SUPPRESSIONS:  # whose runs all leave a letter: lambdas/suppressions/run.py
        return WrongDrops()
    client, since = boto3.client("dynamodb"), time.time() - LISTED_S
    failed = Wanted(connector=connector, state=RunState.FAILED, since=since, run=run)
    newest = [
        one
        for one in list_runs(client, found.ledger_table, failed, limit=ALL)
        if one.code not in ORDERED
        and not one.is_unread  # which leaves a letter whatever its code
        and leaves_no_letter(RunState.FAILED, one.code, key=one.file, action=one.action)
        and reason in ("", one.code)
    ]
    if not newest:
        return WrongDrops()
    rows = tuple(reversed(newest[:MOST]))
    sent = list_runs(
        client,
        found.ledger_table,
        Wanted(connector=connector, any_of=SENT, since=rows[0].started_at),
        limit=ALL,
    )
    return WrongDrops(rows, len(newest) - len(rows), _corrected(rows, sent))


def put_right(rows: Sequence[RunRow], sent: Sequence[RunRow]) -> frozenset[str]:
    """Return the ids of those `rows` that failed since their drops were wrong, and whose file was sent later.

    `sent` are runs whose rows the platform has. What another file has sent says nothing of this one's people.
    """
    last: dict[tuple[str, str], float] = {}
    for one in sent:
        last[one.connector, one.file] = max(one.started_at, last.get((one.connector, one.file), 0.0))
    return frozenset(
        one.run_id
        for one in rows
        if one.state == RunState.FAILED
        and leaves_no_letter(RunState.FAILED, one.code, key=one.file, action=one.action)
        and last.get((one.connector, one.file), 0.0) > one.started_at
    )


def _corrected(rows: Sequence[RunRow], sent: Sequence[RunRow]) -> frozenset[str]:
    """Return the ids of the `rows` whose object or audience a `sent` run that began later has sent."""
    last: dict[tuple[str, str], float] = {}
    for one in sent:
        for place in _places(one):
            last[place] = max(one.started_at, last.get(place, 0.0))
    return frozenset(
        one.run_id for one in rows if any(last.get(place, 0.0) > one.started_at for place in _places(one))
    )


def _places(one: RunRow) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("file", one.file), ("audience", one.audience)
