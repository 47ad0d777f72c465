"""Where the next invocation of a run resumes."""

from __future__ import annotations

from dataclasses import dataclass, field

from activation.ledger.units import Unit
from activation.model import Cursor


@dataclass
class Checkpoint:
    """Where the next invocation resumes.

    `cursor` is before the first row without a known outcome. `ahead` are the units acknowledged beyond it.
    `in_doubt` are units that the platform may have although it acknowledged none of them. `halved` are units that
    it accepts in halves only. `suspects` is how many of the next units are taken to be in doubt, because a worker
    died that may have sent them. `read_whole` is True once the end of the file was reached, `closed` once the
    uploads were closed. `scanned` is how far the drop was read before anything of it is sent, `scanned_whole`
    whether all of it was; `refused` names the sets of refused identifiers that were kept on the way. `handles`
    are what the platform returned for acknowledged units, by row, key and part. In a session, `numbered` is the
    highest number that an upload has, and `numbers` are those of the units that are not acknowledged yet.
    """

    cursor: Cursor = field(default_factory=Cursor)
    ahead: set[Unit] = field(default_factory=set)
    in_doubt: set[Unit] = field(default_factory=set)
    halved: set[Unit] = field(default_factory=set)
    suspects: int = 0
    read_whole: bool = False
    closed: bool = False
    scanned: Cursor = field(default_factory=Cursor)
    scanned_whole: bool = False
    refused: list[str] = field(default_factory=list)
    handles: dict[str, str] = field(default_factory=dict)
    numbered: int = 1  # the upload that begins the session
    numbers: dict[str, int] = field(default_factory=dict)
