"""The end of a forget in a mirrored audience: who was removed is taken out of what the app keeps of it."""

from __future__ import annotations

from contextlib import suppress

from activation.drops.forgetting import is_forgetting
from activation.errors import ActivationError, Rejected
from activation.mirror.erasing import Eraser, cells_of
from activation.model import Action
from activation.runs.invocation import Invocation
from activation.runs.mirror_audience import blocked, is_mirrored, known
from activation.runs.mirror_compare import run_name


def erase_forgotten(invocation: Invocation) -> None:
    """Take the people of a forget out of the audience's state; does nothing for any other run.

    Called once the platform has removed them. Rows go whole where one of their cells that matches a person alone
    is among those that were removed. Raises what reading and writing the state raises.
    """
    identity = invocation.identity
    if identity.audience.action is not Action.REMOVE or not is_forgetting(identity.work.drop.key):
        return
    state, name = known(invocation), run_name(invocation)
    delta = next((one for one in state.pending if one.run_id == name), None)
    if not is_mirrored(state) or delta is None or delta.removes is None:
        return
    connector, pieces = invocation.connector, invocation.pieces
    try:
        cells = cells_of(pieces, delta.removes, {key for _, key in connector.platform.table.singles})
        erased = Eraser(pieces, f"{name}/erased-", cells).erase(state, name)
    except Rejected as error:
        raise blocked(invocation, error) from error
    after = connector.mirrors.erase(invocation.held.run.audience_lock, state, erased)
    with suppress(ActivationError):  # the next run that commits deletes what is left
        needed = after.objects()
        pieces.delete(one for one in pieces.names("") if one not in needed)
