"""A run of the bench: every part in order, printed as it finishes and written to the report at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table as RichTable

from bench import (
    cost,
    cpu,
    deployed_file,
    environments,
    events,
    extraction,
    hashed,
    machine,
    memory,
    mirror,
    normalize,
    pipelining,
    report,
    request_size,
    small,
    start,
    suppression,
    synced,
)
from bench.figures import Table
from bench.files import files
from bench.plan import FULL, QUICK, Sizes

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from bench.environments import Environment
    from bench.files import Files


def bench(*, quick: bool, parts: Sequence[str], runs: int, write: Path | None, console: Console) -> bool:
    """Measure the parts; return whether every target was met."""
    sizes = QUICK if quick else FULL
    sizes = replace(sizes, runs=runs) if runs else sizes
    with console.status("environments") as status, files(environments.sdk()) as made:
        function, sdk = environments.function(), made.maker
        on = machine.machine(sdk)
        _show_machine(on, console)
        tables = []
        for table in _tables(sizes, parts, made=made, function=function, sdk=sdk, step=status.update):
            report.show(table, console)
            tables.append(table)
    if write is not None:
        kept = report.by_hand(write.read_text(encoding="utf-8")) if write.exists() else ""
        write.write_text(report.page(on, tables) + kept, encoding="utf-8")
        console.print(f"written to {write}")
    return all(target.met for table in tables for target in table.targets)


def _tables(
    sizes: Sizes,
    parts: Sequence[str],
    *,
    made: Files,
    function: Environment,
    sdk: Environment,
    step: Callable[[str], None],
) -> Iterator[Table]:
    if "cpu" in parts:
        yield cpu.bodies(sizes, made, function, sdk, step)
        yield cpu.stage(sizes, made, function, step)
    of_files = {
        "events": events.events,
        "pipelining": pipelining.pipelining,
        "memory": memory.memory,
        "requests": request_size.request_size,
        "hashed": hashed.hashed,
    }
    for part, measure in of_files.items():
        if part in parts:
            yield measure(sizes, made, function, step)
    if "mirror" in parts:
        yield mirror.mirror(sizes, function, step)
    if "normalize" in parts:
        yield from normalize.normalize(sizes, step)
    if "suppression" in parts:
        yield suppression.suppression(sizes, made, function, step)
    yield from _of_a_database(sizes, parts, step)
    if "deployed" in parts:
        yield deployed_file.beside(sizes, made, function, step)
    if "small" in parts:
        yield small.small(sizes, function, step)
    if "start" in parts:
        yield start.start(sizes, function, step)
    if "cost" in parts:
        yield cost.cost(sizes, made, function, step)


def _of_a_database(sizes: Sizes, parts: Sequence[str], step: Callable[[str], None]) -> Iterator[Table]:
    if "extraction" in parts:
        yield extraction.extraction(sizes, _database_function(), step)
    if "synced" in parts:
        yield from synced.synced(sizes, _database_function(), step)


def _database_function() -> Environment:
    return environments.function(("activation", "vendor", "arrow", "database"))


def _show_machine(on: Sequence[tuple[str, str]], console: Console) -> None:
    shown = RichTable(title="Measured on", title_justify="left", show_header=False)
    for name, text in on:
        shown.add_row(name, text)
    console.print(shown)
