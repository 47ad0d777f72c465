"""`activation columns`: which column names a platform's fields are filled from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.completion import platforms

if TYPE_CHECKING:
    from activation.identifiers.table import Field, FieldTable


def columns(
    platform: Annotated[str, typer.Option(autocompletion=platforms, help="The platform, such as meta.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
) -> None:
    """List a platform's fields with the column names that fill them.

    Names are compared without case, accents, spaces and punctuation, and may have words such as Billing, Mailing,
    Home or a number around them. Those under "proposed" can mean something else: they are used only where the
    header's other columns settle what they mean; map them otherwise.
    """
    from activation.identifiers.country_of_row import country_of_row
    from activation.platforms.discovery import UnknownPlatform, fields_of

    try:
        table = fields_of(platform, "").table
    except UnknownPlatform as error:
        raise typer.BadParameter(str(error)) from None
    listed = [_listed(table, one) for one in (*table.fields, *country_of_row(table)) if one.from_column]
    if as_json:
        print(json.dumps(listed, ensure_ascii=False))
        return
    from rich.table import Table
    from rich.text import Text

    from cli.printable import console

    shown = Table(title=f"{platform}: what columns are called", title_justify="left", show_lines=True)
    for heading in ("field", "map it as", "names", "proposed"):
        shown.add_column(heading, overflow="fold")
    for one in listed:
        shown.add_row(one["field"], *(Text(", ".join(one[key])) for key in ("means", "names", "proposed")))
    console().print(shown)


def _listed(table: FieldTable, one: Field) -> dict[str, Any]:
    from activation.identifiers.header_names import names_of

    names = [pair for meaning in one.means for pair in names_of(meaning)]
    return {
        "field": one.key,
        "means": [meaning.value for meaning in one.means],
        "names": list(dict.fromkeys((*one.synonyms, *(name for name, sure in names if sure)))),
        "proposed": list(dict.fromkeys(name for name, sure in names if not sure)),
        "identifies": table.can_identify([one.key]),
    }
