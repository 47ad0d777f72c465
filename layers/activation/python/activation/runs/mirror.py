"""A mirror run: the audience is to hold what the drop holds, by a replace or by the difference to what it held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from activation.drops.messages import Work
from activation.errors import Rejected
from activation.ledger.mirror_run import UNKNOWN, MirrorPhase, MirrorRun
from activation.ledger.replacements import in_utc
from activation.ledger.runs import RunState
from activation.mirror import commands
from activation.mirror.delta import Delta
from activation.mirror.snapshot import Snapshot
from activation.pipeline.client import OutOfTime, PlatformClient
from activation.platforms.publisher import Closed
from activation.records import from_json
from activation.runs.drop import RunDrop
from activation.runs.invocation import Invocation
from activation.runs.mirror_audience import REPLACE, MirrorAudience, known, mirror_of
from activation.runs.mirror_commit import NOTHING, Mirrored, commit
from activation.runs.mirror_compare import Comparison, compare_again, run_name
from activation.runs.mirror_sending import MirrorSending, part_of


@dataclass(frozen=True)
class MirrorSteps:
    """Takes a mirror run from phase to phase; each ends with a record from which another worker can go on.

    `client` sends to the platform. `settle` notes what closing the last uploads came to, and raises Retryable
    while the platform works on them.
    """

    invocation: Invocation
    client: PlatformClient
    settle: Callable[[Closed], None]

    def advance(self) -> Mirrored | None:
        """Go on as far as this invocation can; return the end of the run, None when time ran out first.

        Raises what stops the run, and UploadsGone when the platform has lost what was uploaded.
        """
        if self._is_overtaken():
            self._begin_anew()
        while True:
            match self._mirror.phase:
                case MirrorPhase.COMPARE:
                    self._compare()
                case MirrorPhase.GUARD if not self._mirror.looked:
                    self._look(from_json(self._mirror.candidate, Snapshot).columns)
                case MirrorPhase.GUARD:
                    if ended := self._guard():
                        return ended
                case MirrorPhase.BEGIN:
                    self._begin()
                case MirrorPhase.COMMIT:
                    return commit(self.invocation, NOTHING)
                case MirrorPhase.REMOVE:
                    if not self._sending.remove():
                        return None
                case phase:
                    if not self._mirror.closing and not (
                        self._sending.replace() if phase is MirrorPhase.REPLACE else self._sending.add()
                    ):
                        return None
                    return self._finish()

    @property
    def _mirror(self) -> MirrorRun:
        return mirror_of(self.invocation)

    @property
    def _sending(self) -> MirrorSending:
        return MirrorSending(self.invocation, self.client)

    def _is_overtaken(self) -> bool:
        """Return whether the audience was changed by others, or reset, since an earlier invocation.

        A run that stopped holds no lock: the audience may have been made anew meanwhile. Raises Rejected with
        removed_since where somebody was removed from it.
        """
        mirror, state, name = self._mirror, known(self.invocation), run_name(self.invocation)
        if mirror.version == UNKNOWN:
            work, now = self.invocation.work, self.invocation.connector.clock()
            if any(_may_be_before(work, one.dropped_at, now) for one in state.pending):
                raise _removed_since(self.invocation)
            mirror.version = state.version
            return False
        if mirror.phase is MirrorPhase.COMMIT and state.run_id == name:
            return False  # which it has noted itself, and then died
        deltas = [one.run_id for one in state.pending]
        since = max(0, state.version - mirror.version)
        later = deltas[deltas.index(name) + 1 :] if name in deltas else deltas[len(deltas) - since :]
        if later:  # no mirror's, which would have taken this one's place
            raise _removed_since(self.invocation)
        return name not in deltas and state.version != mirror.version

    def _begin_anew(self) -> None:
        """Look at the audience again, and compare with what is known of it by now."""
        held = self.invocation.held
        held.save()  # raises LeaseLost: the rejects' parts are then another worker's
        self.invocation.rejects.remove_parts()
        with held.lock:
            created = held.run.opened is not None and held.run.opened.created
            held.run.progress.attempts.created |= created
            held.run.opened = None
            compare_again(self.invocation)
            self._mirror.looked = False
            held.save()

    def _compare(self) -> None:
        drop = RunDrop.open(self.invocation)
        drop.scan()
        if self._mirror.looked or self._is_looked_for_meanwhile() or self._look(drop.keys):
            Comparison(self.invocation).read(drop)

    def _is_looked_for_meanwhile(self) -> bool:
        """Return whether the drop is read while the platform is being asked for the audience.

        Then it is read as for the mirror before; if the audience has to be changed in another way, the drop is
        read again.
        """
        snapshot = known(self.invocation).snapshot
        if snapshot is None or not self.client.reads.is_coming:
            return False
        with self.invocation.held.lock:
            self._mirror.cells = snapshot.cells
        return True

    def _look(self, keys: tuple[str, ...]) -> bool:
        """Look for the audience; return False where what was read is of no use for how it is changed by now."""
        cells = self._mirror.cells
        MirrorAudience(self.invocation, self.client).look(keys)
        if not self._mirror.candidate or self._mirror.cells == cells:
            return True
        with self.invocation.held.lock:
            compare_again(self.invocation)
        return False

    def _guard(self) -> Mirrored | None:
        """Compare; return the end of a run that has nobody to send and nobody to take out."""
        held, mirror = self.invocation.held, self._mirror
        if not self.invocation.keep_and_may_go_on():
            raise OutOfTime("out_of_time", "the drop is compared next", after_s=1)
        found = Comparison(self.invocation).judge()
        if found is None:
            return None
        changed = not found.is_nothing
        if mirror.mode == REPLACE:
            state = known(self.invocation)
            changed = any((found.joined, found.changed, found.removed, len(state.pending)))
            # After differences alone, others may be in the audience whom nobody knew.
            changed = changed or (state.snapshot is not None and state.snapshot.cells)
        if not found.rows and not changed:
            held.run.progress.checkpoint.read_whole = True
            return Mirrored(RunState.EMPTY)
        with held.lock:
            mirror.nothing = not changed
            mirror.phase = MirrorPhase.BEGIN if changed else MirrorPhase.COMMIT
            held.save()
        return None

    def _begin(self) -> None:
        """Note what is about to be changed in the audience's state, before the first request."""
        held, mirror, state = self.invocation.held, self._mirror, known(self.invocation)
        lock, name = held.run.audience_lock, run_name(self.invocation)
        if state.own_delta(name) is None:
            if state.version != mirror.version:  # another run, or somebody who reset it, has written it meanwhile
                self._begin_anew()
                return
            replaced_by = from_json(mirror.candidate, Snapshot) if mirror.mode == REPLACE else None
            delta = Delta(name, part_of(mirror.removes), part_of(mirror.adds), replaced_by)
            self.invocation.connector.mirrors.begin(lock, state, delta)
        if mirror.mode == REPLACE:
            self._sending.enter(MirrorPhase.REPLACE)
        else:
            self._sending.enter(MirrorPhase.REMOVE if mirror.removes else MirrorPhase.ADD)

    def _finish(self) -> Mirrored:
        """Wait until the platform is done with what was sent last, then commit."""
        held = self.invocation.held
        closed = self._sending.closed()
        self.settle(closed)
        with held.lock:
            self._mirror.phase = MirrorPhase.COMMIT
            held.save()
        return commit(self.invocation, closed.notes)


def _may_be_before(work: Work, dropped_at: str, now: float) -> bool:
    """Return whether a list was put before a removal, or in its second; one that is sent by force is put now."""
    return bool(dropped_at) and in_utc("" if work.again else work.dropped_at, now) <= in_utc(dropped_at, now)


def _removed_since(invocation: Invocation) -> Rejected:
    audience = invocation.audience
    return Rejected(
        "removed_since",
        "people were removed from the audience after this list had come, and it may add them again: export the"
        f" list anew and drop that: {commands.drop(audience.connector, audience.name)}",
    )
