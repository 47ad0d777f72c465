"""The audience at the platform that a run sends to: found or created once, then kept in the run's record."""

from __future__ import annotations

from dataclasses import dataclass, replace

from activation.ledger.runs import HeldRun
from activation.model import Audience
from activation.pipeline.client import PlatformClient
from activation.platforms.publisher import Opened


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
        opened = self.client.execute(self.client.publisher.open(self.audience, self.keys))
        with self.held.lock:
            if run.opened is None:  # else an upload has created it meanwhile
                run.opened = replace(opened, created=opened.created or run.progress.attempts.created)
                self.held.save()
            return run.opened

    def open_again(self) -> Opened:
        """Look for the audience again and return it: an upload whose answer was lost may have created it."""
        with self.held.lock:
            self.held.run.opened = None
            self.held.run.progress.attempts.created = True
        return self.open()

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

    def created(self, opened: Opened) -> None:
        """Do nothing: the record of the audience is the run's."""
