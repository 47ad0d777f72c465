"""The guard: a difference that takes too many people out waits for somebody to approve it."""

from __future__ import annotations

from dataclasses import dataclass

from activation.mirror.difference import Difference
from activation.mirror.state import MirrorState


@dataclass(frozen=True)
class Guard:
    """What a mirror may do unasked.

    `empty` is "stop" or "allow", for a list without anybody. `leave` is the share (0 to 1) of the lines that may
    be in the audience that may be removed, `shrink` the share of its rows by which it may become smaller.
    """

    empty: str = "stop"
    leave: float = 0.30
    shrink: float = 0.30


def verdict(guard: Guard, known: MirrorState, difference: Difference, run_id: str = "") -> str | None:
    """Return the cause for which a run has to be approved, None where it may go on.

    The causes: "emptied" (the list has nobody), "columns_changed" and "table_changed" (too many leave, and the
    columns or the version of the field table are others than before), "other_people" (too many leave and about as
    many join), "leaving" (too many leave), "shrinking" (the list is too small). Without a snapshot, and where the
    run `run_id` is approved, there is none.
    """
    raise NotImplementedError
