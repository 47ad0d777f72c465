"""Wait for a new subscription to become active: Amazon asks the queue, and the stack's function confirms.

The states: https://advertising.amazon.com/API/docs/en-us/guides/amazon-marketing-stream/managing-subscriptions,
read 2026-11-22.
"""

from __future__ import annotations

import time
from typing import Protocol

from amz_stream_cli.client import Subscription
from amz_stream_cli.errors import StreamError

_ON_ITS_WAY = frozenset({"PROVISIONING", "PENDING_CONFIRMATION"})
EVERY_S = 5.0
LONGEST_S = 900.0  # a confirmation takes minutes; what takes longer needs somebody to look


class Subscriptions(Protocol):
    """What is asked of the API."""

    def get(self, id_: str) -> Subscription:
        """Return one subscription."""
        ...


def until_active(subscriptions: Subscriptions, id_: str) -> Subscription:
    """Return the subscription once it is ACTIVE; raises StreamError if it fails, or is not within LONGEST_S."""
    end = time.monotonic() + LONGEST_S
    while (found := subscriptions.get(id_)).status in _ON_ITS_WAY:
        if time.monotonic() + EVERY_S > end:
            raise StreamError(
                f"subscription {id_} is still {found.status} after {LONGEST_S:.0f} s: look at the dead letters of"
                " the stack's confirmation queue; a request to confirm is valid for two days"
            )
        time.sleep(EVERY_S)
    if found.status != "ACTIVE":
        raise StreamError(f"subscription {id_} is {found.status}: create another one; this one cannot be revived")
    return found
