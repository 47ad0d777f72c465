"""The guard: a difference that takes too many people out waits for somebody to approve it.

The size of the list says too little: a join that went wrong brings other people at the same number, and so does a
change of how identifiers are normalised. So it is counted who leaves.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from activation.audience_options import GuardOptions
from activation.mirror.difference import Difference
from activation.mirror.state import MirrorState

STOP, ALLOW = "stop", "allow"


@dataclass(frozen=True)
class Guard:
    """What a mirror may do unasked.

    `empty` is "stop" or "allow", for a list without anybody. `leave` is the share (0 to 1) of the lines that may
    be in the audience that may be removed, `shrink` the share of its rows by which the list may become smaller.
    """

    empty: str = STOP
    leave: float = 0.30
    shrink: float = 0.30

    def narrowed(self, said: GuardOptions | None) -> Guard:
        """Return the guard of an audience of which `said` is said; what that leaves open is as here."""
        known = {name: one for name, one in asdict(said).items() if one is not None} if said else {}
        return replace(self, **known)


def verdict(guard: Guard, known: MirrorState, difference: Difference, run_id: str = "") -> str | None:
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
