"""The audiences that were ever written to, each in an item of its own that never expires.

Records of runs and locks expire with the ledger. What says which audiences exist must not: somebody who asks to
be forgotten has to be removed from all of them, however long ago they were filled.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from activation.aws.table import ConditionalTable, ConditionFailed, number
from activation.ledger.keys import known_audience_key
from activation.model import Audience
from activation.platforms.publisher import Opened


@dataclass(frozen=True)
class KnownAudiences:
    """The audiences that runs have written to, in the ledger's `table`; `clock` returns Unix seconds."""

    table: ConditionalTable
    clock: Callable[[], float] = time.time

    def note(self, lock: str, audience: Audience, opened: Opened, run_id: str) -> None:
        """Record that a run has written to an audience, or may have; `lock` is the key of the audience's lock.

        Keeps when it was first and last written to, by which connector, run and action, and its id at the
        platform ("" before an upload has created it). Raises what the table raises.
        """
        with contextlib.suppress(ConditionFailed):  # a later run has been noted already
            self.table.update(
                known_audience_key(lock),
                "SET first_written_at = if_not_exists(first_written_at, :now), last_written_at = :now,"
                " audience = :audience, audience_id = :id, connector = :connector, last_action = :action,"
                " last_run = :run",
                {
                    ":now": number(self.clock()),
                    ":audience": {"S": audience.name},
                    ":id": {"S": opened.audience_id},
                    ":connector": {"S": audience.connector},
                    ":action": {"S": audience.action},
                    ":run": {"S": run_id},
                },
                condition="attribute_not_exists(last_written_at) OR last_written_at <= :now",
            )
