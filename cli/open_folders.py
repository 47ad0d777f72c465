"""Folders that `activation status` lists beside the runs: those that wait for something, and what for."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from activation.ledger.folders import closings_of
from activation.ledger.keys import NO_CONNECTOR
from activation.report.late_parts import last_closing, what_to_do

OPEN, LATE = "open", "late_part"
STATES = (OPEN, LATE)
ALSO = {"folder_open": OPEN}  # the code that the table shows beside the state


def folder_row(item: dict[str, Any], quiet_minutes: float | None = None) -> dict[str, Any] | None:
    """Return a folder's record with a run's fields, its `run_id` ""; None for one that waits for nothing.

    A folder is `open` when files have come since it was closed last, and `late_part` when files came too late to
    be sent, which a person has to see to. `quiet_minutes` is the connector's `folder_quiet_minutes`, 0 for none,
    and None where no settings say it.
    """
    connector, _, digest = item["pk"]["S"].partition("#folder#")
    if not digest or connector == NO_CONNECTOR:  # of an export, which is no drop
        return None
    opened_at, late_files = _number(item, "opened_at"), int(_number(item, "late_files"))
    if not opened_at and not late_files:
        return None
    files, state = int(_number(item, "files_announced")), OPEN if opened_at else LATE
    several = late_files != 1
    late = (
        f"{late_files:,} file{'s' * several} came after the folder was closed, and {'were' if several else 'was'}"
        f" not sent: {what_to_do(last_closing(closings_of(_text(item, 'closings'))))}"
    )
    waits = (
        f"{files:,} file{'s' * (files != 1)} announced since {_time(opened_at)} UTC; waits for"
        f" _SUCCESS or a manifest{_quiet_time(item, quiet_minutes)}"
    )
    return {
        "run_id": "",
        "connector": connector,
        "audience": _text(item, "audience"),
        "action": _text(item, "action"),
        "state": state,
        "rows_read": 0,
        "rows_acknowledged": 0,
        "updated_at": _time(_number(item, "last_event")),
        "code": "late_part" if late_files else "folder_open",
        "sentence": "; ".join(([waits] if opened_at else []) + ([late] if late_files else [])),
        "key": _text(item, "object_prefix"),
        "warnings": [],
        "parts_waiting": 0,
    }


def _quiet_time(item: dict[str, Any], minutes: float | None) -> str:
    """Return when an open folder is closed by a quiet time, as the end of a sentence about what it waits for."""
    if minutes is None:
        return ", or for the connector's folder_quiet_minutes"
    if not minutes:
        return "; a quiet time is off (folder_quiet_minutes)"
    from activation.model import SNAPSHOTS

    action, closings = _text(item, "action"), json.loads(_text(item, "closings") or "{}").get("closings", ())
    if action in SNAPSHOTS and any(one["listing"] for one in closings):
        return f"; a quiet time closes a folder under {action} only once"
    closes_at = _number(item, "last_event") + 60 * minutes
    return f", or closes at {_time(closes_at)} UTC if no file comes before"


def _text(item: dict[str, Any], name: str) -> str:
    return str(item.get(name, {}).get("S", ""))


def _number(item: dict[str, Any], name: str) -> float:
    return float(item.get(name, {}).get("N", "0"))


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
