"""The beginning of most runs as one write: a file of its own that adds to an audience, announced a moment ago.

A run begins with a look at its record and at its folder's, a claim, the audience's lock, a look at whether a
mirror fills the audience, a note that it is about to be written to, a look at what its file said once, and one for
what people have asked of the run. Of most drops none of these finds anything, so all of them are the conditions of
one transaction: it takes effect as a whole where there is nothing to find, else not at all. Then the run begins
step by step, as any other does.

The order in which the steps are taken otherwise is kept: the record is claimed no later than the lock is acquired,
and both before anything is sent. What must be true while the lock is held is true when it is acquired.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from activation.aws.table import Write
from activation.aws.transactions import NotWritten, write_all
from activation.drops.locate import Located
from activation.drops.messages import Work
from activation.drops.places import Role
from activation.errors import ActivationError
from activation.ledger.keys import audience_key, folder_key, mirror_key, options_key, order_key
from activation.ledger.runs import Run
from activation.model import Action, Audience
from activation.runs.cold_start import Connector

# Far less than the shortest time for which the ledger remembers a run (a day), so that a run of which it knows
# nothing never was; far more than an event takes.
FRESH_S = 3600.0
_NOT_THERE = "attribute_not_exists(pk)"


@dataclass(frozen=True)
class PlainStart:
    """Begins the runs of one connector's plain drops."""

    connector: Connector

    def begin(self, work: Work, run_id: str, located: Located) -> Run | None:
        """Claim a run that is new, and its audience's lock; None where it has to begin step by step.

        Then nothing was written. Raises what the ledger raises.
        """
        connector, audience = self.connector, located.audience
        if not (is_fresh(connector, work) and _is_plain(work, located)):
            return None
        if audience.name in connector.settings.expected:  # its arrival is noted
            return None
        try:
            connector.secret.begin()
            account = connector.platform.publisher(connector.secret.account()).account
        except ActivationError:
            return None  # the run says why, once it is claimed
        lock = audience_key(connector.platform.name, account.account_id, audience.name)
        origin = connector.settings.origins.of(work.drop.bucket, work.drop.key)
        folders = [
            folder_key(connector.settings.connector, work.drop.bucket, origin.key(one), "")
            for one in located.place.folders
        ]
        name = connector.settings.connector
        never = [*folders, mirror_key(lock), options_key(name, audience.name), order_key(name, run_id)]
        run, claimed = connector.ledger.beginning(run_id, facts_of(work, audience), lock)
        try:
            write_all(
                connector.clients.table,
                [
                    claimed,
                    connector.locks.acquiring(lock, run_id),
                    connector.audiences.claiming(lock, audience, run_id),
                    *(Write(one, "", {}, _NOT_THERE) for one in never),
                ],
            )
        except NotWritten:
            return None
        connector.locks.acquired(lock, run_id)
        return run


def is_fresh(connector: Connector, work: Work) -> bool:
    """Return whether a message is the event of an object that was put a short while ago, and no replay of it."""
    if not work.is_event or work.replay or work.again or work.part is not None:
        return False
    put_at = put_at_s(work)
    return put_at is not None and -FRESH_S < connector.clock() - put_at < FRESH_S


def put_at_s(work: Work) -> float | None:
    """Return when the message's drop was put, in Unix seconds, None where it does not say so."""
    try:
        put_at = datetime.fromisoformat(work.dropped_at)
    except ValueError:
        return None
    return put_at.replace(tzinfo=put_at.tzinfo or UTC).timestamp()


def facts_of(work: Work, audience: Audience) -> dict[str, str]:
    """Return what a run's record says of it to people."""
    return {"audience": audience.name, "action": audience.action, "object_key": work.drop.key}


def _is_plain(work: Work, located: Located) -> bool:
    is_file = located.place.role is Role.FILE and located.audience.action is Action.ADD
    return is_file and work.drop.is_versioned and not (work.ad_account or work.undo)
