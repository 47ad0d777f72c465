"""`activation runs`: the runs by time, newest first."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.completion import connectors
from cli.times import utc_time

if TYPE_CHECKING:
    from cli.runs.rows import RunRow


def runs(
    connector: Annotated[str, typer.Option(autocompletion=connectors, help="Only this connector's runs.")] = "",
    audience: Annotated[str, typer.Option(help="Only runs that fill this audience.")] = "",
    state: Annotated[
        str, typer.Option(help="Only runs in this state; waiting are also those that the platform processes.")
    ] = "",
    since: Annotated[
        datetime | None,
        typer.Option(parser=utc_time, help="Only runs that began since then, UTC, such as 2026-11-30T06:00:00."),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(parser=utc_time, help="Only runs that began until then, UTC.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="List no more than so many.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """List runs by their start, newest first, with rows, rejects, rate and what each waits for.

    Drops without a run, open folders and paid starts are in `activation status`.
    """
    import boto3
    from activation.errors import ConfigError
    from activation.ledger.runs import RunState

    from cli import deployment
    from cli.printable import console
    from cli.runs.listing import Wanted, list_runs
    from cli.runs.shown import listed

    if state not in ("", *RunState):
        raise typer.BadParameter(f"must be one of {', '.join(RunState)}", param_hint="--state")
    found = deployment.find()
    if connector:
        found.queues(connector)
    wanted = Wanted(
        connector,
        audience,
        state,
        since.timestamp() if since else Wanted.since,
        until.timestamp() if until else Wanted.until,
    )
    try:
        rows = list_runs(boto3.client("dynamodb"), found.ledger_table, wanted, limit=limit)
    except ConfigError as error:
        deployment.fail(f"{error.code}: {error.sentence}")
    now = time.time()
    if as_json:
        for row in rows:
            print(json.dumps(as_data(row, now), ensure_ascii=False))
    elif rows:
        console().print(listed(rows, now), end="", soft_wrap=True)
    else:
        typer.echo("no runs match", err=True)


def as_data(row: RunRow, now: float) -> dict[str, Any]:
    """Return a run for programs: times in ISO 8601, durations in seconds."""
    times = {
        name: datetime.fromtimestamp(at, tz=UTC).isoformat(timespec="seconds") if at else None
        for name in ("started_at", "ended_at", "waits_until")
        for at in (getattr(row, name),)
    }
    return {**asdict(row), **times, "seconds": round(row.duration_s(now), 3)}
