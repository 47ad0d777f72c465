"""`python -m bench`: measure the figures of docs/benchmarks.md."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench import run
from bench.environments import ChildFailed


class Part(StrEnum):
    """A part of the bench."""

    CPU = "cpu"
    EVENTS = "events"
    PIPELINING = "pipelining"
    MEMORY = "memory"
    REQUESTS = "requests"
    HASHED = "hashed"
    MIRROR = "mirror"
    NORMALIZE = "normalize"
    SUPPRESSION = "suppression"
    EXTRACTION = "extraction"
    SYNCED = "synced"
    DEPLOYED = "deployed"
    SMALL = "small"
    START = "start"
    COST = "cost"


def bench(
    quick: Annotated[
        bool, typer.Option("--quick", help="Small files and few runs; for a quick check, not for the report.")
    ] = False,
    only: Annotated[list[Part] | None, typer.Option(help="Only this part; may be given several times.")] = None,
    runs: Annotated[int, typer.Option(min=0, help="Runs of each measurement; 0 for the default of five.")] = 0,
    write: Annotated[Path | None, typer.Option(help="Write the report to this file, as Markdown.")] = None,
) -> None:
    """Measure speed, memory, start and cost on this machine; exit 1 if a target is missed.

    Nothing is sent to AWS or an ad platform. The first run creates an environment for Meta's SDK, which needs the
    package index.
    """
    try:
        met = run.bench(
            quick=quick,
            parts=[one.value for one in only or list(Part)],
            runs=runs,
            write=write,
            console=Console(),
        )
    except ChildFailed as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    raise typer.Exit(0 if met else 1)


if __name__ == "__main__":
    typer.run(bench)
