"""What a receipt has to say of the people who were dropped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smoke.steps import StepFailed


def check(receipt: Mapping[str, Any], people: int) -> str:
    """Return the receipt's sums in words; raises StepFailed where they do not add up, or anybody is missing."""
    rows, reason = receipt["rows"], receipt["reason"]
    if receipt["state"] != "applied":
        why = f": {reason['code']}, {reason['sentence']}" if reason else ""
        raise StepFailed(f"the run is {receipt['state']}{why}")
    parts = {name: rows[name] for name in ("acknowledged", "rejected_by_us", "rejected_by_platform")}
    said = " + ".join(f"{count} {name.replace('_', ' ')}" for name, count in parts.items())
    if sum(parts.values()) != rows["in"] or rows["in"] != people:
        raise StepFailed(f"{people} people were dropped, and the receipt says {rows['in']} rows in = {said}")
    if rows["acknowledged"] != people:
        raise StepFailed(f"not everybody was acknowledged: {said}")
    return f"{rows['in']} rows in = {said}"
