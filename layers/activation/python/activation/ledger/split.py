"""How a large run is split, as its record keeps it: the parts of its file and the phase they are in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """What every part of a run is doing."""

    SURVEY = "survey"  # find where records begin, so that the pieces can be cut
    SCAN = "scan"  # read a piece before anything of the drop is sent
    SEND = "send"
    ALONE = "alone"  # the file cannot be cut: one stream sends it, as if it were small


@dataclass(frozen=True)
class Ending:
    """Why a run stops, kept until all its workers are idle: its final state, the error's code and sentence."""

    state: str
    code: str
    sentence: str


@dataclass(frozen=True)
class Sent:
    """What the parts of a run have sent together.

    `requests`, `resent` and `bytes_sent` are as in Tally; `active_s` is the duration of their invocations in
    seconds.
    """

    requests: int = 0
    resent: int = 0
    bytes_sent: int = 0
    active_s: float = 0.0


@dataclass(frozen=True)
class RunSplit:
    """A run's file in parts.

    `phase` is what the parts are doing. `parts` is how many there are: while the file is surveyed, ranges of about
    `range_bytes`, later one for each of the `pieces`. `since` is when the phase began. A piece is the number of
    rows before it, its place in the file's own measure (see Cursor), and the number of its rows; in a folder, also
    the index of the file in which it begins, and the number of rows before that file. `continuations`
    are the numbers of the messages that the parts were sent for this phase, empty before; a part's record counts
    once it has reached its number. `ending` is why the run stops, None while it does not. `counted` are the sums
    over the parts that the run's own counts already include. `dispatched_at` is when each part was sent its newest
    message, `deaths` how often each part's workers died in this phase. Times are Unix seconds.
    """

    phase: Phase
    parts: int
    range_bytes: int
    since: float
    pieces: tuple[tuple[int, ...], ...] = ()
    continuations: tuple[int, ...] = ()
    ending: Ending | None = None
    counted: Sent = Sent()
    dispatched_at: tuple[float, ...] = ()
    deaths: tuple[int, ...] = ()
