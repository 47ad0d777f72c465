"""Which runs that have ended without success leave a dead letter, and with it an alarm."""

from __future__ import annotations

from activation.codes import asks_for_new_drop
from activation.drops.machine_made import is_machine_made
from activation.ledger.orders import ORDERED
from activation.ledger.runs import STOPPED, RunState
from activation.model import Action


def ends_for_good(state: RunState, code: str) -> bool:
    """Return whether nothing but a person continues a run that has ended in `state` for `code`.

    Somebody has asked for its end, or its drop is wrong, and another drop corrects it.
    """
    if state not in STOPPED:
        return False
    return code in ORDERED or (state is RunState.FAILED and asks_for_new_drop(code))


def leaves_no_letter(state: RunState, code: str, *, key: str, action: str) -> bool:
    """Return whether a run that has ended in `state` for `code` leaves none: no operator has to act.

    The run's record says why it has ended, and has the message that continues it. `key` is its object's and
    `action` the run's. Where this app has made the drop, no user drops another; and whom a removal leaves in an
    audience may have asked to leave it. Both leave a letter, unless somebody has asked for the run's end.
    """
    if code in ORDERED:
        return ends_for_good(state, code)
    return action != Action.REMOVE and not is_machine_made(key) and ends_for_good(state, code)
