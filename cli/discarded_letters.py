"""`activation redrive --discard`: give up what dead letters are of, also where that is no run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from cli.letters import NO_REASON, Letter

if TYPE_CHECKING:
    from cli.chosen_letters import ChosenLetters
    from cli.deployment import Deployment

KEPT_DAYS = 400  # how long it is known who gave up a message that cannot be read, as of a run


@dataclass
class Discarded:
    """How many letters led to what: runs and drops given up, messages deleted, and letters left where they are."""

    given_up: int = 0
    deleted: int = 0
    left: int = 0


def discard_letters(found: Deployment, chosen: ChosenLetters, *, yes: bool, as_json: bool) -> None:
    """Give up the runs and drops of the chosen letters, delete the messages that cannot be read; print how many.

    Lists them and asks, unless `yes`. A letter that SQS moved itself may be a run's and does not say whose, so it
    is left. Ends the command with exit 1 if nothing is given up or deleted.
    """
    from cli import deployment
    from cli.chosen_letters import print_letters
    from cli.printable import counted
    from cli.runs.actions import caller
    from cli.typed import typed

    letters = chosen.read()
    if not letters:
        listing = typed("redrive", "--connector", chosen.of, "--list")
        deployment.fail(f"no dead letter of {chosen.of} matches; list them: {listing}")
    if not yes:
        if as_json:
            raise typer.BadParameter("needs --yes, since nobody is asked", param_hint="--json")
        print_letters([chosen], as_json=False)
        typer.confirm("Give these up? They cannot be continued then.", abort=True)
    done = Discarded()
    by = caller()
    for one in letters:
        _discard(found, chosen, one, by, done)
    if as_json:
        told = {"of": chosen.of, "given_up": done.given_up, "deleted": done.deleted, "left": done.left}
        print(json.dumps(told))
    else:
        if done.given_up:
            what = "run or drop" if done.given_up == 1 else "runs or drops"
            print(f"{done.given_up:,} {what} given up")
        if done.deleted:
            print(f"{counted(done.deleted, 'message')} that cannot be read deleted")
    if not done.given_up and not done.deleted:
        raise typer.Exit(1)


def _discard(found: Deployment, chosen: ChosenLetters, one: Letter, by: str, done: Discarded) -> None:
    """Give up what one letter is of, and count it."""
    import boto3

    from cli.runs.actions import RefusedActionError, RunActions
    from cli.runs.listing import find_run

    if not one.run_id:
        if one.code == NO_REASON:
            says = "may be of a run: redrive it, or give up the run, `activation run discard RUN`"
            typer.echo(f"left: a letter without a reason {says}", err=True)
            done.left += 1
            return
        _note_message(found, chosen.of, one, by)
        done.deleted += chosen.letters.delete(lambda other: other.message_id == one.message_id)
        return
    rows = find_run(boto3.client("dynamodb"), found.ledger_table, one.run_id, [chosen.of])
    try:
        if len(rows) != 1:
            raise RefusedActionError("the ledger has forgotten it; redrive it")
        RunActions(found, by).discard(rows[0])
        done.given_up += 1
    except RefusedActionError as refused:
        typer.echo(f"left: run {one.run_id}: {refused.sentence}", err=True)
        done.left += 1


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
