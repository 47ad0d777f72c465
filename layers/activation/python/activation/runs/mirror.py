"""A mirror run: the audience is to hold what the drop holds, by a replace or by the difference to what it held."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from activation.errors import ActivationError, Rejected, Retryable
from activation.ledger.mirror_run import UNKNOWN, MirrorPhase, MirrorRun
from activation.ledger.runs import RunState
from activation.mirror.delta import Delta, Part
from activation.mirror.snapshot import Snapshot
from activation.mirror.state import Size
from activation.model import Cursor
from activation.pipeline.client import OutOfTime, PlatformClient
from activation.pipeline.delta_spans import delta_spans
from activation.pipeline.uploading import UploadsGone
from activation.platforms.publisher import Closed
from activation.records import from_json
from activation.report.rejects import Rejects
from activation.runs.destination import destination_of
from activation.runs.drop import RunDrop
from activation.runs.invocation import Invocation
from activation.runs.mirror_audience import REPLACE, MirrorAudience, known, mirror_of
from activation.runs.mirror_compare import Comparison, compare_again, run_name

# What platforms say where too few people would be left.
TOO_SMALL = frozenset(("audience_would_be_too_small", "change_refused"))
NOTE = "too_small_to_remove"
NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True)
class Mirrored:
    """The end of a mirror run: its `state` and notes for the receipt, by code."""

    state: RunState
    notes: Mapping[str, str] = field(default_factory=dict)


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
                    return self._commit(NOTHING)
                case MirrorPhase.REMOVE:
                    if not self._remove():
                        return None
                case phase:
                    if not self._mirror.closing and not (
                        self._replace() if phase is MirrorPhase.REPLACE else self._add()
                    ):
                        return None
                    return self._finish()

    @property
    def _mirror(self) -> MirrorRun:
        return mirror_of(self.invocation)

    def _is_overtaken(self) -> bool:
        """Return whether the audience was changed by others, or reset, since an earlier invocation.

        A run that stopped holds no lock: the audience may have been made anew meanwhile. Raises Rejected with
        removed_since where somebody was removed from it.
        """
        mirror, state, name = self._mirror, known(self.invocation), run_name(self.invocation)
        if mirror.version == UNKNOWN:
            mirror.version = state.version
            return False
        if mirror.phase is MirrorPhase.COMMIT and state.run_id == name:
            return False  # which it has noted itself, and then died
        deltas = [one.run_id for one in state.pending]
        since = max(0, state.version - mirror.version)
        later = deltas[deltas.index(name) + 1 :] if name in deltas else deltas[len(deltas) - since :]
        if later:  # no mirror's, which would have taken this one's place
            raise Rejected(
                "removed_since",
                "people were removed from the audience after this list had come, and it may add them again: export"
                " the list anew and drop that",
            )
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
        if self._mirror.looked or self._look(drop.keys):
            Comparison(self.invocation).read(drop)

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
        if name not in [one.run_id for one in state.pending]:
            if state.version != mirror.version:  # somebody has reset it meanwhile
                with held.lock:
                    mirror.phase = MirrorPhase.GUARD
                return
            replaced_by = from_json(mirror.candidate, Snapshot) if mirror.mode == REPLACE else None
            delta = Delta(name, self._part(mirror.removes), self._part(mirror.adds), replaced_by)
            self.invocation.connector.mirrors.begin(lock, state, delta)
        if mirror.mode == REPLACE:
            self._enter(MirrorPhase.REPLACE)
        else:
            self._enter(MirrorPhase.REMOVE if mirror.removes else MirrorPhase.ADD)

    def _enter(self, phase: MirrorPhase, after: int = 0) -> None:
        """Begin to send something; `after` is how many lines of the run were sent before."""
        held, mirror = self.invocation.held, self._mirror
        progress = held.run.progress
        with held.lock:
            if phase is MirrorPhase.REPLACE:  # which counts the rows anew, and need not scan them
                mirror.settled += progress.tally.rows_settled
                scanned = progress.checkpoint.cursor
                progress.tally.forget_rows()
                progress.begin_stage()
                progress.checkpoint.scanned, progress.checkpoint.scanned_whole = scanned, True
            else:
                progress.begin_stage(Cursor(row=after))
            progress.attempts.created |= held.run.opened is not None and held.run.opened.created
            if phase is not MirrorPhase.ADD or mirror.adds:
                held.run.opened = None  # looked for again: the platform may have other words for another action
            mirror.phase, mirror.closing, mirror.following = phase, False, False
            held.save()

    def _replace(self) -> bool:
        """Send the drop; return False when time ran out first."""
        held, drop = self.invocation.held, RunDrop.open(self.invocation)
        destination = destination_of(self.invocation, self.client, drop.keys)
        if not self.invocation.sender(self.client, destination, drop.rejects).send(drop.batches()):
            return False
        self._check_sum(held.run.progress.tally.rows_settled, self._mirror.rows, "rows")
        self._close_phase()
        return True

    def _remove(self) -> bool:
        """Send who leaves, and wait until the platform has removed them; return False when time ran out first.

        Where the platform does not remove so many, they stay noted as to be removed, and the run goes on.
        """
        mirror, held = self._mirror, self.invocation.held
        try:
            if not mirror.closing:
                if not self._send_part(mirror.removes, 0, self.invocation.rejects.unlisted()):
                    return False
                self._close_phase()
            self._close_removes()
        except Rejected as error:
            if error.code not in TOO_SMALL:
                raise
            mirror.too_small = True
        tally = held.run.progress.tally
        with held.lock:
            mirror.settled += tally.acknowledged + tally.rejected_by_platform.total()
            # What was uploaded and then refused as a whole has removed nobody.
            mirror.removed = 0 if mirror.too_small and mirror.closing else tally.acknowledged
            mirror.remove_refused = tally.rejected_by_platform.total()
            tally.forget_sent()
        self._enter(MirrorPhase.ADD, after=mirror.removes_lines)
        return True

    def _close_removes(self) -> None:
        closed = self._closed()
        run = self.invocation.held.run
        if closed.opened is not None:
            run.opened = closed.opened
        if closed.unfinished or closed.pending:
            raise Retryable("pending", "the platform is removing who left", after_s=closed.after_s)

    def _add(self) -> bool:
        """Send who joins; return False when time ran out first."""
        mirror, held = self._mirror, self.invocation.held
        part = self._part(mirror.adds)
        if part is not None:
            if not self._send_part(
                mirror.adds, mirror.removes_lines, RunDrop.open(self.invocation).rejects_of_unread
            ):
                return False
            self._check_sum(
                held.run.progress.checkpoint.cursor.row, mirror.removes_lines + part.lines, "lines to send"
            )
        with held.lock:  # from here on, source rows count and not lines
            tally = held.run.progress.tally
            tally.count_sent(mirror.rows_sent)
        self._close_phase()
        return True

    def _send_part(self, text: str, before: int, rejects: Rejects) -> bool:
        invocation, held, part = self.invocation, self.invocation.held, from_json(text, Part)
        table, checkpoint = invocation.connector.platform.table, held.run.progress.checkpoint
        spans = delta_spans(
            invocation.pieces,
            part,
            before=before,
            cursor=checkpoint.cursor,
            max_rows=invocation.connector.limits.rows_of(table.field(key) for key in part.columns),
            settled=frozenset(checkpoint.ahead),
        )
        destination = destination_of(invocation, self.client, part.columns)
        return invocation.sender(self.client, destination, rejects).send(spans)

    def _close_phase(self) -> None:
        held = self.invocation.held
        with held.lock:
            self._mirror.closing = True
            held.save()

    def _closed(self) -> Closed:
        """Close the uploads of the phase, or ask how far the platform has come with them."""
        run, publisher, mirror = self.invocation.held.run, self.client.publisher, self._mirror
        if run.opened is None:
            return Closed()  # nothing was sent
        handles = [handle for _, handle in sorted(run.progress.checkpoint.handles.items())]
        ask = publisher.follow if mirror.following else publisher.close
        closed = self.client.execute(ask(self.invocation.sent_to, run.opened, handles))
        if closed.gone is not None:
            raise UploadsGone(closed.gone)
        mirror.following = not closed.unfinished
        return closed

    def _finish(self) -> Mirrored:
        """Wait until the platform is done with what was sent last, then commit."""
        held = self.invocation.held
        closed = self._closed()
        self.settle(closed)
        with held.lock:
            self._mirror.phase = MirrorPhase.COMMIT
            held.save()
        return self._commit(closed.notes)

    def _commit(self, notes: Mapping[str, str]) -> Mirrored:
        """Note that the audience holds the drop, and delete what no state needs any more."""
        invocation, held, mirror = self.invocation, self.invocation.held, self._mirror
        lock, name, mirrors = held.run.audience_lock, run_name(invocation), invocation.connector.mirrors
        candidate = from_json(mirror.candidate, Snapshot)
        left_by = 0 if mirror.too_small else mirror.left
        size = Size(name, int(invocation.connector.clock()), candidate.rows, mirror.joined, left_by)
        left = self._part(mirror.removes) if mirror.too_small else None
        still = (Delta(name, adds=left),) if left else ()
        opened = held.run.opened
        state = mirrors.commit(
            lock,
            known(invocation),
            candidate,
            size,
            mode=mirror.mode,
            audience_id=(opened.audience_id if opened else "") or mirror.audience_id,
            pending=still,
        )
        with suppress(ActivationError):  # the next run that commits deletes what is left
            needed = state.objects()
            invocation.pieces.delete(one for one in invocation.pieces.names("") if one not in needed)
        held.run.progress.checkpoint.read_whole = True
        return Mirrored(RunState.APPLIED, {**notes, **self._own_notes()})

    def _own_notes(self) -> Mapping[str, str]:
        if not self._mirror.too_small:
            return NOTHING
        return {
            NOTE: "the platform refuses to remove so many, since too few people would be left: they are still in"
            " the audience, and the next run tries again"
        }

    def _check_sum(self, found: int, expected: int, what: str) -> None:
        if found != expected:
            raise Rejected("sums_differ", f"{expected} {what} were compared and {found} are accounted for")

    def _part(self, text: str) -> Part | None:
        return from_json(text, Part) if text else None
