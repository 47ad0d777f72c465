"""`activation redrive --discard`: give up what dead letters are of, also where that is no run."""

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

KEPT_DAYS = 400  # how long it is known who gave up a message that cannot be read, as of a run


@dataclass
class Discarded:
    """How many letters led to what.

    `given_up` counts runs and drops, `unreadable` deleted messages that cannot be read, `ended` deleted letters of
    runs that nothing continues anyway, and `left` letters that stay where they are.
    """

    given_up: int = 0
    unreadable: int = 0
    ended: int = 0
    left: int = 0

    @property
    def deleted(self) -> int:
        """Return how many messages were deleted that were not given up as a run or drop."""
        return self.unreadable + self.ended

    @property
    def spoken(self) -> str:
        """Return what was done, as one line."""
        from cli.printable import counted

        told = []
        if self.given_up:
            told.append(f"{self.given_up:,} {'run or drop' if self.given_up == 1 else 'runs or drops'} given up")
        if self.unreadable:
            told.append(f"deleted {counted(self.unreadable, 'unreadable message')}")
        if self.ended:
            told.append(f"deleted {counted(self.ended, 'letter')} of runs that have ended")
        if self.left:
            told.append(f"left {counted(self.left, 'letter')}")
        return "; ".join(told)


def discard_letters(found: Deployment, chosen: ChosenLetters, *, yes: bool, as_json: bool) -> None:
    """Give up the runs and drops of the chosen letters, delete the messages that cannot be read; print how many.

    Lists them and asks, unless `yes`. A letter that SQS moved itself may be a run's and does not say whose, so it
    is left. Ends the command with exit 1 if nothing is given up or deleted.
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
        says = "may be of a run: redrive it, or give up the run, `activation run discard RUN`"
        typer.echo(f"left: a letter without a reason {says}", err=True)
    if known and not yes:
        if as_json:
            raise typer.BadParameter("needs --yes, since nobody is asked", param_hint="--json")
        print_told(chosen.told_of(known), as_json=False)
        typer.confirm("Give these up? They cannot be continued then.", abort=True)
    if known:
        _discard(found, chosen, known, caller(), done)
    if as_json:
        told = {"of": chosen.of, "given_up": done.given_up, "deleted": done.deleted, "left": done.left}
        print(json.dumps(told))
    else:
        print(done.spoken)
    if not done.given_up and not done.deleted:
        raise typer.Exit(1)


def _discard(
    found: Deployment, chosen: ChosenLetters, letters: Sequence[Letter], by: str, done: Discarded
) -> None:
    """Give up what the letters are of, and count them; all letters of a run are handled together."""
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
        elif why := _give_up(found, row, by):
            typer.echo(f"left: run {run_id}: {why}", err=True)
            done.left += count
        else:
            done.given_up += 1
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
    from activation.ledger.orders import GIVEN_UP
    from activation.ledger.runs import FINAL

    return row.state in FINAL or row.code == GIVEN_UP


def _give_up(found: Deployment, row: RunRow | None, by: str) -> str:
    """Give up a run or drop; return why not, "" if it was."""
    from cli.runs.actions import RefusedActionError, RunActions

    if row is None:
        return "the ledger has forgotten it; redrive it"
    try:
        RunActions(found, by).discard(row)
    except RefusedActionError as refused:
        return refused.sentence
    return ""


def _note_message(found: Deployment, connector: str, one: Letter, by: str) -> None:
    """Note who gave up a message that cannot be read, under the id that SQS gave it, for `activation runs`."""
    import boto3
    from activation.aws.table import ConditionalTable
    from activation.errors import Rejected
    from activation.ledger.orders import OrderKind, Orders
    from activation.ledger.unread import UnreadObjects

    table, name = ConditionalTable(boto3.client("dynamodb"), found.ledger_table), one.message_id.replace("-", "")
    Orders(table, connector).note(name, OrderKind.DISCARD, by)
    records = UnreadObjects(table, ttl_days=KEPT_DAYS)
    records.note(connector, name, "", "failed", Rejected(one.code, one.sentence))
    records.give_up(connector, name, by)
