"""Approvals: which runs somebody has let take out more people than the guard allows, for a week."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from activation.aws.table import ConditionalTable, number, read_number, read_text
from activation.ledger.keys import approval_key

VALID_S = 7 * 86_400


@dataclass(frozen=True)
class Approval:
    """Who has approved a run, as AWS names them, and when, in Unix seconds."""

    by: str
    at: float


@dataclass(frozen=True)
class Approvals:
    """The approvals of a connector's runs, in the ledger's `table`; `clock` returns Unix seconds."""

    table: ConditionalTable
    connector: str
    clock: Callable[[], float] = time.time

    def note(self, run_id: str, by: str) -> None:
        """Approve a run for seven days; `by` is the ARN of who does so. Raises what the table raises."""
        now = self.clock()
        self.table.update(
            approval_key(self.connector, run_id),
            "SET approved_by = :by, approved_at = :now, expires_at = :expires",
            {":by": {"S": by}, ":now": number(now), ":expires": {"N": str(int(now + VALID_S))}},
            condition="attribute_not_exists(approved_at) OR approved_at <= :now",
        )

    def of(self, run_id: str) -> Approval | None:
        """Return a run's approval, None where there is none or it has expired; raises what the table raises."""
        item = self.table.read(approval_key(self.connector, run_id))
        if not item or read_number(item, "approved_at") + VALID_S <= self.clock():
            return None
        return Approval(read_text(item, "approved_by"), read_number(item, "approved_at"))
