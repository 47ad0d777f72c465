"""The lock under which one process at a time replaces the token in a connector's secret."""

from __future__ import annotations

import contextlib
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from activation.aws.lease import LeaseHeld, LeaseLost, Leases
from activation.aws.table import ConditionalTable
from activation.errors import Retryable
from activation.ledger.keys import token_key

LOCK_S = 90.0  # longer than a slow token endpoint and Secrets Manager take with the SDK's retries
WAIT_S = 12.0  # about the longest token request; longer waits are left to the queue
PAUSE_S = 0.25
KEEP_S = 30 * 86_400.0
TOKEN_BUSY = "token_busy"  # noqa: S105  a code


@dataclass(frozen=True)
class TokenLock:
    """The lock of one secret, under `key`. Losing it does no harm: tokens are written conditionally."""

    leases: Leases
    key: str

    @classmethod
    def of(
        cls, table: ConditionalTable, platform: str, secret_arn: str, *, clock: Callable[[], float]
    ) -> TokenLock:
        """Return the lock of a platform's secret; the platform's functions may write its record."""
        return cls(Leases(table, keep_s=KEEP_S, clock=clock), token_key(platform, secret_arn))

    @contextlib.contextmanager
    def hold(self, *, sleep: Callable[[float], None], wait_s: float = WAIT_S) -> Iterator[None]:
        """Hold the lock; raises Retryable with token_busy after waiting for `wait_s` seconds."""
        holder = uuid.uuid4().hex
        waited_s = 0.0
        lease = None
        held_for_s = 0.0
        while lease is None:
            try:
                lease = self.leases.acquire(self.key, holder, for_s=LOCK_S)
            except LeaseHeld as held:
                held_for_s = held.for_s
            if lease is None:
                if waited_s >= wait_s:
                    raise Retryable(
                        TOKEN_BUSY,
                        "another function is renewing the platform's token",
                        after_s=min(max(held_for_s, 1.0), 30.0),
                    )
                pause_s = PAUSE_S * random.uniform(0.5, 1.5)  # noqa: S311  jitter, not a secret
                sleep(pause_s)
                waited_s += pause_s
        try:
            yield
        finally:
            # A lease that was not released expires by itself.
            with contextlib.suppress(LeaseLost, Retryable):
                self.leases.release(lease)
