"""How many rows a drop holds that is not sent, for the receipt that says so."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from activation.errors import ActivationError
from activation.model import Cursor
from activation.runs.invocation import MARGIN_S, Invocation
from activation.runs.opening import open_run

ORDERED_S = 15.0


@dataclass(frozen=True)
class HeldRows:
    """The rows that were counted; `whole` says that the end of the file was reached."""

    rows: int
    whole: bool


def count_rows(invocation: Invocation, *, is_ordered: bool = False) -> HeldRows:
    """Count the rows of the drop, as far as this invocation's time and the file's form allow; raises LeaseLost.

    Nothing of it is sent, so a file that cannot be read on is no failure. `is_ordered` says that somebody waits
    for the run to end: then ORDERED_S is all the time that there is.
    """
    rows, ends = 0, invocation.connector.clock() + ORDERED_S

    def may_go_on() -> bool:
        if not is_ordered:
            return invocation.keep_and_may_go_on()
        invocation.keep_and_may_go_on()  # which says no, since the run is to end
        return invocation.connector.clock() < ends and invocation.time_left_s() > 2 * MARGIN_S

    with suppress(ActivationError, ClientError, BotoCoreError):
        for chunk in open_run(invocation).reader.chunks(Cursor()):
            rows = chunk.first_row + chunk.row_count - 1
            if not may_go_on():
                return HeldRows(rows, whole=False)
        return HeldRows(rows, whole=True)
    return HeldRows(rows, whole=False)
