"""Which runs that have ended without success leave a dead letter, and with it an alarm."""

from __future__ import annotations

from activation.codes import asks_for_new_drop
from activation.ledger.orders import ORDERED
from activation.ledger.runs import STOPPED, RunState


def leaves_no_letter(state: RunState, code: str) -> bool:
    """Return whether a run that has ended in `state` for `code` leaves none: no operator has to act.

    Somebody has asked for its end, or its drop is wrong, and its user drops another. The run's record says so, and
    has the message that continues it.
    """
    if state not in STOPPED:
        return False
    return code in ORDERED or (state is RunState.FAILED and asks_for_new_drop(code))
