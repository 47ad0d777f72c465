"""The records of objects that no run reads: with a key that cannot be read, or under no connector's prefix."""

from __future__ import annotations

import time
from collections.abc import Callable

from activation.aws.table import ConditionalTable, number
from activation.errors import ActivationError
from activation.ledger.keys import unread_key


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
        self._table.update(
            unread_key(connector, run_id),
            "SET #state = :state, object_key = :key, code = :code, sentence = :sentence, updated_at = :now,"
            " expires_at = :expires",
            {
                ":state": {"S": state},
                ":key": {"S": key},
                ":code": {"S": why.code},
                ":sentence": {"S": why.sentence},
                ":now": number(now),
                ":expires": {"N": str(int(now) + self._ttl_s)},
            },
            condition="attribute_not_exists(pk) OR updated_at <= :now",
            names={"#state": "state"},
        )
