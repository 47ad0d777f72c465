"""Runs that have failed since their drops are wrong: without dead letters, and repeated by their records."""

from __future__ import annotations

import time
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


def wrong_drops(found: Deployment, connector: str, *, run: str = "", reason: str = "") -> tuple[RunRow, ...]:
    """Return a connector's runs of the last 14 days whose drops are wrong, the newest first, 1,000 at most.

    `run` is the beginning of an id and `reason` a code, "" for any. Raises what listing the runs raises.
    """
    import boto3

    from stacks.names import SUPPRESSIONS

    if connector == SUPPRESSIONS:  # whose runs all leave a letter: lambdas/suppressions/run.py
        return ()
    wanted = Wanted(connector=connector, state=RunState.FAILED, since=time.time() - LISTED_S, run=run)
    rows = list_runs(boto3.client("dynamodb"), found.ledger_table, wanted, limit=MOST)
    return tuple(
        one
        for one in rows
        if one.code not in ORDERED
        and leaves_no_letter(RunState.FAILED, one.code, key=one.file, action=one.action)
        and reason in ("", one.code)
    )
