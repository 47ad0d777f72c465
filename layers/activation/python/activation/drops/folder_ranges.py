"""A large folder in pieces that several workers read at once: ranges of its large files, and small files together.

A file begins with a record, whatever the file before it ends with, so that each file is surveyed and settled as
`ranges.py` explains. Files of less than a range are surveyed as a whole, several of them by one worker: all that
has to be known of them is how many records they have. A compressed file is unpacked for that, and never divided.
Of Parquet the footers, which were read with the headers, say all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from activation.drops.chunk import ByteSource
from activation.drops.folder_reader import FolderReader
from activation.drops.ranges import Piece, TextReader, group_pieces, survey, survey_whole
from activation.drops.survey import Passage, Survey

BROKEN = Passage(broken=True)


@dataclass(frozen=True)
class FolderRange:
    """A worker's share: the files from `first` to `last`, or of a single file the range `index` of `count`."""

    first: int
    last: int
    index: int = 0
    count: int = 1


def folder_ranges(reader: FolderReader, range_bytes: int) -> tuple[FolderRange, ...]:
    """Return the ranges, of about `range_bytes` each, in which a folder of text files is surveyed."""
    files, sealed = reader.files, frozenset(reader.found.sealed)
    ranges: list[FolderRange] = []
    first = size_bytes = 0
    for index in range(len(files.members)):
        own = files.size_bytes(index)
        count = 1 if index in sealed else round(own / range_bytes)
        if count > 1:
            if first < index:
                ranges.append(FolderRange(first, index - 1))
            ranges += [FolderRange(index, index, at, count) for at in range(count)]
            first, size_bytes = index + 1, 0
            continue
        size_bytes += own
        if size_bytes >= range_bytes:
            ranges.append(FolderRange(first, index))
            first, size_bytes = index + 1, 0
    if first < len(files.members):
        ranges.append(FolderRange(first, len(files.members) - 1))
    return tuple(ranges)


def survey_range(
    reader: FolderReader, part: int, range_bytes: int, guard: Callable[[ByteSource], ByteSource]
) -> Survey:
    """Survey the range with the number `part` and report on it; `guard` wraps what is read.

    Raises what opening and reading a file raises.
    """
    share = folder_ranges(reader, range_bytes)[part]
    if share.count > 1:
        one = reader.open_file(share.first, guard)
        if not isinstance(one, TextReader):
            return Survey(part, BROKEN, BROKEN)
        own_bytes = -(-reader.files.size_bytes(share.first) // share.count)
        found = survey(one, share.index, own_bytes)
        return replace(found, index=part, file=share.first, begins_file=share.index == 0)
    records = 0
    for index in range(share.first, share.last + 1):
        one = reader.open_file(index, guard)
        passage = survey_whole(one) if isinstance(one, TextReader) else Passage(broken=one is not None)
        if passage.broken:
            return Survey(part, BROKEN, BROKEN)
        records += passage.records
    return Survey(part, Passage(records, 0), BROKEN, share.first, begins_file=True)


def folder_pieces(reader: FolderReader, range_bytes: int) -> tuple[Piece, ...]:
    """Return the pieces of a folder of Parquet files, each of at least `range_bytes` as stored but the last."""
    return group_pieces(reader.found.groups, range_bytes)
