"""How a large file is cut into parts, and when a part is done; `fan_out` explains how parts work together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from activation.drops.chunk import DropReader
from activation.drops.folder_ranges import folder_pieces, folder_ranges
from activation.drops.folder_reader import FolderReader
from activation.drops.limits import GIB
from activation.drops.parquet_file import ParquetReader
from activation.drops.ranges import Piece, range_count, row_group_pieces
from activation.ledger.progress import Progress
from activation.ledger.runs import Run, RunState
from activation.ledger.split import Phase, RunSplit
from activation.model import Cursor

SHARES = 4  # a part has at least a quarter of the smallest file that is split, or its start costs too much
LONGEST_RANGE_BYTES = GIB  # a survey is not resumed, and has to end within an invocation


def plan(
    reader: DropReader, size_bytes: int, *, above_bytes: int, most_parts: int, scans: bool, now: float
) -> RunSplit | None:
    """Return how a file of `size_bytes` is split into parts, None when it stays one stream.

    Files above `above_bytes` are split into at most `most_parts`, or more where a part would otherwise be longer
    than LONGEST_RANGE_BYTES, and in a folder, whose ranges end where files do. `scans` says that the drop has to
    be scanned first. `now` is Unix seconds.
    """
    share = max(above_bytes // SHARES, -(-size_bytes // max(1, most_parts)), 1)
    range_bytes = min(share, LONGEST_RANGE_BYTES)
    pieces = _row_groups(reader, range_bytes)
    if pieces is not None:
        if len(pieces) < 2:
            return None
        return cut(RunSplit(Phase.SURVEY, len(pieces), range_bytes, now), pieces, scans=scans, now=now)
    if isinstance(reader, FolderReader):
        count = len(folder_ranges(reader, range_bytes))
    else:
        count = range_count(reader, range_bytes)
    return RunSplit(Phase.SURVEY, count, range_bytes, now) if count > 1 else None


def _row_groups(reader: DropReader, range_bytes: int) -> tuple[Piece, ...] | None:
    """Return the pieces of Parquet, None for any other format."""
    if isinstance(reader, FolderReader):
        return folder_pieces(reader, range_bytes) if reader.found.groups else None
    if isinstance(reader, ParquetReader):
        # Inside gzip or zstd it is small, or refused.
        return row_group_pieces(reader, range_bytes) if reader.format == "parquet" else ()
    return None


def cut(split: RunSplit, pieces: Sequence[Piece], *, scans: bool, now: float) -> RunSplit:
    """Return the split once its pieces are known; a file of fewer than two pieces is sent in one stream."""
    if len(pieces) < 2:
        return replace(split, phase=Phase.ALONE, parts=0, continuations=(), since=now)
    return replace(
        split,
        phase=Phase.SCAN if scans else Phase.SEND,
        parts=len(pieces),
        pieces=tuple(map(_recorded, pieces)),
        continuations=(),
        since=now,
    )


def piece_of(split: RunSplit, part: int) -> Piece:
    """Return the rows of a part."""
    row, position, rows, *file = split.pieces[part]
    return Piece(Cursor(row, position, *file), rows)


def _recorded(piece: Piece) -> tuple[int, ...]:
    start = piece.start
    return (start.row, start.position, piece.rows, *((start.file, start.before) if start.file else ()))


def is_done(split: RunSplit, part: Run) -> bool:
    """Return whether a part has finished the run's phase."""
    match split.phase:
        case Phase.SURVEY:
            return part.progress.plan.survey is not None
        case Phase.SCAN:
            return part.progress.checkpoint.scanned_whole
        case _:
            return part.state is RunState.APPLIED


def catch_up(part: Run, whole: Progress) -> None:
    """Reset a part's record that is from before its run started over, or before it has to scan the drop again."""
    if (key := whole.plan.refused_key) != part.progress.plan.refused_key:
        checkpoint = part.progress.checkpoint
        checkpoint.scanned, checkpoint.scanned_whole, checkpoint.refused = Cursor(), False, []
        part.progress.plan.refused_key = key
    if part.progress.attempts.starts < whole.attempts.starts:
        part.progress.start_over()
        part.progress.attempts.starts, part.state = whole.attempts.starts, RunState.RUNNING
