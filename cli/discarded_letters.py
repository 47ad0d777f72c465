"""`activation redrive --discard`: discard the runs and drops of dead letters, and delete unreadable messages."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from cli.letters import NO_REASON, Letter

if TYPE_CHECKING:
    from cli.chosen_letters import ChosenLetters
    from cli.deployment import Deployment
    from cli.runs.rows import RunRow

KEPT_DAYS = 400  # for how long the ledger knows who discarded an unreadable message, as with a run


@dataclass
class Discarded:
    """How many letters led to what.

    `discarded` counts runs and drops, `unreadable` deleted unreadable messages, `ended` deleted letters of
    runs that nothing continues anyway, and `left` letters that stay where they are.
    """

    discarded: int = 0
    unreadable: int = 0
    ended: int = 0
    left: int = 0

    @property
    def deleted(self) -> int:
        """Return how many messages were deleted that belonged to no discarded run or drop."""
        return self.unreadable + self.ended

    @property
    def spoken(self) -> str:
        """Return what was done, as one line."""
        from cli.printable import counted

        told = []
        if self.discarded:
            what = "run or drop" if self.discarded == 1 else "runs or drops"
            told.append(f"discarded {self.discarded:,} {what}")
        if self.unreadable:
            told.append(f"deleted {counted(self.unreadable, 'unreadable message')}")
        if self.ended:
            told.append(f"deleted {counted(self.ended, 'letter')} of runs that have ended")
        if self.left:
            told.append(f"left {counted(self.left, 'letter')}")
        return "; ".join(told)


def discard_letters(found: Deployment, chosen: ChosenLetters, *, yes: bool, as_json: bool) -> None:
    """Discard the runs and drops of the chosen letters, delete unreadable messages, and print how many of each.

    Lists them and asks, unless `yes`. A letter that SQS moved itself may be a run's and does not say whose, so it
    is left. Ends the command with exit 1 if nothing is discarded or deleted.
    """
    from cli import deployment
    from cli.chosen_letters import print_told
    from cli.runs.actions import caller
    from cli.typed import typed

    letters = chosen.read()
    if not letters:
        listing = typed("redrive", "--connector", chosen.of, "--list")
        deployment.fail(f"no dead letter of {chosen.of} matches; list them: {listing}")
    done = Discarded()
    known = [one for one in letters if one.run_id or one.code != NO_REASON]
    if len(known) < len(letters):
        done.left = len(letters) - len(known)
        says = "may be of a run: redrive it, or discard the run, `activation run discard RUN`"
        typer.echo(f"left: a letter without a reason {says}", err=True)
    if known and not yes:
        if as_json:
            raise typer.BadParameter("needs --yes, since nobody is asked", param_hint="--json")
        print_told(chosen.told_of(known), as_json=False)
        typer.confirm("Discard these? They cannot continue then.", abort=True)
    if known:
        _discard(found, chosen, known, caller(), done)
    if as_json:
        told = {"of": chosen.of, "discarded": done.discarded, "deleted": done.deleted, "left": done.left}
        print(json.dumps(told))
    else:
        print(done.spoken)
    if not done.discarded and not done.deleted:
        raise typer.Exit(1)


def _discard(
    found: Deployment, chosen: ChosenLetters, letters: Sequence[Letter], by: str, done: Discarded
) -> None:
    """Discard what the letters belong to, and count it; letters of the same run are handled together."""
    unreadable = [one for one in letters if not one.run_id]
    for one in unreadable:
        _note_message(found, chosen.of, one, by)
    if unreadable:
        ids = {one.message_id for one in unreadable}
        done.unreadable += chosen.letters.delete(lambda one: one.message_id in ids)
    ended = set()
    for run_id, count in Counter(one.run_id for one in letters if one.run_id).items():
        row = _row(found, chosen.of, run_id)
        if row is not None and _has_ended(row):
            ended.add(run_id)
        elif why := _discard_run(found, row, by):
            typer.echo(f"left: run {run_id}: {why}", err=True)
            done.left += count
        else:
            done.discarded += 1
    if ended:
        done.ended += chosen.letters.delete(lambda one: one.run_id in ended)


def _row(found: Deployment, connector: str, run_id: str) -> RunRow | None:
    """Return the run or drop with this id, None if the ledger does not know it."""
    import boto3

    from cli.runs.listing import find_run

    rows = find_run(boto3.client("dynamodb"), found.ledger_table, run_id, [connector])
    return rows[0] if len(rows) == 1 else None


def _has_ended(row: RunRow) -> bool:
    """Return whether no message continues a run or drop, so that its letters are of no use."""
    from activation.ledger.orders import DISCARDED
    from activation.ledger.runs import FINAL

    return row.state in FINAL or row.code == DISCARDED


def _discard_run(found: Deployment, row: RunRow | None, by: str) -> str:
    """Discard a run or drop; return why that was refused, or "" if it was done."""
    from cli.runs.actions import RefusedActionError, RunActions

    if row is None:
        return "the ledger has forgotten it; redrive it"
    try:
        RunActions(found, by).discard(row)
    except RefusedActionError as refused:
        return refused.sentence
    return ""


def _note_message(found: Deployment, connector: str, one: Letter, by: str) -> None:
    """Note who discarded an unreadable message, under the id that SQS gave it, for `activation runs`."""
    import boto3
    from activation.aws.table import ConditionalTable
    from activation.errors import Rejected
    from activation.ledger.orders import OrderKind, Orders
    from activation.ledger.unread import UnreadObjects

    table, name = ConditionalTable(boto3.client("dynamodb"), found.ledger_table), one.message_id.replace("-", "")
    Orders(table, connector).note(name, OrderKind.DISCARD, by)
    records = UnreadObjects(table, ttl_days=KEPT_DAYS)
    records.note(connector, name, "", "failed", Rejected(one.code, one.sentence))
    records.discard(connector, name, by)
