"""`activation explain`: what is sent to a platform for a value, and why."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.completion import platforms

if TYPE_CHECKING:
    from activation.identifiers.table import Context, Field, FieldTable
    from activation.platforms.platform import FieldsOnly, Platform

AUDIENCE = "audience"  # the value of --api that means the platform's audience API


def explain(
    *,
    platform: Annotated[str, typer.Option(autocompletion=platforms, help="The platform, such as meta.")],
    value: Annotated[str | None, typer.Argument(help="The value, exactly as in the file.")] = None,
    field: Annotated[str, typer.Option(help="The platform's field, or a column name such as email.")] = "",
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Read JSON lines, write one line each.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
    default_country: Annotated[
        str, typer.Option(help="ISO country code for phone numbers that lack a country code.")
    ] = "",
    date_order: Annotated[str, typer.Option(help="How dates are written: dmy, mdy or ymd.")] = "",
    api: Annotated[str, typer.Option(help="Another API of the platform, such as Meta's capi.")] = "",
    declared: Annotated[str, typer.Option(help="How the drop declares the value: raw or hashed.")] = "raw",
) -> None:
    """Show what is sent for a value: normalised, hashed or in plaintext, or why it is left out.

    With --jsonl each line in has "field" and "raw", and may have "declared": "hashed"; each line out has
    "field", "verdict" (hashed, plain, prehashed, rejected), "normalized", "sent", "sha256" and "reason".
    Exits 1 if a single value is rejected.
    """
    from activation.identifiers.table import Context
    from activation.platforms.platform import Platform

    from cli.country import country_option, known_order

    named = _platform(platform, api)
    table = named.table
    context = Context(country_option(default_country), date_order=known_order(date_order))
    if jsonl:
        sys.stdout.writelines(json.dumps(one) + "\n" for one in _explained(table, context, sys.stdin))
        return
    if value is None or not field:
        raise typer.BadParameter("give --field and a value, or --jsonl and lines on standard input")
    known = _field(table, field)
    if known is None:
        raise typer.BadParameter(f"{platform} has no such field; it has {', '.join(f.key for f in table.fields)}")
    if declared not in ("raw", "hashed"):
        raise typer.BadParameter("--declared must be raw or hashed")
    line = _explain(known, field, value, context, hashed=declared == "hashed")
    can_be_sent = isinstance(named, Platform)
    if as_json:
        more = {"rule": known.rule.name, "source": known.source, "read": known.read, "can_be_sent": can_be_sent}
        print(json.dumps(line | more))
    else:
        _show(known, value, line)
        if not can_be_sent:
            print(f"{named.title}: nothing can be sent to it yet; only its fields are known.")
    raise typer.Exit(1 if line["verdict"] == "rejected" else 0)


def _platform(name: str, api: str) -> Platform | FieldsOnly:
    from activation.platforms.discovery import UnknownPlatform, fields_of

    try:
        return fields_of(name, "" if api == AUDIENCE else api)
    except UnknownPlatform as error:
        raise typer.BadParameter(str(error)) from None


def _field(table: FieldTable, name: str) -> Field | None:
    """Find a field by its key, a column name, or the type of a single-column drop."""
    found = table.find(name)
    single = dict(table.singles).get(name.upper())
    return found or (table.field(single) if single else None)


def _explained(table: FieldTable, context: Context, lines: Iterable[str]) -> Iterator[dict[str, object]]:
    fields: dict[str, Field | None] = {}
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        one = _line(number, text)
        name, raw = str(one.get("field", "")), one.get("raw")
        if name not in fields:
            fields[name] = _field(table, name)
        known = fields[name]
        if known is None:
            yield _rejected(name, "unknown_field")
        else:
            value = raw if isinstance(raw, str) else "" if raw is None else json.dumps(raw)
            yield _explain(known, name, value, context, hashed=one.get("declared") == "hashed")


def _line(number: int, text: str) -> dict[str, Any]:
    try:
        one = json.loads(text)
    except ValueError:
        one = None
    if not isinstance(one, dict):
        raise typer.BadParameter(f"line {number} is not a JSON object")
    return one


def _explain(field: Field, name: str, value: str, context: Context, *, hashed: bool) -> dict[str, object]:
    from activation.identifiers.identify import identify_value
    from activation.identifiers.table import Digest

    cell = identify_value(field, value, context, hashed=hashed)
    if cell.sent is None:
        return _rejected(name, str(cell.code or "blank"))
    plain = field.digest is Digest.PLAIN
    return {
        "field": name,
        "verdict": "plain" if plain else "prehashed" if hashed else "hashed",
        "normalized": cell.normalized,
        "sent": cell.sent,
        "sha256": cell.sent if field.digest is Digest.SHA256_HEX else None,
        "reason": None,
    }


def _rejected(name: str, reason: str) -> dict[str, object]:
    return {
        "field": name,
        "verdict": "rejected",
        "normalized": None,
        "sent": None,
        "sha256": None,
        "reason": reason,
    }


def _show(field: Field, value: str, line: dict[str, object]) -> None:
    """Print how one value is normalised and sent, for people."""
    from activation.codes import explain as explain_code
    from rich.table import Table
    from rich.text import Text

    from cli.printable import console, printable

    table = Table(show_header=False, title=f"{field.key}: {line['verdict']}", title_justify="left")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("raw", Text(printable(value, most=200)))
    if line["verdict"] == "rejected":
        code = str(line["reason"])
        sentence = "The cell is empty or white space." if code == "blank" else explain_code(code).happened
        table.add_row("sent", Text("nothing", style="bold red"))
        table.add_row("why", Text(f"{code}: {sentence}"))
    else:
        table.add_row("normalised", Text(printable(str(line["normalized"]), most=200)))
        table.add_row("sent", Text(printable(str(line["sent"]), most=200), style="bold green"))
        table.add_row("as", field.digest.value)
    table.add_row("rule", Text(field.rule.name))
    console().print(table)
    console().print(f"{field.source} (read {field.read})", soft_wrap=True)  # a link in a cell would be broken
