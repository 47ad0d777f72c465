"""The ledger's table for a single worker: conditions always hold, and calls take time."""

from __future__ import annotations

import time
from typing import Any


class Records:
    """The two DynamoDB calls that the line makes, answered after `latency_s`."""

    def __init__(self, latency_s: float) -> None:
        self._latency_s = latency_s

    def get_item(self, **_: Any) -> dict[str, Any]:
        """Find nothing: no other worker has paused the account's requests."""
        time.sleep(self._latency_s)
        return {}

    def update_item(self, **_: Any) -> dict[str, Any]:
        """Accept a write and discard it."""
        time.sleep(self._latency_s)
        return {"Attributes": {}}
