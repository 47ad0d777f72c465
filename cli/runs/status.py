"""`activation status`: the state of runs, and what is still open or due."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.completion import connectors

if TYPE_CHECKING:
    from cli.deployment import Deployment

TIME_WIDTH = len("2026-11-30 06:00")  # never cut
AUDIENCE_WIDTH, GAP_WIDTH = 8, 2
IGNORED = "ignored"  # what the watch over the drops bucket records of an object under no connector's prefix


def status(
    connector: Annotated[str, typer.Option(autocompletion=connectors, help="Only this connector's runs.")] = "",
    state: Annotated[
        str, typer.Option(help="Only runs in this state; waiting are all that wait for something.")
    ] = "",
    missing: Annotated[
        bool, typer.Option("--missing", help="List the drops that have no run instead; exit 1 if there are any.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 if a listed run has warnings.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """List the runs in the ledger, newest first, with what looks wrong with each, and what is still open or due.

    `rows` are those read, with a known outcome, as in `activation runs`. A run is listed as waiting also while the
    platform processes what it accepted, and while parts of it wait.
    Drops whose key cannot be read are `failed`, those under no connector's prefix `ignored`. Paid jobs and queries
    are listed until they have led to a drop.
    """
    import boto3
    from activation.ledger.runs import RunState

    from cli import deployment
    from cli.open_folders import ALSO, STATES, folder_row
    from cli.started import STATES as START_STATES
    from cli.started import start_row

    states, state = (*RunState, *STATES, *START_STATES, IGNORED), ALSO.get(state, state)
    if state not in ("", *states):
        raise typer.BadParameter(f"must be one of {', '.join(states)}", param_hint="--state")
    found = deployment.find()
    if connector:
        found.connector(connector)
    if missing:
        from cli.missing import print_missing

        raise typer.Exit(bool(print_missing(found, connector, as_json=as_json)))
    pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=found.ledger_table)
    items = [item for page in pages for item in page["Items"]]
    parts, quiet = _waiting_parts(items), _quiet_minutes(found)
    runs = [
        run
        for item in items
        if (
            run := _run(item, parts)
            or start_row(item)
            or folder_row(item, quiet.get(item["pk"]["S"].partition("#")[0]))
        )
        and connector in ("", run["connector"])
        and _is_in(run, state)
    ]
    runs.sort(key=lambda run: run["updated_at"], reverse=True)
    if as_json:
        for run in runs:
            print(json.dumps(run, ensure_ascii=False))
    else:
        _print_runs(runs)
    if strict and any(run["warnings"] for run in runs):
        raise typer.Exit(1)


def _quiet_minutes(found: Deployment) -> dict[str, float]:
    """Return each connector's `folder_quiet_minutes`, by the settings here or else as deployed."""
    from cli.connectors import NoConnector, settings

    try:
        read = settings()
    except NoConnector:
        read = None
    if read:
        return {one.name: one.folder_quiet_minutes for one in read.connectors}
    return {name: told.get("folder_quiet_minutes", 0) for name, told in found.told.items()}


def _print_runs(runs: list[dict[str, Any]]) -> None:
    from rich.table import Column, Table

    from cli.printable import console, printable
    from cli.runs.shown import RUN_DIGITS_SHOWN

    why = [" ".join([_state(run), *(f"({one['code']})" for one in run["warnings"])]) for run in runs]
    # A code is looked up and pasted, so that none is broken in a terminal of 80 columns; an audience may be.
    longest = max((len(word) for text in why for word in text.split()), default=0)
    screen, rows = console(), max((len(f"{run['rows_read']:,}") for run in runs), default=0)
    others = RUN_DIGITS_SHOWN + max(longest, len("state, why")) + max(rows, len("rows")) + TIME_WIDTH
    left = max(AUDIENCE_WIDTH, screen.width - others - 5 * GAP_WIDTH)
    table = Table(
        Column("run", no_wrap=True, min_width=RUN_DIGITS_SHOWN),
        Column("audience", overflow="fold", max_width=left),
        Column("state, why", overflow="fold", min_width=longest),
        Column("rows", no_wrap=True, justify="right"),
        Column("updated (UTC)", no_wrap=True, min_width=TIME_WIDTH),
        box=None,
        pad_edge=False,
    )
    for run, text in zip(runs, why, strict=True):
        table.add_row(
            run["run_id"][:RUN_DIGITS_SHOWN] or ("(folder)" if run["connector"] else "(start)"),
            printable(_destination(run)),
            text,
            f"{run['rows_read']:,}",
            run["updated_at"][:TIME_WIDTH],
        )
    if others + left + 5 * GAP_WIDTH > screen.width:
        table.width = others + left + 5 * GAP_WIDTH  # the terminal wraps the lines; nothing in them is cut
    screen.print(table, crop=False)  # the sentences are in the receipt
    for run in runs:
        if not run["run_id"]:  # a folder or a start has no receipt yet
            console().print(printable(f"{run['key']}: {run['sentence']}"), soft_wrap=True)


