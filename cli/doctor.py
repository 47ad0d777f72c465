"""`activation doctor`: check each connector's secret and its access to the platform."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer


def doctor(
    connector: Annotated[str, typer.Option(help="Only this connector; all of them by default.")] = "",
    audience: Annotated[str, typer.Option(help="Also look up this audience; nothing is created.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per finding.")] = False,
) -> None:
    """Check secrets, tokens, permissions, terms, audiences, API versions, and that somebody is told of failures.

    The line of each connector is looked at as well: its rule, its queues, what calls its function, its sources.
    Exit 1 if a check fails. Warns from 60 days before the platform ends the version of its API that this release
    calls.
    """
    from cli import deployment
    from cli.examined import examine

    findings = list(examine(deployment.find(), connector, audience))
    for name, one in findings:
        if as_json:
            print(json.dumps({"connector": name, **asdict(one)}))
        else:
            passed = ("warn", "yellow") if one.warns else ("ok  ", "green")
            word, colour = passed if one.ok else ("FAIL", "red")
            typer.secho(f"{word}  ", fg=colour, nl=False)
            typer.echo(f"{name}: {one.check}: {one.says}")
    if not all(one.ok for _, one in findings):
        raise typer.Exit(1)
