"""A drop that removes people from a mirrored audience: noted in its state, so that the next mirror knows of it."""

from __future__ import annotations

from activation.ledger.mirror_run import MirrorPhase
from activation.mirror.delta import Delta, Part
from activation.mirror.snapshot import Snapshot
from activation.model import Action
from activation.records import from_json
from activation.runs.drop import RunDrop
from activation.runs.invocation import Invocation
from activation.runs.mirror_audience import is_mirrored, known, mirror_of
from activation.runs.mirror_compare import Comparison


def note_removal(invocation: Invocation) -> None:
    """Note a removal from a mirrored audience before its first request; does nothing for any other run.

    The people are then not surely in the audience: a mirror that still has them adds them again. The whole drop is
    read for it. Raises OutOfTime when that needs another invocation, and what reading the drop raises.
    """
    held, progress = invocation.held, invocation.held.run.progress
    if invocation.identity.audience.action is not Action.REMOVE or held.run.opened is not None:
        return
    if progress.mirror is None and not is_mirrored(known(invocation)):
        return
    mirror, run_id = mirror_of(invocation), invocation.identity.run_id
    if mirror.phase is MirrorPhase.COMPARE:
        drop = RunDrop.open(invocation)
        drop.scan()
        Comparison(invocation).read(drop)
    if mirror.phase is not MirrorPhase.GUARD:
        return
    lines, state = from_json(mirror.candidate, Snapshot), known(invocation)
    if lines.lines and run_id not in [one.run_id for one in state.pending]:
        removes = Part(lines.pieces, lines.columns, lines.lines)
        invocation.connector.mirrors.begin(held.run.audience_lock, state, Delta(run_id, removes=removes))
    with held.lock:
        progress.tally.forget_rows()
        progress.begin_stage()
        mirror.phase = MirrorPhase.NOTED
        held.save()
