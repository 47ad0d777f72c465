"""Undoing a run: the rows that it sent are read once more, as it read them, and sent as a removal.

The undo is a run of its own, with its own receipt, lock and record. It reads the drop as one that adds, so that
what the undone run left out for its consent is left out again, and it ends after the last row that run has sent.
"""

from __future__ import annotations

from activation.drops.ranges import Piece
from activation.drops.reading import Reading
from activation.errors import Rejected
from activation.ledger.audiences import LastWrite
from activation.ledger.runs import FINAL, STOPPED, Run
from activation.ledger.split import Phase
from activation.model import EVENTS, Action, Cursor
from activation.runs.invocation import Invocation
from activation.runs.mirror_audience import is_mirrored, known

REFUSED = "undo_refused"


def sent_rows(invocation: Invocation) -> Piece | None:
    """Return the rows that an undo removes, None for all of the drop; None too for a run that undoes nothing.

    The run holds its audience's lock. Raises Rejected with undo_refused where it is not certain which people the
    undone run has sent and who else may need them: nothing more is removed then.
    """
    if not invocation.work.undo:
        return None
    located, connector = invocation.located, invocation.connector
    if located.audience.action is not Action.ADD or located.kind == EVENTS:
        raise refused(invocation, "only a run that added people can be undone")
    allowed = connector.settings.actions
    if Action.REMOVE not in connector.platform.limits.actions or (allowed and Action.REMOVE not in allowed):
        raise refused(
            invocation, "the platform does not remove people, or the connector's `actions` do not allow it"
        )
    if invocation.listing is not None:
        raise refused(invocation, "its drop is a folder, whose files may have changed since")
    undone = connector.ledger.read(invocation.work.undo)
    if undone is None:
        raise refused(invocation, "the ledger does not remember the run")
    if undone.state not in FINAL | STOPPED or undone.lease_until > connector.clock():
        raise refused(invocation, "the run has not ended; stop it first")
    state, others = known(invocation), invocation.work.others
    if is_mirrored(state) and not (others and others.mirror):
        raise refused(
            invocation,
            "a mirror fills the audience, and the undo was not told to leave out its people; begin it again",
        )
    return _piece(invocation, undone)


def _piece(invocation: Invocation, undone: Run) -> Piece | None:
    """Return the rows that a run has sent, None if it has sent the whole drop."""
    checkpoint, split = undone.progress.checkpoint, undone.progress.plan.split
    if checkpoint.read_whole:
        return None
    is_ahead = checkpoint.ahead or checkpoint.in_doubt or checkpoint.suspects
    if (split is not None and split.phase is not Phase.ALONE) or is_ahead:
        raise refused(invocation, "it is not known which rows it has sent until it is continued to its end")
    return Piece(Cursor(), checkpoint.cursor.row)


def reading_of_copy(invocation: Invocation) -> Reading | None:
    """Return how the undone run read its drop where a copy of that is read now, None where none is.

    What was said of the drop in its object's metadata is not with the copy. Raises Rejected (undo_refused) where
    the ledger does not tell it.
    """
    if invocation.work.copy is None:
        return None
    undone = invocation.connector.ledger.read(invocation.work.undo)
    if undone is None or undone.progress.plan.reading is None:
        raise refused(invocation, "the ledger does not remember how the run read its drop")
    return undone.progress.plan.reading


def written_before(invocation: Invocation) -> LastWrite | None:
    """Return the last write to the audience that an undo knows of, None for any other run."""
    others = invocation.work.others
    return LastWrite(others.last_run, others.last_written_at) if others else None


def refuse_overtaken(invocation: Invocation) -> None:
    """Raise Rejected for an undo whose audience another run has written to since it was begun.

    The run holds the audience's lock. Each invocation calls this: a stop releases the lock, and others may come.
    """
    if (before := written_before(invocation)) is None:
        return
    last = invocation.connector.audiences.last_write(invocation.held.run.audience_lock)
    if last != before and last.run_id != invocation.identity.run_id:
        raise refused(
            invocation, "another run has written to the audience since the undo was begun; begin it again"
        )


def refused(invocation: Invocation, why: str) -> Rejected:
    """Return the refusal of an undo, which says whether it may have removed somebody before."""
    progress = invocation.held.run.progress
    removed, checkpoint = progress.tally.acknowledged, progress.checkpoint
    if removed:
        rows = f"{removed:,} row{'s' * (removed != 1)} acknowledged before that"
        return Rejected(REFUSED, f"nothing more is removed, {rows}: {why}")
    more = " more" if checkpoint.in_doubt or checkpoint.suspects else ""
    return Rejected(REFUSED, f"nothing{more} is removed: {why}")
