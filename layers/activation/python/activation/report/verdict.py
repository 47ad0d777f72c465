"""What a receipt says in a sentence or two: whether the run ended well, and what became of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from activation.ledger.orders import ORDERED

STATES = {
    "running": "The run is in progress.",
    "waiting": "The run waits and goes on by itself.",
    "accepted": "Every row was sent. The platform is still processing them; the run goes on by itself.",
    "applied": "The run is complete.",
    "empty": "There was nothing to send, and nothing was.",
    "superseded": "A newer version of the file took the place of this one.",
    "failed": "The run failed. It will not resume on its own.",
    "blocked": "The run is blocked. Somebody has to act before it goes on.",
}
ENDED = {
    "stopped": "Somebody stopped the run. It goes on when somebody continues it.",
    "discarded": "Somebody discarded the run. Nothing continues it.",
}
DIRECTIONS = {
    "add": "added to",
    "remove": "removed from",
    "replace": "sent to replace",
    "mirror": "added to or changed in",
}


def state_word(state: str, code: str) -> str:
    """Return what a run's state is called: of one that somebody has ended, what was done, and not `failed`."""
    return code if state in ("failed", "blocked") and code in ORDERED else state


def state_of(receipt: Mapping[str, Any]) -> str:
    """Return what the state of a receipt's run is called."""
    return state_word(str(receipt["state"]), str((receipt.get("reason") or {}).get("code", "")))


def verdict(receipt: Mapping[str, Any]) -> str:
    """Return whether the run ended well and how many rows of how many were acknowledged, in words."""
    state, rows = str(receipt["state"]), receipt["rows"]
    first = ENDED.get(state_of(receipt)) or STATES.get(state, f"The run is {state}.")
    acknowledged, read = rows["acknowledged"], rows["in"] if rows["in"] is not None else rows["read"]
    if not read:
        return first
    of = " so far" if rows["in"] is None else ""
    mirror = receipt.get("mirror")
    if state == "applied" and mirror:
        return _with_rest(first, f"Of {read:,} rows read, {_mirrored(mirror)}", receipt)
    how = DIRECTIONS.get(str(receipt.get("action", "add")), "sent to")
    what = "dataset" if "in_doubt" in receipt else "audience"  # only a receipt of events says how many are
    counted = f"Of {read:,} rows read{of}, {acknowledged:,} were {how} the {what}"
    if unchanged := rows.get("unchanged", 0):
        counted += f" and {unchanged:,} were in it already"
    if left_in := rows.get("left_in", 0):
        counted += f" and {left_in:,} were left in it, as other runs sent them too or may have"
    return _with_rest(first, counted, receipt)


def _with_rest(first: str, counted: str, receipt: Mapping[str, Any]) -> str:
    missing = fewer(receipt)
    return f"{first} {counted}; {missing}." if missing else f"{first} {counted}."


def _mirrored(mirror: Mapping[str, Any]) -> str:
    """Return how a mirror that is complete has changed its audience; a replace sends unchanged rows again.

    A receipt of an earlier release may lack a count, which is left out.
    """
    changed = int(mirror.get("changed", 0)) + int(mirror.get("sent_again", 0))
    texts = [
        f"{mirror['joined']:,} joined the audience",
        f"{changed:,} were changed in it" if changed else "",
        f"{mirror['unchanged']:,} were in it already" if "unchanged" in mirror else "",
    ]
    said = ", ".join(filter(None, texts))
    if mirror["left"] and not mirror.get("too_few_left"):
        said += f", and {mirror['left']:,} rows of before left it"
    return said


def fewer(receipt: Mapping[str, Any]) -> str:
    """Return why fewer rows were acknowledged than the file has, "" where all of them were."""
    rows = receipt["rows"]
    ours, platforms, rest = unusable(rows), rows["rejected_by_platform"], not_sent(receipt)
    texts = [
        f"{ours:,} could not be used" if ours else "",
        f"{platforms:,} were refused by the platform" if platforms else "",
        f"{rest:,} were not sent" if rest else "",
    ]
    return ", ".join(filter(None, texts))


def not_sent(receipt: Mapping[str, Any]) -> int:
    """Return how many rows have no outcome: of a run that somebody has ended, also those it has not read."""
    rows, held = receipt["rows"], receipt.get("rows_held")
    if rows["in"] is None and held is not None and state_of(receipt) in ENDED:
        return max(0, int(held) - int(rows["read"]))
    return without_outcome(rows)


def rows_in(receipt: Mapping[str, Any]) -> tuple[int, bool]:
    """Return how many rows a receipt accounts for, and whether they are all of the drop: not while it is read."""
    rows = receipt["rows"]
    if rows["in"] is not None:
        return int(rows["in"]), True
    rest = not_sent(receipt)
    return int(rows["read"]) + rest, rest > 0


def unusable(rows: Mapping[str, Any]) -> int:
    """Return how many rows were rejected by us, but for those that an undo has left in the audience."""
    return int(rows["rejected_by_us"]) - int(rows.get("left_in") or 0)


def without_outcome(rows: Mapping[str, Any]) -> int:
    """Return how many rows of a file that was read to its end have no outcome; 0 while it is being read."""
    if rows["in"] is None:
        return 0
    settled = ("acknowledged", "unchanged", "rejected_by_us", "rejected_by_platform")
    return max(0, int(rows["in"]) - sum(int(rows.get(name) or 0) for name in settled))
