"""The report: on the terminal, and as the page in docs/."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table as RichTable

from bench.figures import Table, Target

HEAD = """\
# Benchmarks

Written by `make bench`, which measures everything on one machine; do not edit what stands above "By hand".
`python -m bench --quick` is a short run.
"""
BY_HAND = "\n## By hand\n"


def show(table: Table, console: Console) -> None:
    """Print a table and whether its targets were met."""
    shown = RichTable(title=table.title, title_justify="left", caption=table.about, caption_justify="left")
    for place, name in enumerate(table.header):
        shown.add_column(name, justify="left" if place == 0 else "right")
    for row in table.rows:
        shown.add_row(*row)
    console.print(shown)
    for target in table.targets:
        console.print(f"  {'[green]met[/]' if target.met else '[red]missed[/]'}  {_told(target)}")
    for note in table.notes:
        console.print(f"  {note}", highlight=False)
    console.print()


def page(machine: Sequence[tuple[str, str]], tables: Sequence[Table]) -> str:
    """Return the report as Markdown."""
    parts = [HEAD, _markdown(("measured on", ""), machine)]
    for table in tables:
        parts += [f"## {table.title}\n", f"{table.about}\n", _markdown(table.header, table.rows)]
        if table.targets:
            parts.append(
                "".join(f"- {'met' if one.met else '**missed**'}: {_told(one)}\n" for one in table.targets)
            )
        parts += [f"{note}\n" for note in table.notes]
    return "\n".join(parts)


def by_hand(before: str) -> str:
    """Return what people wrote at the end of an earlier report, heading included; "" where there is nothing."""
    _, heading, text = before.partition(BY_HAND)
    return heading + text


def _told(target: Target) -> str:
    return f"{target.wanted}: {target.found}"


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---", *("---:" for _ in header[1:])], *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)
