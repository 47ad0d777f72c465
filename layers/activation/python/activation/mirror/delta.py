"""Deltas: the lines that a run removes from an audience, and those it then adds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from activation.mirror.snapshot import Snapshot
from activation.mirror.store import Pieces

SENT_LINES = 65_536


@dataclass(frozen=True)
class Part:
    """Lines to remove, or to add (a record).

    `pieces` are the names of its files, in order, and `columns` the wire keys of its lines. `lines` says how many
    there are; the last `neighbours` of those to add are in the audience already, and are sent again because they
    share an identifier with a line that is removed.
    """

    pieces: tuple[str, ...]
    columns: tuple[str, ...]
    lines: int
    neighbours: int = 0


@dataclass(frozen=True)
class Delta:
    """What a run may have changed in the audience, from its first request until it is committed (a record).

    `removes` and `adds` are None where there is nothing to remove or to add. A run that replaces the whole
    audience has neither, and `replaced_by` says with what.
    """

    run_id: str
    removes: Part | None = None
    adds: Part | None = None
    replaced_by: Snapshot | None = None


def read_part(pieces: Pieces, part: Part, after: int = 0, at_most: int = SENT_LINES) -> Iterator[pa.Table]:
    """Yield the lines of a part that come after the first `after`, in order, in tables of `at_most` lines.

    The order is always the same. Each table has the column `row` (int64: of lines to add the source row in the
    drop, of lines to remove their number in the part, from 1) and the part's columns, as texts. Lines of one
    source row need not follow each other. Raises Rejected with state_lost where a file is gone or damaged.
    """
    raise NotImplementedError
