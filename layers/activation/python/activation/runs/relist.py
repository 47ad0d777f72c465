"""A folder's run that failed before anything of it was sent, and lists its folder again once it is redriven."""

from __future__ import annotations

from activation.ledger.checkpoint import Checkpoint
from activation.ledger.file_plan import FilePlan
from activation.ledger.mirror_run import MirrorRun
from activation.ledger.runs import RunState
from activation.runs.invocation import Invocation


def list_again(invocation: Invocation) -> None:
    """Forget the list and what was read by it, so that the folder's files are sent as they are by now.

    Who corrects a file of a refused folder writes a new version of it, which the list does not have. A list stays
    when anything of it was sent or settled, when several workers read by it, and when a forced replay repeats it.
    """
    held = invocation.held
    progress = held.run.progress
    plan = progress.plan
    if progress.mirror is not None:
        is_frozen = progress.mirror.has_begun
    else:
        is_frozen = not invocation.is_untouched or progress.tally.rows_settled > 0 or plan.split is not None
        is_frozen = is_frozen or progress.checkpoint.suspects > 0
    if held.run.state is not RunState.FAILED or not plan.listing or is_frozen or invocation.work.again:
        return
    if plan.refused_key:
        invocation.refused.remove()
    with held.lock:
        progress.checkpoint = Checkpoint()
        # What an earlier attempt wrote may be needed: the next one must not write under the same names.
        again = progress.mirror.attempt + 1 if progress.mirror and progress.mirror.attempt else 0
        progress.mirror = MirrorRun(attempt=again) if again else None
        progress.tally.forget_rows()
        progress.plan = FilePlan(listed_again=plan.listed_again + 1)
