"""A run whose file several workers send: when it is split, and how far one poll of its parts advances it."""

from __future__ import annotations

from contextlib import suppress

from activation.errors import Rejected
from activation.ledger.split import Phase
from activation.pipeline.client import OutOfTime, PlatformClient
from activation.runs.destination import destination_of
from activation.runs.drop import RunDrop
from activation.runs.fan_out import RunParts
from activation.runs.invocation import Invocation
from activation.runs.split import plan


def parts_of(invocation: Invocation) -> RunParts:
    """Return the parts of a split run."""
    connector = invocation.connector
    return RunParts(
        invocation.identity.run_id,
        invocation.work,
        invocation.held,
        connector.clients,
        connector.settings.queue_url,
        invocation.scans,
        connector.clock(),
    )


def is_shared_out(invocation: Invocation) -> bool:
    """Return whether the file is split among several workers, decided before anything of it is sent."""
    progress, size_bytes = invocation.held.run.progress, invocation.size_bytes
    settings = invocation.connector.settings
    untouched = not progress.work_done and not progress.tally.requests  # else one stream has begun it
    # One stream numbers the uploads of a session, and knows the last; an undo may end before the drop does.
    if invocation.is_mirror or invocation.session is not None or invocation.work.undo:
        return False
    if progress.plan.split is None and 0 < settings.split_above_bytes < size_bytes and untouched:
        with suppress(Rejected):  # sending it as one stream then reports what is wrong with it
            progress.plan.split = plan(
                RunDrop.open(invocation).reader,
                size_bytes,
                above_bytes=settings.split_above_bytes,
                most_parts=settings.max_parts,
                scans=invocation.scans,
                now=invocation.connector.clock(),
            )
    return progress.plan.split is not None and progress.plan.split.phase is not Phase.ALONE


def share_out(invocation: Invocation, client: PlatformClient) -> bool:
    """Advance the parts as far as one poll can; return whether everything is sent.

    Raises the error of the first part that failed for good, and OutOfTime when the file cannot be cut after all.
    """
    held, run_parts = invocation.held, parts_of(invocation)
    parts = run_parts.poll()
    invocation.connector.platform.limits.check_uploads(len(held.run.progress.checkpoint.handles))
    if failed := run_parts.failed(parts):
        raise failed
    if run_parts.split.continuations and run_parts.phase_ended(parts):
        if run_parts.split.phase is Phase.SEND:
            return True
        if run_parts.split.phase is Phase.SCAN:
            names = [name for part in parts if part for name in part.progress.checkpoint.refused]
            invocation.refused.put_together(invocation.reaching, names)
        run_parts.begin_next(parts)
        if run_parts.split.phase is Phase.ALONE:
            raise OutOfTime("alone", "the file cannot be cut into parts, and is sent in one stream", after_s=1)
    if run_parts.split.phase is Phase.SEND and held.run.opened is None:
        # Not by the parts: two of them would create two audiences.
        keys = RunDrop.open(invocation).keys
        opened = destination_of(invocation, client, keys).open()
        if opened.by_upload:  # one upload has to create it before any other is sent
            run_parts.fall_back()
            raise OutOfTime("alone", "the first upload creates the audience; one stream sends all", after_s=1)
    if not run_parts.split.continuations:
        with held.lock:
            held.save()  # the parts read in it what to do
        run_parts.dispatch(parts)
    else:
        run_parts.redispatch(parts)
    return False
