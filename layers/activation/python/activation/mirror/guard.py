"""The guard: a difference that takes too many people out waits for somebody to approve it.

The size of the list says too little: a join that went wrong brings other people at the same number, and so does a
change of how identifiers are normalised. So it is counted who leaves.
"""

from __future__ import annotations

from activation.audience_options import STOP, GuardOptions
from activation.mirror.difference import Difference
from activation.mirror.state import MirrorState


def verdict(guard: GuardOptions, known: MirrorState, difference: Difference, run_id: str = "") -> str | None:
    """Return the cause for which a run has to be approved, None where it may go on.

    The causes: "emptied" (the list has nobody), "columns_changed" and "table_changed" (too many leave, and the
    columns or the version of the field table are others than before), "other_people" (too many leave, and at least
    half as many join), "leaving" (too many leave), "shrinking" (the list is too short, although few are removed).
    Where nothing was sent before, and where the run `run_id` is approved, there is none.
    """
    if (known.snapshot is None and not known.pending) or (run_id and known.approved == run_id):
        return None
    if not difference.rows and difference.known:
        return "emptied" if guard.empty == STOP else None
    if difference.removed > guard.leave * difference.known:
        if difference.reason in ("columns_changed", "table_changed"):
            return difference.reason
        return "other_people" if 2 * difference.joined >= difference.removed else "leaving"
    return "shrinking" if known.rows - difference.rows > guard.shrink * known.rows else None
