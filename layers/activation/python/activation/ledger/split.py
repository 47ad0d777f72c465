"""How a large run is shared out, as its record keeps it: the parts of its file, and what they are at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """What every part of a run does now."""

    SURVEY = "survey"  # find where the records are, so that the pieces can be cut
    SCREEN = "screen"  # look a hashed piece through for values in clear
    SEND = "send"
    ALONE = "alone"  # the file turned out not to be one that can be cut: one stream, as if it were small


@dataclass(frozen=True)
class Ending:
    """Why a run stops, kept until the parts that are at work have come to rest."""

    state: str
    code: str
    sentence: str


@dataclass(frozen=True)
class Sent:
    """What the parts of a run have sent together; `active_s` is the time of their invocations."""

    requests: int = 0
    resent: int = 0
    bytes_sent: int = 0
    active_s: float = 0.0


@dataclass(frozen=True)
class RunSplit:
    """A run's file in parts.

    While it is surveyed, the parts are `parts` ranges of about `range_bytes`. Then they are `pieces`: rows before
    the piece, the place in the file's own measure (see Cursor), and rows in it. `continuations` are those of the
    messages that every part was sent for this phase, none before they were; what a part's record says counts once
    it is of that continuation. `asked` is when each was sent its newest one, `deaths` how often its worker has
    died since the phase began, `since` when that was; times are Unix seconds. `counted` are the sums over the
    parts' requests, bytes and times that the run's own counts include by now.
    """

    phase: Phase
    parts: int
    range_bytes: int
    since: float
    pieces: tuple[tuple[int, int, int], ...] = ()
    continuations: tuple[int, ...] = ()
    ending: Ending | None = None
    counted: Sent = Sent()
    asked: tuple[float, ...] = ()
    deaths: tuple[int, ...] = ()
