"""Events of a drop whose id another one of it has, kept out of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.refused import Refused, keyed

EVENT_IDS = "event_ids"  # what the ids of a drop's events are kept under, beside the settings' names


@dataclass(frozen=True)
class Repeats:
    """The ids that come more than once in a drop; `key` is that of their digests."""

    key: str = field(repr=False)
    ids: Refused

    def __len__(self) -> int:
        return len(self.ids)

    def among(self, names: pa.Array) -> pa.Array:
        """Mask the events whose id comes more than once; `names` are those of `event_rows.own_names`."""
        return pc.is_valid(self.ids.rows_of(keyed(self.key, names)))
