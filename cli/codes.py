"""`activation codes`: what a code means, what to do about it, and who acts."""

from __future__ import annotations

import json
from dataclasses import asdict
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands import error_text

if TYPE_CHECKING:
    from activation.codes import CodeText, Room

NEAR = 3  # names proposed for one that is not known
WRITTEN = "<!-- Written by `make codes` from layers/activation/python/activation/codes.toml; edit that file. -->"
HEAD = "| code | what happened | what to do | who acts |\n| --- | --- | --- | --- |"


def codes(
    code: Annotated[str, typer.Argument(help="A code, such as not_an_email; all, if none is given.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the page docs/codes.md.")] = False,
) -> None:
    """Explain a code: its meaning, the remedy, and who has to act.

    A code is the short word beside a state in `activation status`, in a receipt, a rejects file, a dead letter or
    an error. A user drops the files, an operator runs this app; of a platform's codes nobody has to act. Exit 1
    says that this release does not have the code.
    """
    from activation.codes import find, rooms

    if markdown and not code:
        print(page(), end="")
        return
    texts = find(code) if code else tuple(text for room in rooms() for text in room.codes)
    if not texts:
        _unknown(code)
    if as_json:
        print(json.dumps([asdict(one) for one in texts], ensure_ascii=False))
    elif code:
        _print_texts(texts)
    else:
        _print_list()


def page() -> str:
    """Return docs/codes.md: every group with a table of its codes."""
    from activation.codes import introduction, rooms

    return "\n".join((f"# Codes\n\n{WRITTEN}\n\n{introduction()}\n", *map(_part, rooms())))


def _part(room: Room) -> str:
    intro = f"{room.intro}\n\n" if room.intro else ""
    rows = "\n".join(_row(text, room.command) for text in room.codes)
    return f"## {room.title}\n\n{intro}{HEAD}\n{rows}\n"


def _row(text: CodeText, default: str) -> str:
    """Return a row of a table; the command that all codes of the group have is left to what stands above it."""
    shown = text.do
    if text.command not in ("", default) and f"`{text.command}`" not in shown:
        shown = f"{shown} Command: `{text.command}`"
    return f"| `{text.code}` | {text.happened} | {shown} | {text.who} |"


def _unknown(code: str) -> None:
    from activation.codes import rooms

    from cli.printable import printable

    known = {text.code for room in rooms() for text in room.codes}
    near = get_close_matches(code, known, NEAR)
    hint = f"; similar codes: {', '.join(near)}" if near else ""
    typer.echo(error_text(f"this release has no code {printable(code)}{hint}"), err=True)
    raise typer.Exit(1)


def _print_texts(texts: tuple[CodeText, ...]) -> None:
    """Print each meaning of a code, below the heading of its group."""
    from activation.codes import plain, rooms
    from rich.table import Table

    from cli.printable import console

    titles = {room.name: room.title for room in rooms()}
    for text in texts:
        table = Table(title=f"{text.code}: {titles[text.room]}", show_header=False, title_justify="left", box=None)
        table.add_column(style="bold")
        table.add_column(overflow="fold")
        table.add_row("what happened", plain(text.happened))
        table.add_row("what to do", plain(text.do))
        table.add_row("who acts", text.who)
        if text.command:
            table.add_row("command", text.command)
        console().print(table)


def _print_list() -> None:
    """Print each group's codes with the first sentence of each."""
    from activation.codes import plain, rooms
    from rich.table import Table

    from cli.printable import console

    for room in rooms():
        table = Table(title=room.title, title_justify="left", box=None)
        table.add_column("code", no_wrap=True)
        table.add_column("what happened", overflow="fold")
        table.add_column("who acts", no_wrap=True)
        for text in room.codes:
            table.add_row(text.code, plain(text.happened), text.who)
        console().print(table)
