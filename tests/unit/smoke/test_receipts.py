"""A receipt has to account for everybody who was dropped."""

from __future__ import annotations

from typing import Any

import pytest

from smoke.receipts import check
from smoke.steps import StepFailed


def receipt(state: str = "applied", *, read: int = 10, acknowledged: int = 10, refused: int = 0) -> dict[str, Any]:
    """Return a receipt of so many rows."""
    counts = {"in": read, "acknowledged": acknowledged, "rejected_by_us": 0, "rejected_by_platform": refused}
    reason = None if state == "applied" else {"code": "token", "sentence": "Replace it."}
    return {"state": state, "reason": reason, "rows": counts}


def test_ten_acknowledged_people_add_up() -> None:
    """The sums are said as a person reads them."""
    assert check(receipt(), 10).startswith("10 rows in = 10 acknowledged + 0 rejected by us")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (receipt("blocked"), "blocked: token"),
        (receipt(acknowledged=9), "10 rows in"),
        (receipt(read=9, acknowledged=9), "9 rows in"),
        (receipt(acknowledged=9, refused=1), "not everybody"),
    ],
    ids=["blocked", "a row unaccounted for", "a row not read", "a row refused"],
)
def test_anything_else_fails_the_step(given: dict[str, Any], says: str) -> None:
    """A run that stopped, sums that do not add up, and a person who was not acknowledged each say so."""
    with pytest.raises(StepFailed, match=says):
        check(given, 10)