def _destination(run: dict[str, Any]) -> str:
    """Return what a run fills, or the key of a drop that no run reads."""
    if not run["audience"]:
        return str(run["key"])
    return f"{run['connector']}: {run['audience']} ({run['action']})"


def _is_in(run: dict[str, Any], state: str) -> bool:
    """Return whether a run is in a state, which is "" for any, or waits for something where that is asked for."""
    waits = run["state"] == "accepted" or run["parts_waiting"] > 0
    return state in ("", run["state"]) or (state == "waiting" and waits)


def _state(run: dict[str, Any]) -> str:
    """Return a run's state, and the code of why; of a run that somebody has ended, both are one word."""
    from activation.report.verdict import state_word

    waiting: int = run["parts_waiting"]
    code = str(run["code"])
    if waiting:
        return f"{run['state']}, {waiting} part{'s' * (waiting != 1)} waiting: {code}"
    word = state_word(str(run["state"]), code)
    return word if word == code else f"{word} {code}"


def _waiting_parts(items: list[dict[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Return the records of the waiting parts of large runs, by connector and run."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for item in items:
        connector, _, rest = item["pk"]["S"].partition("#part#")
        if rest and item.get("state", {}).get("S") == "waiting":
            found.setdefault((connector, rest.rpartition("#")[0]), []).append(item)
    return found


def _run(item: dict[str, Any], parts: dict[tuple[str, str], list[dict[str, Any]]]) -> dict[str, Any] | None:
    """Return the record of a run, or of a drop that no run reads; None for any other record of the table.

    `parts` are the records of waiting parts. A running run's code is that of the first of these.
    """
    from activation.ledger.keys import NO_CONNECTOR, RUN, UNREAD

    from cli.runs.rows import run_row

    pk = item["pk"]["S"]
    connector, _, rest = pk.partition(UNREAD if UNREAD in pk else RUN)
    if not rest:
        return None

    waiting = parts.get((connector, rest), []) if item.get("state", {}).get("S") == "running" else []

    def text(name: str) -> str:
        return str(item.get(name, {}).get("S", ""))

    def why(name: str) -> str:
        return next(filter(None, [text(name), *(str(part.get(name, {}).get("S", "")) for part in waiting)]), "")

    updated = float(item.get("updated_at", {}).get("N", "0"))
    return {
        "run_id": rest,
        "connector": "" if connector == NO_CONNECTOR else connector,
        "audience": text("audience"),
        "action": text("action"),
        "state": text("state"),
        "rows_read": run_row(item).rows_read,
        "rows_acknowledged": int(item.get("rows_acknowledged", {}).get("N", "0")),
        "updated_at": datetime.fromtimestamp(updated, tz=UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "code": why("code"),
        "sentence": why("sentence"),
        "parts_waiting": len(waiting),
        "key": text("object_key"),
        "warnings": _warnings(text("progress")),
    }


def _warnings(progress: str) -> list[dict[str, str]]:
    """Return the warnings that a run's newest receipt has; its record may be of another release."""
    try:
        found = json.loads(progress).get("warnings", [])
    except ValueError:
        return []
    return list(found)
