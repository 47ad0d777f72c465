"""The runs of one drop besides its own: forced replays, and runs for other ad accounts than the secret's.

A drop is deleted once every run of it is final. Its own run is found by its name; the others note themselves here.
The same record keeps the drop's checksum once it is deleted, by which an undo knows a copy of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from activation.aws.table import ConditionalTable, read_text
from activation.ledger.keys import drop_users_key
from activation.model import Drop

_USES = "uses_"  # before a run's name, as the record's attribute
_ANY = "attribute_not_exists(pk) OR attribute_exists(pk)"


class DropUsers:
    """Remembers which further runs of a connector need a drop.

    `ttl_days` is how long that is remembered. `clock` returns Unix seconds. Every call raises what the table
    raises.
    """

    def __init__(
        self,
        table: ConditionalTable,
        connector: str,
        *,
        ttl_days: int = 400,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._table = table
        self._connector = connector
        self._ttl_s = ttl_days * 86_400
        self._clock = clock

    def begin(self, drop: Drop, run_id: str) -> None:
        """Note that a run needs the drop."""
        self._table.update(
            drop_users_key(self._connector, drop),
            "SET #run = :needs, expires_at = :expires",
            {":needs": {"BOOL": True}, ":expires": self._expires},
            condition=_ANY,
            names={"#run": f"{_USES}{run_id}"},
        )

    def end(self, drop: Drop, run_id: str) -> None:
        """Note that a run needs the drop no more."""
        self._table.update(
            drop_users_key(self._connector, drop),
            "SET expires_at = :expires REMOVE #run",
            {":expires": self._expires},
            condition=_ANY,
            names={"#run": f"{_USES}{run_id}"},
        )

    def is_used(self, drop: Drop) -> bool:
        """Return whether a run that noted itself still needs the drop."""
        record = self._table.read(drop_users_key(self._connector, drop)) or {}
        return any(name.startswith(_USES) for name in record)

    def note_checksum(self, drop: Drop, checksum: str) -> None:
        """Keep the checksum of a drop that is about to be deleted."""
        self._table.update(
            drop_users_key(self._connector, drop),
            "SET drop_checksum = :checksum, expires_at = :expires",
            {":checksum": {"S": checksum}, ":expires": self._expires},
            condition=_ANY,
        )

    def checksum(self, drop: Drop) -> str:
        """Return the checksum of a drop that was deleted, "" where none was kept."""
        return read_text(self._table.read(drop_users_key(self._connector, drop)) or {}, "drop_checksum")

    @property
    def _expires(self) -> dict[str, str]:
        return {"N": str(int(self._clock()) + self._ttl_s)}
