"""What one request to a platform may carry, and how a connector's settings narrow it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from activation.errors import Rejected
from activation.identifiers.table import Field
from activation.model import Action
from activation.platforms.session import UploadSession


@dataclass(frozen=True)
class Limits:
    """What one request may carry, and how many may be in flight; each platform has the source beside its numbers.

    `max_rows` and `max_bytes` limit a request. `in_flight` is how many requests may be in flight, `timeout_s` how
    many seconds of silence one may have. `actions` are the actions a drop may ask for. `usual_bytes` is the size
    of a body unless the connector's settings say otherwise (0: `max_bytes`). `head_bytes` is the size of a body
    without its rows, `cell_bytes` the overhead of each cell: with these, a request gets as many rows as surely
    fit; without them (0) it is tried, and halved if it is too large. `max_uploads` is how many requests one drop
    may take, for platforms where closing names each of them (0: any number). `session` is the session in which the
    uploads of some actions are sent, None if every upload stands alone. `most_in_flight` is how many requests
    may be in flight where slow answers make more of them pay (0: no more than `in_flight`).
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
    session: UploadSession | None = None
    most_in_flight: int = 0

    def session_of(self, action: Action) -> UploadSession | None:
        """Return the session in which a drop with this action is sent, None if every upload stands alone."""
        return self.session if self.session is not None and action in self.session.actions else None

    def narrowed(self, *, max_rows: int = 0, max_bytes: int = 0) -> Limits:
        """Return the limits of a connector with these settings; 0 means not set.

        No setting exceeds what the platform accepts.
        """
        wanted_bytes = max_bytes or self.usual_bytes or self.max_bytes
        return replace(
            self,
            max_rows=min(max_rows or self.max_rows, self.max_rows),
            max_bytes=min(wanted_bytes, self.max_bytes),
            usual_bytes=0,
        )

    def rows_of(self, fields: Iterable[Field]) -> int:
        """Return how many rows with these fields a request may have, at least 1.

        The length of a field that is sent unhashed is not known, so a request of rows with such fields may still
        be too large.
        """
        if not self.cell_bytes:
            return self.max_rows
        row_bytes = sum(one.digest.width + self.cell_bytes for one in fields)
        return max(1, min(self.max_rows, (self.max_bytes - self.head_bytes) // row_bytes))

    def check_uploads(self, count: int) -> None:
        """Raise Rejected with too_many_uploads when a drop needs more uploads than the platform accepts."""
        if 0 < self.max_uploads < count:
            raise Rejected(
                "too_many_uploads",
                f"the drop needs more than {self.max_uploads} uploads; drop it in parts, or let a request carry"
                " more (max_mb_per_request, max_rows_per_request)",
            )
