"""A plan as a table for people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

from cli.receipt_table import MIRRORED, WOULD, explained
from cli.typed import typed

_ORDERS = {"dmy": "day, month, year", "mdy": "month, day, year", "ymd": "year, month, day"}


def print_plan(plan: dict[str, Any]) -> None:
    """Print what a run would send, what it would leave out, and what looks wrong."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from cli import prices
    from cli.local_files import left_out_text

    console = Console()
    table = Table(title="Plan: nothing was sent", show_header=False, title_justify="left")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(justify="right")
    table.add_column(overflow="fold")
    table.add_row("drop", "", Text(plan["key"]))
    filled = f"{plan['audience']} ({plan['connector']}, {plan['action']})"
    table.add_row("dataset" if plan["holds"] == "events" else "audience", "", Text(filled))
    if folder := plan.get("folder"):
        table.add_row("files", f"{folder['files']:,}", Text(left_out_text(folder)))
    if plan["format"]:  # a plan that is refused before it is known has none
        table.add_row("format", "", plan["format"])
    for label, columns in (*_options(plan), *_columns(plan)):
        table.add_row(label, "", Text(columns))
    if plan["date_order"]:
        table.add_row("dates", "", _ORDERS[plan["date_order"]])
    if plan["refused"] and not plan["rows"]:
        console.print(table)
        _print_refusal(console, plan)
        return
    table.add_section()
    _add_rows(table, plan)
    table.add_row("+ rejected", f"{plan['rows_rejected']:,}", _found(plan["rejected"], "rows"))
    for field, codes in plan["cells_left_out"].items():
        cells = sum(found["cells"] for found in codes.values())
        table.add_row(f"{field} left out", f"{cells:,}", _found(codes, "cells"))
    _add_mirror(table, plan.get("mirror"))
    table.add_row(
        f"different {plan['holds']}", f"{'' if plan['people_exact'] else 'about '}{plan['people']:,}", ""
    )
    sent = ", ".join(f"{field} {count:,}" for field, count in plan["identifiers"].items())
    table.add_row("identifiers", f"{sum(plan['identifiers'].values()):,}", sent)
    table.add_section()
    _add_batches(table, plan)
    bodies = f"{plan['bytes'] / 1e6:,.1f} MB of bodies, besides a few lookups"
    table.add_row("requests", f"{plan['requests']:,}", bodies)
    for tier, minutes in plan["minutes"].items():
        table.add_row(f"minutes, {tier}", f"{minutes:,.1f}" if minutes >= 0.1 else "under 0.1", "")
    dollars = plan["dollars"]
    total = f"{dollars['total']:.4f}" if dollars["total"] >= 0.0001 else "under 0.0001"
    where = f"Lambda {dollars['lambda']:.4f}, DynamoDB {dollars['dynamodb']:.4f}; prices of {prices.READ}"
    table.add_row("dollars", total, where)
    console.print(table)
    _print_notes(console, plan)
    if run_id := plan.get("run_under_way"):
        waits = f"run {run_id} works on the audience now; this drop waits for it, and may find others in it then"
        console.print(Text(f"{waits}: {typed('receipt', run_id)}", style="yellow"), soft_wrap=True)
    for warning in plan["warnings"]:
        console.print(Text(f"warning  {warning['code']}: {warning['sentence']}", style="yellow"), soft_wrap=True)
    if plan["refused"]:
        _print_refusal(console, plan)


def _print_notes(console: Console, plan: dict[str, Any]) -> None:
    """Print what the codes of rejected rows mean, and where the minutes come from."""
    from rich.text import Text

    for line in explained({code: found["rows"] for code, found in plan["rejected"].items()}):
        console.print(Text(line), soft_wrap=True)
    for source in dict.fromkeys(plan["minutes_source"].values()):
        console.print(Text(f"minutes by access tier according to {source}", style="dim"), soft_wrap=True)


def _add_batches(table: Table, plan: dict[str, Any]) -> None:
    part = (plan.get("mirror") or {}).get("rows_sent", plan["rows_sent"]) < plan["rows_sent"]
    told = "of all rows; of those that are sent it is fewer" if part else ""
    table.add_row("batches", f"{plan['batches']:,}", told)


def _options(plan: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is said of the audience, and what that does."""
    for name, value in plan["options"].items():
        shown = value if isinstance(value, str) else json.dumps(value)
        yield f"its {name}", f"{shown}: {plan['options_mean'][name]}"


def _sent(plan: dict[str, Any]) -> int:
    """Return how many rows would be sent: of a mirror by the difference, those that the audience does not have."""
    return int((plan.get("mirror") or {}).get("rows_sent", plan["rows_sent"]))


def _add_rows(table: Table, plan: dict[str, Any]) -> None:
    """Add the rows that were read, and those that would be sent."""
    table.add_row("rows", f"{plan['rows']:,}", "")
    if plan["rows_mended"]:
        table.add_row(
            "of these mended", f"{plan['rows_mended']:,}", "blank cells at their end were missing, or too many"
        )
    sent = _sent(plan)
    table.add_row("= sent", f"{sent:,}", "")
    if unchanged := plan["rows_sent"] - sent:
        table.add_row("+ unchanged", f"{unchanged:,}", "the audience has them already")


def _add_mirror(table: Table, mirror: dict[str, Any] | None) -> None:
    """Add how a mirror would change its audience, or why that is not known."""
    if mirror is None:
        return
    if "unknown" in mirror:
        table.add_row("would change", "?", f"who is in the audience is not known here: {mirror['unknown']}")
        return
    table.add_section()
    table.add_row("mirror", "", f"by {mirror['mode']}, as far as is known here")
    for name, label in WOULD.items():
        if mirror[name]:
            table.add_row(label, f"{mirror[name]:,}", MIRRORED[name])
    if mirror["unchanged"]:
        table.add_row("would stay", f"{mirror['unchanged']:,}", "rows that the audience has as they are")
    if mirror["guard"]:
        table.add_row("guard", "", f"would wait for an approval: {mirror['guard']}")


def _columns(plan: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what became of the file's columns, as far as there is anything to say."""
    proposed = (f'--map "{name}={meaning}"' for name, meaning in plan["proposed_columns"].items())
    for label, columns in (
        ("columns used", ", ".join(f"{name}: {key}" for name, key in plan["columns"].items())),
        ("columns not used", ", ".join(plan["ignored_columns"])),
        ("columns as told", ", ".join(f"{name}={to}" for name, to in plan["mapping"].items())),
        ("another person's", ", ".join(plan["others_columns"])),
        ("if they are meant", " ".join(proposed)),
    ):
        if columns:
            yield label, columns


def _print_refusal(console: Console, plan: dict[str, Any]) -> None:
    refused = plan["refused"]
    sentence = f"refused  {refused['code']}: {refused['sentence']}"
    console.print(sentence, style="bold red", markup=False, highlight=False, soft_wrap=True)


def _found(codes: dict[str, dict[str, Any]], count_key: str) -> str:
    """Return counts by code, each with its first rows."""
    lines = []
    for code, found in sorted(codes.items(), key=lambda item: -item[1][count_key]):
        more = ", ..." if found[count_key] > len(found["first_rows"]) else ""
        if "first_places" in found:
            rows = ", ".join(f"{one['file']} row {one['row']}" for one in found["first_places"])
            lines.append(f"{code} {found[count_key]:,} ({rows}{more})")
            continue
        rows = ", ".join(map(str, found["first_rows"]))
        word = "row" if found[count_key] == 1 else "rows"
        lines.append(f"{code} {found[count_key]:,} ({word} {rows}{more})")
    return "\n".join(lines)
