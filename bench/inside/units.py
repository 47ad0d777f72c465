"""What DynamoDB charges for the calls of a process: read from the items that the calls carry and return.

A write consumes one unit per started 1,024 bytes of the whole item, however little of it changes, two in a
transaction; a consistent read one per started 4,096 bytes:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html (read 2026-11-30).
The index over the ledger has no attribute that an acknowledgement changes, so that it costs nothing here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

Item = Mapping[str, Mapping[str, Any]]
WRITE_BYTES, READ_BYTES = 1024, 4096


def size_bytes(item: Item) -> int:
    """Return the size of an item of texts and numbers: names and values in UTF-8, a number as its digits.

    DynamoDB stores numbers in about half as many bytes:
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html (read 2026-11-30).
    """
    return sum(len(name.encode()) + len(str(*value.values()).encode()) for name, value in item.items())


@dataclass
class Units:
    """The units that a session's calls consume, counted from when it was installed."""

    write: int = 0
    read: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def install(self, session: Any) -> None:
        """Hear of the calls of the session's clients that are made afterwards."""
        session.events.register("provide-client-params.dynamodb.TransactWriteItems", self._transacts)
        session.events.register("after-call.dynamodb.UpdateItem", self._updated)
        session.events.register("after-call.dynamodb.GetItem", self._got)

    def clear(self) -> None:
        """Count from zero."""
        self.write = self.read = 0

    def _updated(self, parsed: Mapping[str, Any], **_: Any) -> None:
        written = parsed.get("Attributes") or parsed.get("Item") or {}  # a condition that fails is charged, too
        with self._lock:
            self.write += _started(size_bytes(written), WRITE_BYTES)

    def _got(self, parsed: Mapping[str, Any], **_: Any) -> None:
        with self._lock:
            self.read += _started(size_bytes(parsed.get("Item", {})), READ_BYTES)

    def _transacts(self, params: Mapping[str, Any], **_: Any) -> None:
        """Count the items of a transaction by what it writes: it returns none."""
        with self._lock:
            for one in params["TransactItems"]:
                (write,) = one.values()
                values = write.get("ExpressionAttributeValues", {})
                size = size_bytes({**write["Key"], **values}) if "UpdateExpression" in write else 0
                self.write += 2 * _started(size, WRITE_BYTES)


def _started(size: int, of: int) -> int:
    return max(1, math.ceil(size / of))
