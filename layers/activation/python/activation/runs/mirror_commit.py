"""The end of a mirror run: its audience's state says from now on that it holds the drop."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from activation.errors import ActivationError
from activation.ledger.mirror_run import MirrorRun
from activation.ledger.runs import RunState
from activation.mirror.delta import Delta
from activation.mirror.snapshot import Snapshot
from activation.mirror.state import Size
from activation.records import from_json
from activation.runs.invocation import Invocation
from activation.runs.mirror_audience import known, mirror_of
from activation.runs.mirror_compare import run_name
from activation.runs.mirror_sending import part_of, refused_removals

NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True)
class Mirrored:
    """The end of a mirror run: its `state` and notes for the receipt, by code."""

    state: RunState
    notes: Mapping[str, str] = field(default_factory=dict)


def commit(invocation: Invocation, notes: Mapping[str, str]) -> Mirrored:
    """Note that the audience holds the drop, and delete what no state needs any more."""
    held, mirror = invocation.held, mirror_of(invocation)
    lock, name, mirrors = held.run.audience_lock, run_name(invocation), invocation.connector.mirrors
    candidate = from_json(mirror.candidate, Snapshot)
    left_by = 0 if mirror.too_small else mirror.left
    size = Size(name, int(invocation.connector.clock()), candidate.rows, mirror.joined, left_by)
    kept = part_of(mirror.removes if mirror.too_small else mirror.kept)
    still = (Delta(name, adds=kept),) if kept else ()
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
        refused_removals(invocation).remove_parts()
    held.run.progress.checkpoint.read_whole = True
    return Mirrored(RunState.APPLIED, {**notes, **_own_notes(mirror)})


def _own_notes(mirror: MirrorRun) -> Mapping[str, str]:
    if mirror.too_small:
        return {
            "too_small_to_remove": "the platform refuses to remove so many, since too few people would be left:"
            " they are still in the audience, and the next mirror tries again"
        }
    if kept := part_of(mirror.kept):
        return {
            "removals_refused": f"the platform refused to remove {mirror.remove_refused:,} of"
            f" {mirror.removes_lines:,} lines; {kept.lines:,} may still be in the audience, since it may not say"
            " which it refused, and the next mirror removes them again"
        }
    return NOTHING
