"""What `activation replay` says before it starts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cli.outlook import outlook

DAY = datetime(2026, 11, 20, tzinfo=UTC)


def receipt(state: str, *, key: str = "there", at: datetime = DAY, final: bool = True) -> dict[str, Any]:
    """Return a receipt as far as the outlook reads it."""
    drop = {"bucket": "drops", "key": key, "version_id": "v1"}
    return {"state": state, "final": final, "started_at": at.isoformat(), "drop": drop}


class S3:
    """S3 that has lost one object and denies another."""

    def head_object(self, *, Key: str, **_: Any) -> dict[str, Any]:
        """Describe an object."""
        codes = {"gone": "404", "denied": "403"}
        if Key in codes:
            raise ClientError({"Error": {"Code": codes[Key]}}, "HeadObject")
        return {}


@pytest.mark.parametrize(
    ("one", "sentence"),
    [
        (receipt("applied"), "1 run skipped: already ended (1 applied)"),
        (receipt("superseded"), "1 run skipped: already ended (1 superseded)"),
        (receipt("failed"), "1 run failed or blocked: to be sent again, or resumed after what was acknowledged"),
        (
            receipt("blocked", key="denied"),
            "1 run failed or blocked: to be sent again, or resumed after what was acknowledged",
        ),
        (
            receipt("failed", key="gone"),
            "1 run failed or blocked, and the drop is gone: the receipt stays",
        ),
        (receipt("accepted", final=False), "1 run left alone: still at work"),
    ],
)
def test_each_run_is_told_by_what_a_replay_does_with_it(one: dict[str, Any], sentence: str) -> None:
    """A run that ended is skipped, one that stopped is resumed unless its drop is gone, others are left alone."""
    assert outlook(S3(), [one], DAY, DAY).sentences() == [sentence]  # type: ignore[arg-type]  # a fake


def test_only_runs_of_that_time_are_told() -> None:
    """A run that began before or after the replayed time is not counted."""
    others = [receipt("applied", at=DAY + timedelta(hours=hours)) for hours in (-2, 2)]
    hour = timedelta(hours=1)
    assert outlook(S3(), others, DAY - hour, DAY + hour).sentences() == []  # type: ignore[arg-type]  # a fake
