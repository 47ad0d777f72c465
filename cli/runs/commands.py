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
    from activation.report.undone import Undo

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
    from activation.ledger.orders import ORDERED
    from activation.ledger.runs import RunState

    from cli import deployment
    from cli.printable import console
    from cli.runs.listing import Wanted, list_runs
    from cli.runs.shown import listed
    from cli.runs.undone import undos_among

    states = (*RunState, *sorted(ORDERED))
    if state not in ("", *states):
        raise typer.BadParameter(f"must be one of {', '.join(states)}", param_hint="--state")
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
    client = boto3.client("dynamodb")
    try:
        rows = list_runs(client, found.ledger_table, wanted, limit=limit)
    except ConfigError as error:
        deployment.fail(f"{error.code}: {error.sentence}")
    now, undos = time.time(), undos_among(client, found.ledger_table, rows)
    if as_json:
        for row in rows:
            told = as_data(row, now, undos.of.get(row.run_id), undos.by.get(row.run_id))
            print(json.dumps(told, ensure_ascii=False))
    elif rows:
        console().print(listed(rows, now, undos), end="", soft_wrap=True)
    else:
        typer.echo("no runs match", err=True)


def as_data(row: RunRow, now: float, undone_by: Undo | None, undo: Undo | None) -> dict[str, Any]:
    """Return a run for programs: times in ISO 8601, durations in seconds.

    `undone_by` is its newest undo, and `undo` what it undoes itself.
    """
    times = {
        name: datetime.fromtimestamp(at, tz=UTC).isoformat(timespec="seconds") if at else None
        for name in ("started_at", "ended_at", "waits_until")
        for at in (getattr(row, name),)
    }
    more = {"undone_by": undone_by.data if undone_by else None, "undoes": undo.undoes if undo else None}
    return {**asdict(row), **times, "seconds": round(row.duration_s(now), 3), **more}
