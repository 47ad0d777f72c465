"""A stopped run whose drop has to be read through again once it is redriven."""

from __future__ import annotations

from dataclasses import replace

from activation.identifiers.refused import new_key
from activation.ledger.split import Phase
from activation.model import Cursor
from activation.runs.drop import RunDrop
from activation.runs.invocation import Invocation

# Why a run stopped for which its settings are corrected, or what it had kept is lost.
CODES = frozenset(("operation_unkeyed", "too_many_refused", "refused_gone"))


def scan_again(invocation: Invocation) -> None:
    """Have the drop scanned again; by the settings as they are now, unless anything of it was sent.

    The new key of the digests is what makes the parts of a large run scan again as well: see `split.catch_up`.
    Raises what deleting the old sets and opening the drop raise.
    """
    invocation.refused.remove()
    progress = invocation.held.run.progress
    plan, checkpoint = progress.plan, progress.checkpoint
    with invocation.held.lock:
        checkpoint.scanned, checkpoint.scanned_whole, checkpoint.refused = Cursor(), False, []
        plan.refused_key = ""
        progress.compared = None
        if invocation.is_untouched:
            plan.reading = None
    split = plan.split
    if split is None or split.phase not in (Phase.SCAN, Phase.SEND):
        return
    RunDrop.open(invocation)  # the parts read by what it notes
    with invocation.held.lock:
        plan.refused_key = plan.refused_key or new_key()
        plan.split = replace(split, phase=Phase.SCAN if invocation.scans else Phase.SEND, continuations=())
