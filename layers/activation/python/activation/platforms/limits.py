"""What one request to a platform may carry, and how a connector's settings narrow it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from activation.errors import Rejected
from activation.identifiers.table import Field
from activation.model import Action


@dataclass(frozen=True)
class Limits:
    """What one request may carry, and how many may be under way; each with its source beside the number.

    `max_bytes` is the most a body may have, `usual_bytes` what it has where the connector's settings say nothing
    (0: as much as it may). Where `cell_bytes` is given, what each cell takes beside its value, and `head_bytes`,
    what a body has beside its rows, a request has as many rows as surely fit; else it is tried, and sent in halves
    when it is too large. `max_uploads` is how many requests one drop may take, where closing names each of them
    (0: any number).
    """

    max_rows: int
    max_bytes: int
    in_flight: int = 1
    timeout_s: float = 60.0
    actions: frozenset[Action] = frozenset({Action.ADD})
    usual_bytes: int = 0
    head_bytes: int = 0
    cell_bytes: int = 0
    max_uploads: int = 0

    def narrowed(self, *, max_rows: int = 0, max_bytes: int = 0) -> Limits:
        """Give the limits that hold for a connector with these settings, of which 0 is none.

        No setting takes more than the platform does.
        """
        wanted_bytes = max_bytes or self.usual_bytes or self.max_bytes
        return replace(
            self,
            max_rows=min(max_rows or self.max_rows, self.max_rows),
            max_bytes=min(wanted_bytes, self.max_bytes),
            usual_bytes=0,
        )

    def rows_of(self, fields: Iterable[Field]) -> int:
        """Give how many rows with these fields a request may have, at least 1.

        How long a field is that is sent in plain nobody knows: rows with such fields may turn out too many.
        """
        if not self.cell_bytes:
            return self.max_rows
        row_bytes = sum(one.digest.width + self.cell_bytes for one in fields)
        return max(1, min(self.max_rows, (self.max_bytes - self.head_bytes) // row_bytes))

    def check_uploads(self, count: int) -> None:
        """Raise Rejected with too_many_uploads where a drop comes to more than it may."""
        if 0 < self.max_uploads < count:
            raise Rejected(
                "too_many_uploads",
                f"the drop takes more than {self.max_uploads} uploads; drop it in parts, or let a request carry"
                " more (max_mb_per_request, max_rows_per_request)",
            )
