"""The audiences that the ledger knows: filled ones, those that a run has locked, and their mirrors."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
from activation.aws.table import ConditionalTable
from activation.errors import ActivationError
from activation.ledger.audience_lock import AudienceLocked, AudienceLocks
from activation.ledger.audiences import EstimatedSize, KnownAudiences, sizes_in
from activation.ledger.keys import audience_key, known_audience_key, mirror_prefix
from activation.mirror.state import MirrorState
from activation.mirror.states import MirrorStates
from activation.mirror.store import S3Pieces
from activation.model import Action
from activation.platforms.discovery import platforms

from cli import deployment
from lambdas.doctor.filled import KNOWN

if TYPE_CHECKING:
    from activation.ledger.waiting_list import WakeUp

LOCK = "#audience#"


@dataclass(frozen=True)
class KnownAudience:
    """An audience: `record` is what the ledger says of its writing, `state` what its mirror knows.

    `problem` is why that cannot be read, "" where it can. `holder` is the run that holds the audience's lock, ""
    for none. `matched` is how many members its newest receipt says were matched, where matched.py has read it.
    """

    platform: str
    account: str
    name: str
    record: Mapping[str, Any] = field(default_factory=dict)
    state: MirrorState = field(default_factory=MirrorState)
    problem: str = ""
    holder: str = ""
    matched: EstimatedSize | None = None

    @property
    def lock(self) -> str:
        """Return the key of the audience's lock."""
        return audience_key(self.platform, self.account, self.name)

    @property
    def short(self) -> str:
        """Return in a few words what the mirror holds."""
        if self.problem or self.state.snapshot is None:
            return self.problem or ("begun" if self.state.pending else "")
        return f"{self.state.rows:,} rows{', changing' if self.state.pending else ''}"

    @property
    def estimated_sizes(self) -> list[EstimatedSize]:
        """Return how many people the platform estimated, by day, the oldest first."""
        return sizes_in(self.record)

    @property
    def newest_size(self) -> str:
        """Return the newest of the estimated sizes in words, "" where the platform was not asked."""
        if self.no_size_on and not self.estimated_sizes:
            return "no number"
        return str(self.estimated_sizes[-1]) if self.estimated_sizes else ""

    @property
    def no_size_on(self) -> str:
        """Return the day, in ISO 8601, on which the platform gave no number, "" where it has given one since."""
        return self._text("no_size_on")

    @property
    def why_no_replace(self) -> str:
        """Return why the next mirror cannot replace the audience, "" where it can."""
        platform = platforms().get(self.platform)
        if platform is None or Action.REPLACE not in platform.limits.actions:
            return "the platform does not replace audiences"
        return "" if self._text("owned_id") else "it is not the app's own"

    @property
    def described(self) -> dict[str, Any]:
        """Return all of it as JSON's values; times are ISO 8601 in UTC, "" for none."""
        return {
            "platform": self.platform,
            "account": self.account,
            "audience": self.name,
            "audience_id": self._text("audience_id"),
            "owned": self._text("owned_why"),
            "connector": self._text("connector"),
            "last_action": self._text("last_action"),
            "last_run": self._text("last_run"),
            "last_written_at": _utc(float(self.record.get("last_written_at", {}).get("N", "0"))),
            "mirror": self.problem or self.state.mode,
            "estimated_sizes": [asdict(one) for one in self.estimated_sizes],
            "rows": self.state.rows,
            "pending": len(self.state.pending),
            "sizes": [
                {
                    "run_id": one.run_id,
                    "at": _utc(one.at),
                    "rows": one.rows,
                    "joined": one.joined,
                    "left": one.left,
                }
                for one in self.state.sizes
            ],
        }

    def _text(self, name: str) -> str:
        return str(self.record.get(name, {}).get("S", ""))


def known_audiences(table: str, *, platform: str = "", name: str = "") -> list[KnownAudience]:
    """Return the audiences of a platform and of a name, "" for all, in the order of their names."""
    client = boto3.client("dynamodb")
    pages = client.get_paginator("scan").paginate(
        TableName=table,
        FilterExpression="contains(pk, :lock) OR contains(pk, :known)",
        ExpressionAttributeValues={":lock": {"S": LOCK}, ":known": {"S": KNOWN}},
    )
    items = {item["pk"]["S"]: item for page in pages for item in page["Items"]}
    places = sorted({_place(pk) for pk in items if pk.startswith("account#") and pk.count("#") >= 4})
    states = MirrorStates(ConditionalTable(client, table))
    found = []
    for of, account, audience in places:
        if platform not in ("", of) or name not in ("", audience):
            continue
        lock, problem, state = audience_key(of, account, audience), "", MirrorState()
        try:
            state = states.read(lock)
        except ActivationError as error:
            problem = error.code
        record = items.get(known_audience_key(lock), {})
        found.append(KnownAudience(of, account, audience, record, state, problem, _holder(items.get(lock, {}))))
    return found


def _holder(lock: Mapping[str, Any]) -> str:
    """Return the run that holds a lock, by its record, "" for none."""
    is_held = float(lock.get("lease_until", {}).get("N", "0")) > time.time()
    return str(lock.get("lease_token", {}).get("S", "")) if is_held else ""


def _place(pk: str) -> tuple[str, str, str]:
    """Return platform, account and name; a lock's key may have a record's name of its own at its end."""
    _, platform, account, _, name = pk.split("#", 4)
    return platform, account, name.removesuffix("#replaced")


def reset_state(table: str, lock: str, by: str, mirrors_bucket: str) -> bool:
    """Forget what is known of an audience, while no run works on it; end the command if one does.

    Return whether what it was sent is deleted, which needs rights in the bucket of mirrors that operators need not
    have; the next run that commits deletes it, too. What a run that waits has compared stays: it may be redriven.
    """
    ledger = ConditionalTable(boto3.client("dynamodb"), table)
    locks, who = AudienceLocks(ledger), f"reset-{uuid.uuid4().hex}"
    try:
        locks.acquire(lock, who)
    except AudienceLocked as held:
        deployment.fail(f"a run is working on the audience for up to {held.for_s:,.0f} s more; try again then")
    try:
        if by == "baseline":
            KnownAudiences(ledger).disown(lock, "reset by baseline: who was in it then stays")
        states, needed = MirrorStates(ledger, clock=time.time), frozenset[str]()
        with suppress(ActivationError):  # a damaged state says nothing of what it needs
            needed = states.read(lock).objects()
        states.reset(lock, who)
        with suppress(ActivationError):
            S3Pieces(boto3.client("s3"), mirrors_bucket, mirror_prefix(lock)).delete(needed)
            return True
        return False
    finally:
        _wake(locks.release(lock, who))


def _wake(next_one: WakeUp | None) -> None:
    if next_one is not None:
        boto3.client("sqs").send_message(QueueUrl=next_one.queue_url, MessageBody=next_one.message)


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%d %H:%M:%S") if seconds else ""
