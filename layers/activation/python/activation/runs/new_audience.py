"""A run's audience, with whether another run has created it a short while ago."""

from __future__ import annotations

from dataclasses import replace

from activation.model import Audience
from activation.runs.invocation import Invocation


def newly_created(invocation: Invocation) -> Audience:
    """Return the run's audience, which says whether another run has created it a short while ago.

    The run holds the audience's lock. Raises what reading the ledger raises.
    """
    lock, run_id = invocation.held.run.audience_lock, invocation.identity.run_id
    return replace(invocation.sent_to, is_new=invocation.connector.audiences.is_new(lock, run_id))
