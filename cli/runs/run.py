"""`activation run`: one run, looked at and acted on."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from cli.completion import runs

if TYPE_CHECKING:
    from cli.deployment import Deployment
    from cli.runs.view import RunView

run = typer.Typer(no_args_is_help=True, help="One run: look at it, watch it, stop, continue, discard or undo it.")

RunId = Annotated[
    str, typer.Argument(autocompletion=runs, metavar="RUN", help="The run's id, or its first digits.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
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
        print(
            json.dumps(
                {**as_data(row, now, view.undone_by, view.undo), "receipt": view.receipt}, ensure_ascii=False
            )
        )
    else:
        from rich.text import Text

        from cli.printable import console, printable
        from cli.receipt_table import asked_of
        from cli.runs.shown import state_style

        screen = console()
        screen.print(
            Text.assemble(f"run       {row.run_id}  ", (row.state_word, state_style(row.state_word))),
            soft_wrap=True,
        )
        lines = {
            "fills": row.fills,
            "file": row.file,
            "began": f"{utc(row.started_at)} UTC",
            "took": f"{spoken(row.duration_s(now))}{'' if row.ended_at else ' so far'}",
            "rows": progress(row),
            "why": why(row, now),
            "undo": view.undo.of_undo if view.undo else "",
            "undone": view.undone_by.of_undone if view.undone_by else "",
            "asked": "; ".join(asked_of(view.receipt)),
            "approved": f"by {by}" if (by := (view.receipt.get("mirror") or {}).get("approved_by")) else "",
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
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per change of state, the last with the receipt.")
    ] = False,
) -> None:
    """Show one run's progress until it ends.

    Exits as `run show` does; 3 if it still runs when the time is over.
    """
    follow(run_id, within_s=within, as_json=as_json)


@run.command()
def stop(run_id: RunId, yes: Yes = False, as_json: AsJson = False) -> None:
    """Stop a run: nothing more is sent, and what was acknowledged stays in the audience and in the receipt.

    `run retry` continues it. A replace or a mirror that is stopped may leave its audience incomplete until then.
    """
    _act("stop", run_id, "Stop it?", yes=yes, as_json=as_json)


@run.command()
def retry(run_id: RunId, yes: Yes = False, as_json: AsJson = False) -> None:
    """Continue a run that was stopped, has failed or is blocked, where it ended.

    It ends again where its cause is still there. A wrong file needs another drop, not this.
    """
    _act("retry", run_id, "Continue it?", yes=yes, as_json=as_json)


@run.command()
def discard(run_id: RunId, yes: Yes = False, as_json: AsJson = False) -> None:
    """Discard a run that waits, is blocked or has failed: no redrive and no replay continues it then."""
    _act("discard", run_id, "Discard it? It cannot continue then.", yes=yes, as_json=as_json)


@run.command()
def undo(
    run_id: RunId,
    yes: Yes = False,
    shared: Annotated[
        bool, typer.Option("--shared", help="With --yes: also remove people of whom nobody can tell.")
    ] = False,
    drop: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            metavar="FILE",
            help="Your own copy of the run's drop, if that is deleted.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Remove the people that a run has added, by a run of its own with its own receipt.

    People whom another run or the audience's mirror also sent stay. Where a drop of another run is gone,
    it says beforehand of how many nobody can tell, and asks. Events, folders, removals, replaces and mirrors
    cannot be undone. A drop is deleted once its run is final, by default: then pass the same file with --drop.
    """
    from cli import deployment
    from cli.printable import counted, printable
    from cli.runs.actions import RefusedActionError, caller
    from cli.runs.undoing import prepare
    from cli.typed import typed

    if as_json and not yes:
        raise typer.BadParameter("needs --yes, since nobody is asked", param_hint="--json")
    found = deployment.find()
    view = found_run(run_id, found)
    try:
        prepared = prepare(found, view, drop)
    except RefusedActionError as refused:
        deployment.fail(f"run {view.row.run_id}: {refused.sentence}; see {typed('run', 'show', view.row.run_id)}")
    row, doubtful = view.row, prepared.not_told_apart
    says = (
        f"removes up to {counted(prepared.rows, 'row')} of {row.connector}: {row.audience}, as {row.file} has them"
    )
    says = "\n".join((says, *prepared.sentences()))
    if prepared.too_few:
        says += f"\n{prepared.too_few}"
    if not as_json:
        typer.echo(printable(says.replace("\n", "; ")))
    if yes and doubtful and not shared:
        deployment.fail("nothing was removed: add --shared to remove these too, or leave --yes out to be asked")
    if not yes:
        typer.confirm("Remove them?", abort=True)
    new = prepared.begin(found, caller())
    if as_json:
        told = {"run_id": new, "undoes": row.run_id, "rows": prepared.rows, "rows_not_told_apart": doubtful}
        told |= {
            "runs_compared": [one.run_id for one in prepared.others.compared],
            "runs_not_told_apart": [one.run_id for one in prepared.others.unknown],
            "mirror": prepared.others.mirror,
        }
        told |= {"warning": prepared.too_few} if prepared.too_few else {}
        print(json.dumps(told))
    else:
        print(f"run {new}: {typed('run', 'watch', new)}")


