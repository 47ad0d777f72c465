"""The ledger's table for a single worker: conditions always hold; calls take time and consume units."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from threading import Lock
from typing import Any

Values = Mapping[str, Mapping[str, str]]


class Records:
    """The two DynamoDB calls that the line makes, answered after `latency_s`, with the units they would consume.

    A write consumes one unit per started 1,024 bytes of the item, a consistent read one per started 4,096:
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html (read 2026-11-22).
    """

    def __init__(self, latency_s: float) -> None:
        self.write_units = self.read_units = 0
        self._latency_s = latency_s
        self._lock = Lock()

    def get_item(self, **_: Any) -> dict[str, Any]:
        """Find nothing: no other worker has paused the account's requests."""
        time.sleep(self._latency_s)
        with self._lock:
            self.read_units += 1
        return {}

    def update_item(self, *, Key: Values, ExpressionAttributeValues: Values, **_: Any) -> dict[str, Any]:
        """Accept a write and discard it."""
        time.sleep(self._latency_s)
        texts = [
            text for one in (Key, ExpressionAttributeValues) for value in one.values() for text in value.values()
        ]
        names_bytes = 12 * (len(ExpressionAttributeValues) + 4)  # with the attributes that a claim writes
        size_bytes = names_bytes + sum(len(text.encode()) for text in texts)
        with self._lock:
            self.write_units += math.ceil(size_bytes / 1024)
        return {"Attributes": {}}
