"""The people to forget, as they are typed at a prompt or stand in a file: a raw drop's bytes."""

from __future__ import annotations

import csv
import io
import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
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
# A first line that is a value by itself, and the column that its file then is.
ALONE = {
    "email": re.compile(rb"[^\s,;|@]+@[^\s,;|@]+"),
    "phone": re.compile(rb"\+[\d ()./-]{6,}"),
    "device": re.compile(rb"[\dA-Fa-f]{8}(-[\dA-Fa-f]{4}){3}-[\dA-Fa-f]{12}"),
}


@dataclass(frozen=True)
class People:
    """A file of people to forget: its text as bytes, and its columns, none of a file that was given.

    `ignored` are the columns that are not to be read.
    """

    content: bytes = field(repr=False)
    columns: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def only(self, column: str) -> People:
        """Return what was typed for one of the columns."""
        header, *rows = csv.reader(io.StringIO(self.content.decode()))
        place = header.index(column)
        return _typed({column: [row[place] for row in rows if row[place]]})

    def without(self, columns: Iterable[str]) -> People:
        """Return the same file, of which these columns are not read."""
        return replace(self, ignored=tuple(columns))


def from_file(path: Path) -> People:
    """Read a file in any format of a raw drop; end the command if it cannot be read or is too large.

    A list of e-mail addresses, phone numbers or device ids without a header gets one.
    """
    if path.stat().st_size > MOST_BYTES:
        raise typer.BadParameter(f"has more than {MOST_BYTES // 1_000_000} MB", param_hint="--file")
    content = path.read_bytes().removeprefix(BOM_UTF8)
    first = content.partition(b"\n")[0].strip().strip(b'"')
    column = next((name for name, form in ALONE.items() if form.fullmatch(first)), "")
    return People(f"{column}\n".encode() + content if column else content)


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
