"""`activation audiences`: what is declared, which audiences were filled, what mirrors know, and who may leave."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from cli.declare import apply, redrive, run, status
from cli.declared_plan import plan

if TYPE_CHECKING:
    from cli.known_audiences import KnownAudience

audiences = typer.Typer(
    no_args_is_help=True,
    help="Audiences as code, the audiences that were filled, and their mirrors.",
)
for _command in (plan, apply, run, status, redrive):
    audiences.command()(_command)
Name = Annotated[str, typer.Argument(help="The audience's name in the ad account.")]
Of = Annotated[str, typer.Option("--connector", help="The connector's name in cdk.context.json.")]
Account = Annotated[str, typer.Option(help="The ad account, where several have an audience of this name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
NO_SIZE = (
    "people without a number: the daily examination notes what the platform estimates (setting doctor, by default"
    " at 06:00 UTC); Meta alone tells it"
)


@audiences.command("list")
def list_(connector: Of = "", as_json: AsJson = False) -> None:
    """List the audiences that were ever written to: people as the platform estimates, rows of a mirrored one."""
    from rich.table import Column, Table

    from cli import deployment
    from cli.known_audiences import known_audiences
    from cli.printable import console, printable

    found = deployment.find()
    platform = found.platforms.get(connector, "") if connector else ""
    known = known_audiences(found.ledger_table, platform=platform)
    if as_json:
        for one in known:
            print(json.dumps(one.described, ensure_ascii=False))
        return
    account, written = (Column(name, no_wrap=True) for name in ("platform, account", "written (UTC), by"))
    table = Table(account, *(Column(name, overflow="fold") for name in ("audience", "people", "mirror")), written)
    for one in known:
        last = one.described
        table.add_row(
            f"{one.platform}\n{one.account}",
            printable(one.name),
            one.newest_size,
            one.short,
            f"{last['last_written_at'][:16]}\n{last['connector']}",
        )
    console().print(table)
    if not all(one.estimated_sizes for one in known):
        print(NO_SIZE)


@audiences.command()
def show(name: Name, connector: Of, account: Account = "", as_json: AsJson = False) -> None:
    """Show what is known of an audience: who created it, its estimated size by day, its mirror after each run."""
    from cli.printable import printable

    one = _one(name, connector, account)
    if as_json:
        print(json.dumps(one.described, ensure_ascii=False))
        return
    for key, value in one.described.items():
        if key not in ("sizes", "estimated_sizes"):
            print(f"{key:<16} {printable(str(value))}")
    for estimate in one.estimated_sizes:
        print(f"{estimate.day}           {estimate!s:>10} people, as the platform estimates")
    if not one.estimated_sizes:
        print(NO_SIZE)
    for size in one.described["sizes"]:
        print(
            f"{size['at']}  {size['rows']:>10,} rows  +{size['joined']:,} -{size['left']:,}  run {size['run_id']}"
        )


@audiences.command()
def approve(run: Annotated[str, typer.Argument(help="The run's id, or its first digits.")]) -> None:
    """Let a run that waits for an approval take out as many people as it says, and send its message again.

    The approval holds for seven days and for this run alone; your identity in AWS is kept in the receipt.
    """
    import boto3

    from cli import deployment
    from cli.approval import NotApprovedError, approve_run
    from cli.runs.actions import caller
    from cli.runs.receipt import stored_receipt
    from cli.typed import typed

    found = deployment.find()
    receipt = stored_receipt(boto3.client("s3"), found.receipts_bucket, run)
    try:
        said = approve_run(found, receipt, caller())
    except NotApprovedError as error:
        deployment.fail(error.sentence)
    print(f"{said}; see {typed('receipt', receipt['run_id'])}")


@audiences.command()
def adopt(name: Name, connector: Of, account: Account = "", yes: bool = typer.Option(False, "--yes")) -> None:
    """Take an audience to be the app's own, so that a mirror may take out whoever is not in its drop."""
    import boto3
    from activation.aws.table import ConditionalTable
    from activation.ledger.audiences import KnownAudiences

    from cli import deployment
    from cli.runs.actions import caller
    from cli.typed import typed

    one = _one(name, connector, account)
    _ask(f"Whoever is in {name} now and not in the next mirror's drop leaves it. Go on?", yes=yes)
    table = ConditionalTable(boto3.client("dynamodb"), deployment.find().ledger_table)
    KnownAudiences(table).adopt(one.lock, caller())
    print(f"{name} is the app's own; let the run that waits go on: {typed('redrive', '--connector', connector)}")


@audiences.command()
def reset(
    name: Name,
    connector: Of,
    by: Annotated[
        str,
        typer.Option(
            "--by",
            help="replace: the next mirror sets the audience to its drop. baseline: it adds its drop and removes"
            " nobody who is in the audience now.",
        ),
    ],
    account: Account = "",
    yes: bool = typer.Option(False, "--yes"),
) -> None:
    """Forget what an audience is known to hold; until the next mirror it may be filled by other drops, too."""
    from cli import deployment
    from cli.known_audiences import reset_state
    from cli.typed import typed

    if by not in ("replace", "baseline"):
        raise typer.BadParameter("must be replace or baseline", param_hint="--by")
    one = _one(name, connector, account)
    if by == "replace" and (why := one.why_no_replace):
        adopt = f"; to make it so: {typed('audiences', 'adopt', name, '--connector', connector)}"
        baseline = typed("audiences", "reset", name, "--connector", connector, "--by", "baseline")
        deployment.fail(
            f"{name} cannot be set to the next drop: {why}{adopt if 'own' in why else ''}; else {baseline}"
        )
    question = {
        "replace": f"The next mirror replaces {name} as a whole. Go on?",
        "baseline": f"Who is in {name} now, and not in the next mirror's drop, stays in it for good unless a drop"
        " removes them. Go on?",
    }
    _ask(question[by], yes=yes)
    found = deployment.find()
    gone = reset_state(found.ledger_table, one.lock, by, found.mirrors_bucket)
    kept = "" if gone else "; what it was sent stays in the bucket of mirrors, which you may not write, until then"
    again = typed("redrive", "--connector", connector)
    print(
        f"what is known of {name} is forgotten{kept}; drop the next mirror, or let one that waits go on: {again}"
    )


def _one(name: str, connector: str, account: str) -> KnownAudience:
    """Return an audience of a connector's platform; end the command where there is none, or several are meant."""
    from cli import deployment
    from cli.known_audiences import known_audiences
    from cli.typed import typed

    found = deployment.find()
    found.connector(connector)
    known = known_audiences(found.ledger_table, platform=found.platforms.get(connector, connector), name=name)
    meant = [one for one in known if account in ("", one.account)]
    if len(meant) != 1:
        several = ", ".join(one.account for one in meant)
        deployment.fail(
            f"several ad accounts have it: {several}; choose one with --account"
            if meant
            else f"no drop has come for an audience {name} of {connector}; see: {typed('audiences', 'list')}"
        )
    return meant[0]


def _ask(question: str, *, yes: bool) -> None:
    if not yes and not typer.confirm(question):
        raise typer.Exit(1)
