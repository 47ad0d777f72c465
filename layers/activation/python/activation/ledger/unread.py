"""The records of objects that no run reads: with a key that cannot be read, or under no connector's prefix.

Those of a connector are in the index of runs as well, so that lists show a drop with a wrong key as a failed run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from activation.aws.table import ConditionalTable, number, read_text
from activation.errors import ActivationError
from activation.ledger.keys import NO_CONNECTOR, unread_key
from activation.ledger.orders import DISCARDED
from activation.model import Action


class UnreadObjects:
    """Records why an object started no run, for `activation status`.

    `ttl_days` is how long a record is kept. `clock` returns Unix seconds.
    """

    def __init__(self, table: ConditionalTable, *, ttl_days: int, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._ttl_s = ttl_days * 86_400
        self._clock = clock

    def note(self, connector: str, run_id: str, key: str, state: str, why: ActivationError) -> None:
        """Record an object: `state` is what `status` shows, `run_id` the name that its run would have had.

        Raises what writing to the ledger raises.
        """
        now = self._clock()
        sets = (
            "SET #state = :state, object_key = :key, code = :code, sentence = :sentence, updated_at = :now,"
            " expires_at = :expires"
        )
        values, names = dict[str, Any](), {"#state": "state"}
        if connector != NO_CONNECTOR:  # the keys of the index; a key that cannot be read says no action
            sets += ", #action = if_not_exists(#action, :action), started_at = if_not_exists(started_at, :now)"
            values, names = {":action": {"S": Action.ADD}}, {**names, "#action": "action"}
        self._table.update(
            unread_key(connector, run_id),
            sets,
            {
                **values,
                ":state": {"S": state},
                ":key": {"S": key},
                ":code": {"S": why.code},
                ":sentence": {"S": why.sentence},
                ":now": number(now),
                ":expires": {"N": str(int(now) + self._ttl_s)},
            },
            condition="attribute_not_exists(pk) OR updated_at <= :now",
            names=names,
        )

    def discard(self, connector: str, run_id: str, by: str) -> None:
        """Record that somebody has discarded an object, with what it was refused for; `by` is as AWS names them.

        Raises ConditionFailed where there is no record of it, and what the table raises.
        """
        key = unread_key(connector, run_id)
        before = self._table.read(key) or {}
        why = ": ".join(filter(None, (read_text(before, "code"), read_text(before, "sentence"))))
        self._table.update(
            key,
            "SET code = :code, sentence = :sentence, updated_at = :now",
            {
                ":code": {"S": DISCARDED},
                ":sentence": {"S": f"discarded by {by}; it was refused for {why}"},
                ":now": number(self._clock()),
            },
            condition="attribute_exists(pk)",
        )
