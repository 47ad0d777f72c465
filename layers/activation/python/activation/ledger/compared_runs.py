"""How far an undo has come in comparing whom it removes with the people of other runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from activation.model import Cursor


@dataclass
class ComparedRuns:
    """How far an undo has come in comparing (part of a run's record).

    `step` counts what was read: first the drop that is undone, then those of other runs in the order of their
    starts, at last the mirror's state. `cursor` is how far the next one was read, and `pieces` name the sets that
    were kept of it. `own` names the set of the identifiers of the drop that is undone, `kept` the set of those
    that others have sent too, and `ended_at` is when the last of these ended, in Unix seconds. `rows` counts what
    was read in all. `done` says that nothing is left to read.
    """

    step: int = 0
    cursor: Cursor = field(default_factory=Cursor)
    pieces: list[str] = field(default_factory=list)
    own: str = ""
    kept: str = ""
    ended_at: float = 0.0
    rows: int = 0
    done: bool = False
