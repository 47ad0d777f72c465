"""One writer per audience, and no older version of an object after a newer one."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from activation.aws.table import ConditionalTable, ConditionFailed, number, read_number
from activation.model import Drop
from activation.platforms.rate import Scope

SEQUENCER_DIGITS = 64  # S3 publishes no length; 16 to 18 digits are seen, so there is room


class NotYourTurn(Exception):
    """Another run is writing to the audience; its turn ends in `for_s` seconds at the latest."""

    def __init__(self, for_s: float) -> None:
        super().__init__("another run is writing to the audience")
        self.for_s = for_s


class Superseded(Exception):
    """A newer version of the same object has been sent already."""


def turn_of(platform: str, account: str, audience: str) -> str:
    """Name the turn of an audience in an ad account, whichever of the account's connectors writes to it."""
    return f"account#{platform}#{account}#audience#{audience}"


def rate_key(platform: str, scope: Scope, shared_with: str) -> str:
    """Return the key of the record in which a platform's rate limit is kept for all who share it.

    `shared_with` is the ad account, or the ARN of the secret whose token the limit belongs to.
    """
    if scope is Scope.ACCOUNT:
        return f"account#{platform}#{shared_with}"
    return f"account#{platform}#token#{hashlib.sha256(shared_with.encode()).hexdigest()[:16]}#rate"


class Turns:
    """The audience's turn, held by a run from its first request to its end, and kept alive by its saves.

    `turn_s` is how long a turn outlives its holder's last message, so how long a run that died in the dead letters
    can hold up the next one. `ttl_days` is how long an object's newest version is remembered. `clock` gives Unix
    seconds.
    """

    def __init__(
        self,
        table: ConditionalTable,
        *,
        turn_s: float = 3600.0,
        ttl_days: int = 400,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._table = table
        self._turn_s = turn_s
        self._ttl_s = ttl_days * 86_400
        self._clock = clock

    def take(self, turn: str, run_id: str, *, for_s: float = 0.0) -> None:
        """Take a turn as `turn_of` names it, or keep it for at least `for_s` seconds more; raises NotYourTurn."""
        now = self._clock()
        try:
            self._table.update(
                turn,
                "SET holder = :run, held_until = :until",
                {
                    ":run": {"S": run_id},
                    ":until": number(now + max(self._turn_s, for_s)),
                    ":now": number(now),
                },
                condition="attribute_not_exists(holder) OR holder = :run OR held_until < :now",
            )
        except ConditionFailed as failed:
            raise NotYourTurn(read_number(failed.item, "held_until") - now) from None

    def give_up(self, turn: str, run_id: str) -> None:
        """End the turn; nothing happens when it is another run's by now, or there was none (empty text)."""
        if not turn:
            return
        try:
            self._table.update(
                turn,
                "SET held_until = :never",
                {":run": {"S": run_id}, ":never": number(0)},
                condition="holder = :run",
            )
        except ConditionFailed:
            return

    def check_order(self, drop: Drop, connector: str) -> None:
        """Note this version as the newest that was begun; raises Superseded when a newer one was.

        Call it while holding the audience's turn. Sequencers compare as hexadecimal text, the shorter padded
        with zeros on the right, within one key
        (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html, read
        2026-11-22).
        """
        if not drop.sequencer:
            return
        padded = drop.sequencer.lower().ljust(SEQUENCER_DIGITS, "0")
        name = hashlib.sha256(f"{drop.bucket}\n{drop.key}".encode()).hexdigest()
        try:
            self._table.update(
                f"{connector}#object#{name}",
                "SET newest = :mine, expires_at = :expires",
                {":mine": {"S": padded}, ":expires": {"N": str(int(self._clock()) + self._ttl_s)}},
                condition="attribute_not_exists(newest) OR newest <= :mine",
            )
        except ConditionFailed:
            raise Superseded from None
