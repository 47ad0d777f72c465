"""How a large run is shared out, as its record keeps it: the parts of its file, and what they are at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


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
class Split:
    """A run's file in parts.

    While it is surveyed, the parts are `parts` ranges of about `range_bytes`. Then they are `pieces`: rows before
    the piece, the place in the file's own measure (see Cursor), and rows in it. `hops` are those of the messages
    that every part was sent for this phase, none before they were; what a part's record says counts once it is of
    that hop. `asked` is when each was sent its newest one, `deaths` how often its worker has died since the phase
    began, `since` when that was; times are Unix seconds. `counted` are the sums over the parts' requests, bytes
    and times that the run's own counts include by now.
    """

    phase: Phase
    parts: int
    range_bytes: int
    since: float
    pieces: tuple[tuple[int, int, int], ...] = ()
    hops: tuple[int, ...] = ()
    ending: Ending | None = None
    counted: Mapping[str, float] = field(default_factory=dict)
    asked: tuple[float, ...] = ()
    deaths: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give it as `of` reads it."""
        return asdict(self)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Split:
        """Read what `to_json` gave, after it went through JSON."""
        ending = stored["ending"]
        return cls(
            phase=Phase(stored["phase"]),
            parts=stored["parts"],
            range_bytes=stored["range_bytes"],
            since=stored["since"],
            pieces=tuple((row, position, rows) for row, position, rows in stored["pieces"]),
            hops=tuple(stored["hops"]),
            ending=Ending(**ending) if ending else None,
            counted=stored["counted"],
            asked=tuple(stored.get("asked", ())),
            deaths=tuple(stored.get("deaths", ())),
        )