def _act(action: str, run_id: str, question: str, *, yes: bool, as_json: bool) -> None:
    """Act on a run after a confirmation, and say what happens next."""
    from cli import deployment
    from cli.printable import printable
    from cli.runs.actions import RefusedActionError, RunActions, caller, why_in_vain
    from cli.runs.shown import progress
    from cli.typed import typed

    if as_json and not yes:
        raise typer.BadParameter("needs --yes, since nobody is asked", param_hint="--json")
    found = deployment.find()
    row, acts = found_run(run_id, found).row, RunActions(found, caller())
    try:
        acts.refuse(action, row)
    except RefusedActionError as refused:
        deployment.fail(f"run {row.run_id}: {refused.sentence}; see {typed('run', 'show', row.run_id)}")
    in_vain = why_in_vain(row) if action == "retry" else ""
    if in_vain and not as_json:
        typer.echo(printable(in_vain))
    if not yes:
        what = row.file if row.is_unread and row.file else progress(row)
        typer.echo(printable(f"run {row.run_id}, {row.state_word}: {row.fills}, {what}"))
        typer.confirm(question, abort=True)
    try:
        says = getattr(acts, action)(row)
    except RefusedActionError as refused:
        deployment.fail(f"run {row.run_id}: {refused.sentence}; see {typed('run', 'show', row.run_id)}")
    if as_json:
        warning = {"warning": in_vain} if in_vain else {}
        print(json.dumps({"run_id": row.run_id, "action": action, "says": says, **warning}))
    else:
        print(f"{says}; watch it: {typed('run', 'watch', row.run_id)}")


def follow(run_id: str, *, within_s: float, appears: bool = False, as_json: bool = False) -> NoReturn:
    """Show a run's progress until it ends or the time is over, print its receipt, and exit by its state.

    `appears` says that its drop was only just uploaded, so that the run need not be there at once. Where nobody
    looks at a terminal, one line is printed for each change of state; `as_json`, one object as `run show` prints,
    the receipt being the last one's.
    """
    from rich.progress import BarColumn, Progress, TextColumn

    from cli import deployment
    from cli.printable import console, printable
    from cli.receipt_table import print_receipt
    from cli.runs.commands import as_data
    from cli.runs.shown import RUN_DIGITS_SHOWN, exit_code, progress, utc, why

    found, ends = deployment.find(), time.monotonic() + within_s
    view = _await(found, run_id) if appears else found_run(run_id, found)
    screen, said = console(), ""
    columns = (TextColumn("{task.fields[state]}", style="bold"), BarColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=screen, transient=True, disable=as_json or not screen.is_terminal) as bar:
        task = bar.add_task("", state=view.row.state_word, total=None)
        while True:
            now = time.time()
            bar.update(
                task,
                state=f"{view.row.run_id[:RUN_DIGITS_SHOWN]} {view.row.state_word}",
                description=printable("; ".join(filter(None, (progress(view.row), why(view.row, now))))),
                total=view.row.rows_whole,
                completed=view.row.rows_read,
            )
            ends_here = not view.is_open or time.monotonic() >= ends
            if as_json and (ends_here or view.row.state != said):
                said = view.row.state
                receipt = {"receipt": view.receipt} if ends_here else {}
                print(
                    json.dumps(
                        {**as_data(view.row, now, view.undone_by, view.undo), **receipt}, ensure_ascii=False
                    ),
                    flush=True,
                )
            elif not screen.is_terminal and view.row.state != said:
                said = view.row.state
                print(f"{utc(now)}  {view.row.state_word}  {printable(progress(view.row))}", flush=True)
            if ends_here:
                break
            time.sleep(POLL_S)
            view = found_run(view.row.run_id, found)
    if not as_json:
        print_receipt(view.receipt)
    raise typer.Exit(exit_code(view.row.state))


def found_run(run_id: str, found: Deployment | None = None) -> RunView:
    """Return a run of the deployed app; end the command with exit 4 if there is none, or several begin so."""
    from activation.errors import ActivationError

    from cli import deployment
    from cli.runs.shown import UNKNOWN, no_run
    from cli.runs.view import UnknownRunError, show_run
    from cli.typed import typed

    try:
        return show_run(found or deployment.find(), run_id)
    except UnknownRunError as unknown:
        many = f"ambiguous run id: several runs begin so; list the runs: {typed('runs')}"
        none = f"{no_run(run_id)}; a drop may not have reached its queue yet"
        deployment.fail(many if unknown.matches else none, exit_code=UNKNOWN)
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
