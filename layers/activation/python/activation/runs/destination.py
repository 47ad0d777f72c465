"""The audience that a run sends to: locked, then found or created once and kept in the run's record."""

from __future__ import annotations

from dataclasses import dataclass, replace

from activation.errors import Rejected
from activation.ledger.keys import audience_key
from activation.ledger.runs import HeldRun
from activation.model import SNAPSHOTS, Action, Audience
from activation.pipeline.client import PlatformClient
from activation.pipeline.uploads import unit_of
from activation.platforms.publisher import Opened, Publisher
from activation.platforms.upload import Upload
from activation.runs.deadline import has_lock
from activation.runs.invocation import Invocation
from activation.runs.mirror_guard import refuse_mirrored
from activation.runs.secret import other_account


def acquire_audience(invocation: Invocation, publisher: Publisher, *, begun: bool) -> None:
    """Acquire the audience's lock, unless a newer version of an object that replaces the audience has been sent.

    Raises AudienceLocked and Superseded. Raises ConfigError when the run has `begun` in one ad account and the
    secret is now for another. Raises Rejected when the message asks by id for the account that the secret names: a
    drop without an id goes there already, so this would be a second run of it. Raises what `refuse_mirrored` does.
    """
    connector, identity, run = invocation.connector, invocation.identity, invocation.held.run
    audience = identity.audience
    if audience.account and not begun and connector.secret.names(audience.account):
        raise Rejected(
            "own_account",
            "ad_account names the account of the connector's secret; leave it out to send the drop there",
        )
    lock = audience_key(connector.platform.name, publisher.account.account_id, audience.name)
    if begun and run.audience_lock not in (lock, ""):
        raise other_account()
    if invocation.is_plain and run.audience_lock == lock:  # acquired with the claim, as what follows here would
        has_lock(run.progress, connector.clock())
        return
    run.audience_lock = lock
    connector.locks.acquire(lock, identity.run_id)
    if audience.action in SNAPSHOTS:  # of people to add or to remove, those of every version are meant
        connector.locks.check_order(identity.work.drop, audience.connector, invocation.account)
    refuse_mirrored(invocation)  # before it is noted as the newest, which it is not: nothing of it is sent
    if audience.action in SNAPSHOTS:
        # A drop that is sent again on purpose is the newest wish.
        dropped_at = "" if identity.work.again else identity.work.dropped_at
        connector.replacements.begin(lock, identity.run_id, dropped_at, begun=begun)
    if not begun and audience.action is not Action.REMOVE:
        connector.audiences.claim(lock, audience, identity.run_id)
    has_lock(run.progress, connector.clock())


def destination_of(invocation: Invocation, client: PlatformClient, keys: tuple[str, ...]) -> RunDestination:
    """Return the run's audience; `keys` are the fields that the drop's columns fill.

    The run holds the audience's lock. Raises what reading the ledger raises.
    """
    audience = invocation.sent_to if invocation.held.run.opened else invocation.newly_created
    return RunDestination(invocation.held, client, audience, keys)


@dataclass(frozen=True)
class RunDestination:
    """A run's audience at the platform; several threads may call it.

    `held` is the run's record, which keeps the audience. `client` sends the calls that find or create it.
    `audience` is what the drop's key says of it, `keys` are the fields that the drop's columns fill.
    """

    held: HeldRun
    client: PlatformClient
    audience: Audience
    keys: tuple[str, ...]

    def open(self) -> Opened:
        """Return the audience, found or created unless the record has it; raises what the calls raise."""
        run = self.held.run
        known = run.opened
        if known is not None:
            return known
        opened = self.client.open(self.client.publisher.open(self.audience, self.keys))
        with self.held.lock:
            if run.opened is None:  # else an upload has created it meanwhile
                run.opened = replace(opened, created=opened.created or run.progress.attempts.created)
                self.held.save()
            return run.opened

    def open_again(self) -> Opened:
        """Look at the audience again and return it: a lost upload may have created it, or it has changed."""
        run = self.held.run
        known = run.opened
        if known is None:
            return self.open()
        opened = self.client.execute(self.client.publisher.reopen(self.audience, known, self.keys))
        with self.held.lock:
            run.progress.attempts.created |= known.by_upload and not known.audience_id
            run.opened = replace(opened, created=opened.created or run.progress.attempts.created)
            self.held.save()
            return run.opened

    def number(self, upload: Upload) -> int:
        """Return an upload's number in its session, recorded before the upload is sent."""
        with self.held.lock:
            number, is_new = self.held.run.progress.number(unit_of(upload))
            if is_new:
                self.held.save()
            return number

    def created(self, opened: Opened) -> None:
        """Record the audience that an upload has created."""
        with self.held.lock:
            self.held.run.opened = opened
            self.held.save()


@dataclass(frozen=True)
class KnownDestination:
    """An audience that was opened before: `opened`. No upload creates it."""

    opened: Opened

    def open(self) -> Opened:
        """Return the audience."""
        return self.opened

    def open_again(self) -> Opened:
        """Return the audience."""
        return self.opened

    def number(self, upload: Upload) -> int:  # noqa: ARG002  the protocol's
        """Return 0: no session has several workers."""
        return 0

    def created(self, opened: Opened) -> None:
        """Do nothing: the record of the audience is the run's."""
