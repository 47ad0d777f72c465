"""When a message that failed returns."""

from __future__ import annotations

from typing import Any, cast

import pytest
from activation.aws.visibility import MAX_S, backoff_s, postpone


class Queue:
    """A queue that refuses one receipt handle."""

    def __init__(self) -> None:
        self.hidden: dict[str, int] = {}

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        """Hide messages, ten at most, and answer with those it could not hide."""
        assert 0 < len(Entries) <= 10
        self.hidden |= {
            one["ReceiptHandle"]: one["VisibilityTimeout"] for one in Entries if one["ReceiptHandle"] != "old"
        }
        failed = [one for one in Entries if one["ReceiptHandle"] == "old"]
        return {"Failed": [{"Id": one["Id"], "Code": "ReceiptHandleIsInvalid"} for one in failed]}


def test_each_message_waits_for_its_own_time() -> None:
    """Twelve messages take two calls; none waits for longer than SQS allows, and a refused one costs no other."""
    queue = Queue()
    waits = [("old", 1.0), *((str(n), 10.5 * n) for n in range(1, 11)), ("long", 1e9)]
    assert postpone(cast("Any", queue), "url", waits) == "ReceiptHandleIsInvalid"
    assert queue.hidden == {**{str(n): -(-21 * n // 2) for n in range(1, 11)}, "long": MAX_S}


@pytest.mark.parametrize(("receives", "wait_s"), [(0, 5), (1, 5), (2, 10), (4, 40), (7, 180), (10_000, 180)])
def test_wait_doubles_up_to_the_longest(receives: int, wait_s: int) -> None:
    """The oftener a message came, the later it returns."""
    assert backoff_s(5, receives, longest_s=180) == wait_s
