"""What a run that changes a mirrored audience has to know in its next invocation, beside any run's progress."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MirrorPhase(StrEnum):
    """What a mirror run is doing; the later phases come one after the other, each unless it has nothing to do."""

    COMPARE = "compare"  # reads the whole drop, and writes down what the audience is to hold
    GUARD = "guard"  # compares that with what the audience holds, and asks whether so many may leave
    BEGIN = "begin"  # notes in the audience's state what the next phases may change
    REPLACE = "replace"  # sends the whole drop
    REMOVE = "remove"  # sends who leaves
    ADD = "add"  # sends who joins or has changed, and those next to somebody who left
    COMMIT = "commit"  # notes in the audience's state what it holds
    NOTED = "noted"  # of a drop that removes people from a mirrored audience: that it does is noted there


CHANGING = frozenset(
    {MirrorPhase.REPLACE, MirrorPhase.REMOVE, MirrorPhase.ADD, MirrorPhase.COMMIT, MirrorPhase.NOTED}
)


UNDECIDED = frozenset({MirrorPhase.COMPARE, MirrorPhase.GUARD})
UNKNOWN = -1  # in place of a state's version: of the one that the next invocation finds


@dataclass
class MirrorRun:
    """How far a mirror run has come, and what it found.

    `attempt` counts how often it began to compare; each time under other names. `looked` says that the audience
    was looked for at the platform, `exists` that it was there, `audience_id` its id then, `owned` that it is ours
    alone. `mode` is "replace" or "difference" and `why` says why, "" while that is open. `cells` says whether the
    candidate keeps what was sent, and not only its keys. `candidate` is the candidate's snapshot, as far as it is
    written, `removes` and `adds` what is to be sent, all as records' texts, "" for none. `removes_lines` is how
    many lines the first of these has. `version` is that of the state when the run began, and then of the one that
    was compared with.

    `rows` are the drop's, 0 until all are read; `unchanged`, `joined`, `changed` and `resent` count source rows,
    as in a Difference, `left` those that the audience loses, `held` lines, `before` the rows that it had. `cause`
    is why the run has to be approved, "" if it need not be, `approved_by` who did so. `removed` are the lines of
    `removes` that the platform has acknowledged, `remove_refused` those that it refused, `kept` the part of
    `removes` that may still be in the audience for that, as a record's text, and `too_small` says that it refused
    to remove so many. `closing` says that all of the phase is sent, `following` that the platform was
    told so and works on it. `settled` counts the work of the phases before this one. `nothing` says that nothing
    is sent, because the audience holds the drop already. `suppressed` are the rows that were suppressed when the
    phase began, `lists` the version of the suppression lists by which the drop was read.
    """

    phase: MirrorPhase = MirrorPhase.COMPARE
    attempt: int = 0
    looked: bool = False
    exists: bool = False
    audience_id: str = ""
    owned: bool = False
    mode: str = ""
    why: str = ""
    cells: bool = True
    candidate: str = ""
    removes: str = ""
    adds: str = ""
    removes_lines: int = 0
    version: int = UNKNOWN
    rows: int = 0
    unchanged: int = 0
    joined: int = 0
    changed: int = 0
    resent: int = 0
    left: int = 0
    held: int = 0
    before: int = 0
    cause: str = ""
    approved_by: str = ""
    removed: int = 0
    remove_refused: int = 0
    kept: str = ""
    too_small: bool = False
    closing: bool = False
    following: bool = False
    nothing: bool = False
    settled: int = 0
    suppressed: int = 0
    lists: int = UNKNOWN

    @property
    def is_read(self) -> bool:
        """Return whether the whole drop was read, so that its rows are known."""
        return self.phase is not MirrorPhase.COMPARE

    @property
    def has_begun(self) -> bool:
        """Return whether anything may have been sent."""
        return self.phase in CHANGING

    @property
    def rows_sent(self) -> int:
        """Return how many source rows a difference sends."""
        return self.joined + self.changed + self.resent

    @property
    def size(self) -> int:
        """Return how many source rows are to be in the audience."""
        return self.unchanged + self.rows_sent

    @property
    def rows_unchanged(self) -> int:
        """Return how many source rows are not sent because the audience has them."""
        return self.unchanged if self.is_difference or self.nothing else 0

    @property
    def is_difference(self) -> bool:
        """Return whether the rows of the drop are not all sent."""
        return self.mode == "difference"
