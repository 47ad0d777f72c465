"""A drop that removes people from a mirrored audience: noted in its state, so that the next mirror knows of it."""

from __future__ import annotations

from activation.errors import Rejected
from activation.ledger.mirror_run import MirrorPhase, MirrorRun
from activation.ledger.replacements import in_utc
from activation.ledger.split import Phase
from activation.mirror.delta import Delta, Part
from activation.mirror.piece import objects_of
from activation.mirror.snapshot import Snapshot
from activation.mirror.state import MirrorState
from activation.model import Action
from activation.records import from_json
from activation.runs.drop import RunDrop
from activation.runs.invocation import Invocation
from activation.runs.mirror_audience import is_mirrored, known, mirror_of
from activation.runs.mirror_compare import Comparison, compare_again, run_name


def note_removal(invocation: Invocation) -> None:
    """Note a removal from a mirrored audience before its first request; does nothing for any other run.

    The people are then not surely in the audience: a mirror that still has them adds them again. The whole drop
    is read for it, and once more where a mirror has come in between. Raises OutOfTime when that needs another
    invocation, Rejected with mirrored_since for a drop that several workers send already and that is not noted,
    and what reading the drop raises.
    """
    held, progress = invocation.held, invocation.held.run.progress
    split = progress.plan.split
    is_parted = split is not None and split.phase is not Phase.ALONE
    if invocation.identity.audience.action is not Action.REMOVE:
        return
    state = known(invocation)
    if progress.mirror is None and not is_mirrored(state):
        return
    mirror, version = mirror_of(invocation), state.version
    if _is_noted(mirror, state, run_name(invocation)) or (is_parted and not is_mirrored(state)):
        return
    if is_parted:  # its workers cannot read it anew, and the mirror takes who they have removed to be there
        raise Rejected(
            "mirrored_since",
            "a mirror has filled the audience since this removal began: the rest is not removed. Drop the file"
            " again",
        )
    if mirror.version != version or not _has_pieces(invocation, mirror):
        _begin_anew(invocation, version)
        mirror = mirror_of(invocation)
    if not is_mirrored(state):
        return  # it was reset
    if mirror.phase is MirrorPhase.COMPARE:
        drop = RunDrop.open(invocation)
        drop.scan()
        Comparison(invocation).read(drop)
    lines = from_json(mirror.candidate, Snapshot)
    if lines.lines:
        removes = Part(lines.pieces, lines.columns, lines.lines)
        work = invocation.work
        # One that is sent again on purpose removes people now, also of lists that were put since it was.
        dropped_at = in_utc("", invocation.connector.clock()) if work.again else work.dropped_at
        delta = Delta(run_name(invocation), removes, dropped_at=dropped_at)
        invocation.connector.mirrors.begin(held.run.audience_lock, state, delta)
    with held.lock:
        progress.tally.forget_rows()
        progress.begin_stage()
        mirror.phase = MirrorPhase.NOTED
        held.save()


def _is_noted(mirror: MirrorRun, state: MirrorState, name: str) -> bool:
    """Return whether the removal stands in the state, or need not: a mirror that commits takes it out."""
    if mirror.phase is not MirrorPhase.NOTED:
        return False
    has_lines = bool(from_json(mirror.candidate, Snapshot).lines)
    return not has_lines or name in [one.run_id for one in state.pending]


def _has_pieces(invocation: Invocation, mirror: MirrorRun) -> bool:
    """Return whether what was written of the drop so far is still there.

    A mirror that had committed and then died deletes it when it ends, and leaves the state's version as it is.
    """
    if not mirror.candidate:
        return True
    written = from_json(mirror.candidate, Snapshot)
    needed = {name for piece in written.pieces for name in objects_of(piece, cells=written.cells)}
    return needed <= {*invocation.pieces.names(f"{run_name(invocation)}/")}


def _begin_anew(invocation: Invocation, version: int) -> None:
    """Read and send the whole drop again: a mirror came in between, which deletes what nobody has noted yet."""
    held = invocation.held
    held.save()  # raises LeaseLost: the rejects' parts are then another worker's
    invocation.rejects.remove_parts()
    with held.lock:
        compare_again(invocation)
        mirror_of(invocation).version = version
        held.save()
