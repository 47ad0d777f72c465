"""Paid starts that `activation status` lists beside the runs: jobs and queries that have not succeeded."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from activation.ledger.paid_starts import StartState

STARTING, STARTED = StartState.STARTING.value, StartState.STARTED.value
STATES = (STARTING, STARTED)
_SAYS = {
    StartState.STARTING: "AWS has not answered yet whether it has started",
    StartState.STARTED: "AWS has started it, and it has not ended",
    StartState.FAILED: "its dead letter says why; a redrive starts it again, which costs",
}


def start_row(item: dict[str, Any]) -> dict[str, Any] | None:
    """Return a start's record with a run's fields, its `run_id` ""; None for one of which there is nothing to say.

    What has succeeded has led to a drop, which has a run of its own.
    """
    _, _, said = item["pk"]["S"].partition("#start#")
    kind, _, what = said.partition("#")
    state = item.get("state", {}).get("S", "")
    if not what or state not in _SAYS:
        return None
    name, _, slot = what.partition("#")
    at = float(item.get("attempted_at", {}).get("N", "0"))
    return {
        "run_id": "",
        "connector": "",
        "audience": "",
        "action": "",
        "state": state,
        "rows_read": 0,
        "rows_acknowledged": 0,
        "updated_at": datetime.fromtimestamp(at, tz=UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "code": item.get("reason", {}).get("S", ""),
        "sentence": _SAYS[StartState(state)],
        "key": f"{kind} {name} {slot}",
        "warnings": [],
        "parts_waiting": 0,
    }
