"""What a mirror run sends: the whole drop as a replace, or who leaves and then who joins."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from activation.errors import Rejected, Retryable
from activation.identifiers.codes import Code
from activation.ledger.mirror_run import MirrorPhase, MirrorRun
from activation.mirror.delta import Part, lines_kept
from activation.mirror.kept_lines import write_kept
from activation.model import Cursor
from activation.pipeline.client import PlatformClient
from activation.pipeline.delta_spans import delta_spans
from activation.pipeline.uploading import UploadsGone
from activation.platforms.publisher import Closed
from activation.records import from_json, to_json
from activation.report.rejects import Rejects
from activation.runs.destination import destination_of
from activation.runs.drop import RunDrop
from activation.runs.invocation import Invocation
from activation.runs.mirror_audience import mirror_of
from activation.runs.mirror_compare import run_name
from activation.runs.requests import sender_of

# What platforms say where too few people would be left.
TOO_SMALL = frozenset(("audience_would_be_too_small", "change_refused"))


@dataclass(frozen=True)
class MirrorSending:
    """Sends the uploads of a mirror run's phases; `client` sends to the platform."""

    invocation: Invocation
    client: PlatformClient

    @property
    def _mirror(self) -> MirrorRun:
        return mirror_of(self.invocation)

    def enter(self, phase: MirrorPhase, after: int = 0) -> None:
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
            mirror.suppressed = progress.tally.rejected_by_us[Code.SUPPRESSED.value]
            mirror.phase, mirror.closing, mirror.following = phase, False, False
            held.save()

    def replace(self) -> bool:
        """Send the drop; return False when time ran out first."""
        held, drop = self.invocation.held, RunDrop.open(self.invocation)
        destination = destination_of(self.invocation, self.client, drop.keys)
        if not sender_of(self.invocation, self.client, destination, drop.rejects).send(drop.batches()):
            return False
        self._check_sum(held.run.progress.tally.rows_settled, self._mirror.rows, "rows")
        self._close_phase()
        return True

    def remove(self) -> bool:
        """Send who leaves, and wait until the platform has removed them; return False when time ran out first.

        Where the platform does not remove so many, or refuses lines, these stay noted as to be removed, and the
        run goes on.
        """
        mirror, held = self._mirror, self.invocation.held
        try:
            if not mirror.closing:
                if not self._send_part(mirror.removes, 0, refused_removals(self.invocation)):
                    return False
                self._close_phase()
            self._close_removes()
        except Rejected as error:
            if error.code not in TOO_SMALL:
                raise
            mirror.too_small = True
        tally = held.run.progress.tally
        kept = self._kept()
        with held.lock:
            mirror.kept = to_json(kept) if kept else ""
            mirror.settled += tally.acknowledged + tally.rejected_by_platform.total()
            # What was uploaded and then refused as a whole has removed nobody.
            mirror.removed = 0 if mirror.too_small and mirror.closing else tally.acknowledged
            mirror.remove_refused = tally.rejected_by_platform.total()
            tally.forget_sent()
        self.enter(MirrorPhase.ADD, after=mirror.removes_lines)
        return True

    def _close_removes(self) -> None:
        closed = self.closed()
        run = self.invocation.held.run
        if closed.opened is not None:
            run.opened = closed.opened
        run.progress.tally.judge(closed.verdicts)
        if closed.unfinished or closed.pending:
            raise Retryable("pending", "the platform is removing who left", after_s=closed.after_s)

    def _kept(self) -> Part | None:
        """Return the lines to remove that may still be in the audience, None for none.

        Those are the lines that the platform refused by name, and all lines of a batch of which it refused some
        without a name. Of lines that it refused after it had acknowledged them, nobody knows which: all are kept.
        """
        mirror, tally = self._mirror, self.invocation.held.run.progress.tally
        if mirror.too_small or tally.refused_late:
            return part_of(mirror.removes)
        if not tally.rejected_by_platform:
            return None
        numbers = [pa.array([], pa.uint32())]
        for first, last, named, unnamed in refused_removals(self.invocation).refused():
            numbers.append(pa.array(range(first, last + 1) if unnamed else named, pa.uint32()))
        self.invocation.keep_lease()
        part = from_json(mirror.removes, Part)
        prefix = f"{run_name(self.invocation)}/kept/"
        return write_kept(self.invocation.pieces, part, pa.concat_arrays(numbers), prefix)

    def add(self) -> bool:
        """Send who joins; return False when time ran out first."""
        mirror, held = self._mirror, self.invocation.held
        if mirror.adds:
            rejects = RunDrop.open(self.invocation).rejects_of_unread
            if not self._send_part(mirror.adds, mirror.removes_lines, rejects):
                return False
        with held.lock:  # from here on, source rows count and not lines
            tally = held.run.progress.tally
            tally.count_sent(mirror.rows_sent, mirror.suppressed)
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
        if not sender_of(invocation, self.client, destination, rejects).send(spans):
            return False
        self._check_sum(checkpoint.cursor.row - before, lines_kept(invocation.pieces, part), "lines to send")
        return True

    def _close_phase(self) -> None:
        held = self.invocation.held
        with held.lock:
            self._mirror.closing = True
            held.save()

    def closed(self) -> Closed:
        """Close the uploads of the phase, or ask how far the platform has come with them."""
        run, publisher, mirror = self.invocation.held.run, self.client.publisher, self._mirror
        if run.opened is None or not run.progress.tally.uploads:
            return Closed()  # nothing was sent
        handles = [handle for _, handle in sorted(run.progress.checkpoint.handles.items())]
        ask = publisher.follow if mirror.following else publisher.close
        closed = self.client.execute(ask(self.invocation.sent_to, run.opened, handles))
        if closed.gone is not None:
            raise UploadsGone(closed.gone)
        mirror.following = not closed.unfinished
        return closed

    def _check_sum(self, found: int, expected: int, what: str) -> None:
        if found != expected:
            raise Rejected("sums_differ", f"{expected} {what} were compared and {found} are accounted for")


def refused_removals(invocation: Invocation) -> Rejects:
    """Return what the platform refused of the lines to remove, which are no rows of the drop."""
    return invocation.rejects.of_lines(f"removals-{mirror_of(invocation).attempt}")


def part_of(text: str) -> Part | None:
    """Return a part of a difference as the run's record has it, None where it has none."""
    return from_json(text, Part) if text else None
