"""`activation run`: one run, looked at and acted on."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from cli.deployment import Deployment
    from cli.runs.view import RunView

run = typer.Typer(no_args_is_help=True, help="One run: look at it, watch it.")

RunId = Annotated[str, typer.Argument(metavar="RUN", help="The run's id, or its first digits.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
POLL_S = 1.0
STARTS_WITHIN_S = 60.0  # the longest that an upload's run takes to begin, on a queue that is not jammed


@run.command()
def show(run_id: RunId, as_json: AsJson = False) -> None:
    """Show one run: state, rows, what it waits for, and its receipt so far.

    Exits 0 for applied or empty, 1 for failed, blocked or superseded, 3 while it runs, 4 if there is none.
    """
    from cli.runs.commands import as_data
    from cli.runs.shown import exit_code, progress, spoken, utc, why
    from cli.typed import typed

    now, view = time.time(), found_run(run_id)
    row = view.row
    if as_json:
        print(json.dumps({**as_data(row, now), "receipt": view.receipt}, ensure_ascii=False))
    else:
        from rich.text import Text

        from cli.printable import console, printable
        from cli.runs.shown import state_style

        screen = console()
        screen.print(
            Text.assemble(f"run       {row.run_id}  ", (row.state, state_style(row.state))), soft_wrap=True
        )
        lines = {
            "fills": f"{row.connector}: {row.audience} ({row.action})",
            "file": row.file,
            "began": f"{utc(row.started_at)} UTC",
            "took": f"{spoken(row.duration_s(now))}{'' if row.ended_at else ' so far'}",
            "rows": progress(row),
            "why": why(row, now),
        }
        for name, text in lines.items():
            if text:
                screen.print(f"{name:<9} {printable(text)}", soft_wrap=True)
        screen.print(f"receipt   {typed('receipt', row.run_id)}", soft_wrap=True)
    raise typer.Exit(exit_code(row.state))


@run.command()
def watch(
    run_id: RunId,
    within: Annotated[float, typer.Option(min=1, help="Seconds after which to stop watching.")] = 3_600,
) -> None:
    """Show one run's progress until it ends.

    Exits as `run show` does; 3 if it still runs when the time is over.
    """
    follow(run_id, within_s=within)


def follow(run_id: str, *, within_s: float, appears: bool = False) -> NoReturn:
    """Show a run's progress until it ends or the time is over, print its receipt, and exit by its state.

    `appears` says that its drop was only just uploaded, so that the run need not be there at once. Where nobody
    looks at a terminal, one line is printed for each change of state.
    """
    from rich.progress import BarColumn, Progress, TextColumn

    from cli import deployment
    from cli.printable import console, printable
    from cli.receipt_table import print_receipt
    from cli.runs.shown import RUN_DIGITS_SHOWN, exit_code, progress, utc, why

    found, ends = deployment.find(), time.monotonic() + within_s
    view = _await(found, run_id) if appears else found_run(run_id, found)
    screen, said = console(), ""
    columns = (TextColumn("{task.fields[state]}", style="bold"), BarColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task("", state=view.row.state, total=None)
        while True:
            now = time.time()
            bar.update(
                task,
                state=f"{view.row.run_id[:RUN_DIGITS_SHOWN]} {view.row.state}",
                description=printable("; ".join(filter(None, (progress(view.row), why(view.row, now))))),
                total=view.row.rows_whole,
                completed=view.row.rows_read,
            )
            if not screen.is_terminal and view.row.state != said:
                said = view.row.state
                print(f"{utc(now)}  {said}  {printable(progress(view.row))}", flush=True)
            if not view.is_open or time.monotonic() >= ends:
                break
            time.sleep(POLL_S)
            view = found_run(view.row.run_id, found)
    print_receipt(view.receipt)
    raise typer.Exit(exit_code(view.row.state))


def found_run(run_id: str, found: Deployment | None = None) -> RunView:
    """Return a run of the deployed app; end the command with exit 4 if there is none, or several begin so."""
    from activation.errors import ActivationError

    from cli import deployment
    from cli.runs.shown import UNKNOWN
    from cli.runs.view import UnknownRunError, show_run
    from cli.typed import typed

    try:
        return show_run(found or deployment.find(), run_id)
    except UnknownRunError as unknown:
        listing = f"list the runs: {typed('runs')}"
        none = f"no run has this id: its drop may not have reached its queue yet; {listing}"
        typer.echo(f"ambiguous run id: several runs begin so; {listing}" if unknown.matches else none, err=True)
        raise typer.Exit(UNKNOWN) from None
    except ActivationError as error:
        deployment.fail(f"{error.code}: {error.sentence}")


def _await(found: Deployment, run_id: str) -> RunView:
    """Return a run once it is there; end the command with exit 4 if that takes too long."""
    from cli.runs.view import UnknownRunError, show_run

    ends = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < ends:
        try:
            return show_run(found, run_id)
        except UnknownRunError:
            time.sleep(POLL_S)
    return found_run(run_id, found)
