"""The records of slots in the ledger: which came last of a declaration, and who is at work on it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from activation.aws.lease import Lease, Leases
from activation.aws.table import ConditionalTable, ConditionFailed, number, read_text

# In place of a connector's name in the ledger's keys; no connector may have it: see stacks/names.py.
SYNC = "sync"


def slot_id(source: str, declaration: str, slot: str) -> str:
    """Return the id of the one extraction that a slot of a declaration leads to: 32 hex digits."""
    return _digest("slot", source, declaration, slot)[:32]


def declaration_key(name: str) -> str:
    """Return the key of a declaration's record."""
    return f"{SYNC}#declaration#{name}"


def export_prefix(name: str) -> str:
    """Return how the names of a declaration's export folders begin: without its name, which may mean an action."""
    return f"slot-{_digest('folder', name)[:12]}-"


def export_name(name: str, slot: str) -> str:
    """Return the name of the folder that a slot's export is in; of one declaration they sort as the slots do."""
    return export_prefix(name) + slot.replace("-", "").replace(":", "")


@dataclass(frozen=True)
class DeclarationRecord:
    """What the ledger knows of a declaration: the newest slot that came, "" before the first."""

    newest_slot: str = ""


class Slots:
    """Reads and writes the declarations' records; `clock` returns Unix seconds.

    `ttl_days` is how long a record is kept after its last slot.
    """

    def __init__(self, table: ConditionalTable, *, ttl_days: int, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._keep_s = ttl_days * 86_400
        self._leases = Leases(table, keep_s=float(self._keep_s), clock=clock)
        self._clock = clock

    def read(self, name: str) -> DeclarationRecord:
        """Read a declaration's record."""
        return DeclarationRecord(read_text(self._table.read(declaration_key(name)) or {}, "newest_slot"))

    def note(self, name: str, slot: str) -> str:
        """Note that a slot came, and return the newest one, which is another where a newer one came before."""
        now = self._clock()
        try:
            self._table.update(
                declaration_key(name),
                "SET newest_slot = :slot, updated_at = :now, expires_at = :expires",
                {":slot": {"S": slot}, ":now": number(now), ":expires": {"N": str(int(now) + self._keep_s)}},
                condition="attribute_not_exists(newest_slot) OR newest_slot <= :slot",
            )
        except ConditionFailed as failed:
            return read_text(failed.item, "newest_slot")
        return slot

    def begin(self, name: str, holder: str, for_s: float) -> Lease:
        """Acquire the declaration, so that of two slots one is extracted after the other; raises LeaseHeld."""
        return self._leases.acquire(declaration_key(name), holder, for_s=for_s)

    def end(self, lease: Lease) -> None:
        """Release the declaration; raises LeaseLost."""
        self._leases.release(lease)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
