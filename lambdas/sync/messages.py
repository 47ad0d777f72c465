"""The messages of the sync's queue: a slot to extract, or the end of a run that sent an export."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from activation.aws.app_events import SOURCE
from activation.errors import Rejected

KIND = "Slot Due"


@dataclass(frozen=True)
class SlotWork:
    """A slot of a declaration, by their names; `continuation` counts the messages of the slot from 0."""

    declaration: str
    slot: str
    continuation: int = 0

    def body(self) -> str:
        """Return the message's body."""
        return json.dumps({"detail-type": KIND, **asdict(self)})


@dataclass(frozen=True)
class RunEnded:
    """The end of a connector's run, as its event on the app's bus says it.

    `key` is that of the drop, `receipt_key` where the receipt is in the receipts bucket.
    """

    run_id: str
    state: str
    connector: str
    key: str
    receipt_key: str


def read(body: str) -> SlotWork | RunEnded:
    """Read a message; raises Rejected (not_json, not_understood) for one that the app does not write."""
    try:
        message: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise Rejected("not_json", "the message is not JSON") from None
    try:
        if message["detail-type"] == KIND:
            found = SlotWork(message["declaration"], message["slot"], int(message.get("continuation", 0)))
            if isinstance(found.declaration, str) and isinstance(found.slot, str):
                return found
        elif message["source"] == SOURCE:
            detail = message["detail"]
            names = ("run_id", "state", "connector", "key", "receipt_key")
            return RunEnded(*(str(detail[name]) for name in names))
    except (KeyError, TypeError, ValueError):
        pass
    raise Rejected("not_understood", "the message is neither a slot nor the end of a run")
