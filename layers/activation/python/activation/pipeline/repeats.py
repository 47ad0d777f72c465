"""Events of a drop whose id another one of it has, kept out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.event_rows import own_names
from activation.identifiers.event_rules import EventRules
from activation.identifiers.refused import Refused, halves

EVENT_IDS = "event_ids"  # what the ids of a drop's events are kept under, beside the settings' names


@dataclass(frozen=True)
class Repeats:
    """The ids that come more than once in a drop; `key` is that of their digests."""

    key: str = field(repr=False)
    ids: Refused

    def __len__(self) -> int:
        return len(self.ids)

    def among(self, rules: EventRules, own: Mapping[str, pa.Array], count: int) -> pa.Array:
        """Mask the events whose id comes more than once.

        `own` are the identified columns by wire key, all of `count` rows, without the ids made for events.
        """
        return pc.is_valid(self.ids.rows_of(halves(own_names(rules, own, count, self.key))))
