"""The people to forget, as they are typed at a prompt or stand in a file: a raw drop's bytes."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import typer

# What matches a person by itself; a name alone is many people's, and nobody is removed by a guess.
ASKED = {
    "email": "E-mail addresses",
    "phone": "Phone numbers, with country code",
    "device": "Mobile advertising ids",
    "customer_id": "Customer numbers, as they were sent",
}
MOST_BYTES = 50_000_000


@dataclass(frozen=True)
class People:
    """A file of people to forget: its text as bytes, and its columns, none of a file that was given."""

    content: bytes = field(repr=False)
    columns: tuple[str, ...] = ()

    def only(self, column: str) -> People:
        """Return what was typed for one of the columns."""
        header, *rows = csv.reader(io.StringIO(self.content.decode()))
        place = header.index(column)
        return _typed({column: [row[place] for row in rows if row[place]]})


def from_file(path: Path) -> People:
    """Read a file in any format of a raw drop; end the command if it cannot be read or is too large."""
    if path.stat().st_size > MOST_BYTES:
        raise typer.BadParameter(f"has more than {MOST_BYTES // 1_000_000} MB", param_hint="--file")
    return People(path.read_bytes())


def from_prompt() -> People:
    """Ask for one person's identifiers; end the command if none is given."""
    typer.echo(
        "Who is to be forgotten? Several values of a kind are separated by semicolons; Enter skips one.", err=True
    )
    answers = {}
    for column, asked in ASKED.items():
        text: str = typer.prompt(asked, default="", show_default=False, err=True)
        if values := [one.strip() for one in text.split(";") if one.strip()]:
            answers[column] = values
    if not answers:
        typer.echo("nothing was removed: no identifier was given", err=True)
        raise typer.Exit(1)
    return _typed(answers)


def _typed(answers: Mapping[str, list[str]]) -> People:
    """Return a file with a row for each value: a row that a platform rejects takes no other value with it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(answers)
    for column, values in answers.items():
        writer.writerows([value if one == column else "" for one in answers] for value in values)
    return People(text.getvalue().encode(), tuple(answers))
