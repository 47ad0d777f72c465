r"""A large drop in pieces that several workers read at once, exact to the record and the row number.

The difficulty is the quotes: somewhere in a CSV, nobody can tell from the bytes around whether a line end ends a
record or stands in a quoted cell, and a guess (by the number of columns, by what looks like an opening quote)
is wrong for some file. So nothing is guessed. The work is done in two steps, the first of which is cheap.

1. **Survey**, by every range at once. A range begins after the first line end at or after its share of the
   bytes. There the text is in one of two states: at a record's first byte, or in a quoted cell. The range's worker
   splits its bytes for both, without parsing them (the wrong one breaks off early as a rule), and reports for
   each how many records begin in it, where the first does, and which state the next range begins in.
2. **Settle**, by whoever holds all reports. The file begins at a record, so the first report says in which state
   the second range begins, and so on: states, row numbers and byte offsets of all pieces follow by adding up. If
   the state that turns out to be the true one broke off (a quote out of place, a record over the cap), there are
   no pieces: the file is read in one go, which finds the same fault and names its row.

Every piece then is a cursor and a number of rows, and is read with the drop's ordinary reader: rows and rejects
carry their numbers in the file from the start, and a piece resumes like a file. A record belongs to the piece in
which its first byte lies, and may end in the next one's bytes.

Where each record says whether a backslash makes a quote part of its cell (quotes.py), a record that says so and
lies across a border cannot be judged from either side, and the file is read in one go, too. That is rare: for
nearly every file with such quotes its first part has decided.

JSON Lines have one state, since a line end is never part of a value. Parquet needs no survey: the footer says
where the row groups are. A compressed text has no ranges.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow.compute as pc

from activation.drops.blocks import first_longer
from activation.drops.chunk import Chunk, DropReader
from activation.drops.delimited import DelimitedReader
from activation.drops.inflate import BrokenStream
from activation.drops.json_lines import JsonLinesReader
from activation.drops.parquet_file import ParquetReader
from activation.drops.quotes import DOUBLED, ESCAPED_QUOTE, Escape
from activation.drops.records import split
from activation.drops.source import stream
from activation.drops.survey import Passage, Survey
from activation.model import Cursor

TextReader = DelimitedReader | JsonLinesReader


@dataclass(frozen=True)
class Piece:
    """A run of source rows for one worker: those after `start`, `rows` of them."""

    start: Cursor
    rows: int


def range_count(reader: DropReader, range_bytes: int) -> int:
    """Return how many ranges of about `range_bytes` a text is surveyed in; 1 when it is not to be split."""
    if not isinstance(reader, TextReader) or not reader.text.seekable:
        return 1
    return max(1, -(-(reader.text.source.size_bytes - reader.body) // range_bytes))


def survey(reader: TextReader, index: int, range_bytes: int) -> Survey:
    """Read a range once and report on it, holding a block at a time; raises what the source raises."""
    begin = _border(reader, index, range_bytes)
    end = _border(reader, index + 1, range_bytes)
    if begin is None or end is None or not reader.text.seekable:
        # No line end within the cap: whatever record this is, it is too long. Or the text has no ranges.
        return Survey(index, Passage(broken=True), Passage(broken=True))
    outside = _Surveyor(reader, begin, inside=False)
    inside = _Surveyor(reader, begin, inside=True)
    inside.broken = index == 0 or not _delimiter(reader)
    left = end - begin
    for piece in stream(reader.text.source, begin, reader.text.limits.block_bytes):
        for one in (outside, inside):
            one.feed(piece[:left])
        left -= min(left, len(piece))
        if not left or (outside.broken and inside.broken):
            break
    last = end == reader.text.source.size_bytes
    return Survey(index, outside.passage(last), inside.passage(last))


def survey_whole(reader: TextReader) -> Passage:
    """Read a whole text, compressed or not, and report on it as the one range that it is."""
    surveyor = _Surveyor(reader, reader.body, inside=False)
    try:
        for piece in reader.text.stream(reader.body):
            surveyor.feed(piece)
            if surveyor.broken:
                break
    except BrokenStream:
        return Passage(broken=True)
    return surveyor.passage(last=True)


def settle(surveys: Sequence[Survey], record_bytes: int) -> tuple[Piece, ...] | None:
    """Put all ranges' reports together: the pieces in row order, or None when the file is to be read in one go.

    `record_bytes` is the cap on a record's length, which one that spans ranges is held to as well.
    """
    pieces = []
    row = before = open_bytes = 0
    is_open = False
    for one in sorted(surveys, key=lambda survey: survey.index):
        if one.begins_file:
            before = row
        passage = one.inside if is_open else one.outside
        if passage.broken or open_bytes + passage.tail_bytes > record_bytes:
            return None
        if passage.records:
            pieces.append(Piece(Cursor(row, passage.first_at, one.file, before), passage.records))
        row += passage.records
        # A cell may go on through whole ranges in which no record begins.
        open_bytes = passage.open_bytes if passage.records or not passage.open else open_bytes + passage.tail_bytes
        is_open = passage.open
    return None if is_open else tuple(pieces)


def row_group_pieces(reader: ParquetReader, range_bytes: int) -> tuple[Piece, ...]:
    """Return pieces of whole row groups, each of at least `range_bytes` as stored but the last."""
    return group_pieces([reader.groups], range_bytes)


def group_pieces(files: Sequence[Sequence[tuple[int, int]]], range_bytes: int) -> tuple[Piece, ...]:
    """Return the pieces of several files, given the rows and stored bytes of each one's row groups."""
    pieces = []
    row = rows = size_bytes = before = 0
    start = Cursor()
    for file, groups in enumerate(files):
        for group, (group_rows, group_bytes) in enumerate(groups):
            if not rows:
                start = Cursor(row, group, file, before)
            row, rows, size_bytes = row + group_rows, rows + group_rows, size_bytes + group_bytes
            if rows and size_bytes >= range_bytes:
                pieces.append(Piece(start, rows))
                rows = size_bytes = 0
        before = row
    return (*pieces, Piece(start, rows)) if rows else tuple(pieces)


def piece_chunks(reader: DropReader, piece: Piece, start: Cursor | None = None) -> Iterator[Chunk]:
    """Stream a piece's rows, from its beginning or from where it was left; the last chunk is cut where it ends."""
    last = piece.start.row + piece.rows
    for chunk in reader.chunks(start or piece.start):
        if chunk.first_row > last:
            return
        behind = chunk.first_row + chunk.row_count - 1
        yield chunk if behind <= last else _cut(chunk, last)
        if behind >= last:
            return


def _cut(chunk: Chunk, last: int) -> Chunk:
    """Return a chunk without the rows after `last`."""
    malformed = {row: code for row, code in chunk.malformed.items() if row <= last}
    row_count = last - chunk.first_row + 1
    lines = row_count - len(malformed)
    return replace(
        chunk,
        row_count=row_count,
        columns=chunk.columns.slice(0, lines),
        rows=chunk.rows.slice(0, lines),
        malformed=malformed,
        mended=chunk.mended.filter(pc.less_equal(chunk.mended, last)),
    )


def _delimiter(reader: TextReader) -> str:
    return reader.delimiter if isinstance(reader, DelimitedReader) else ""


def _border(reader: TextReader, index: int, range_bytes: int) -> int | None:
    """Return the offset at which a range begins: after a line end, or at the text's own beginning or end.

    It follows from the bytes alone, so that both neighbours come to the same. None: no line end within the cap.
    """
    source, limits = reader.text.source, reader.text.limits
    share = reader.body + index * range_bytes
    if not index:
        return reader.body
    if share >= source.size_bytes:
        return source.size_bytes
    seen = source.read(share - 1, min(limits.record_bytes + 2, source.size_bytes - share + 1))
    places = [place for place in (seen.find(b"\n"), seen.find(b"\r")) if place >= 0]
    if places:
        return share + min(places)
    return source.size_bytes if share - 1 + len(seen) >= source.size_bytes else None


class _Surveyor:
    """Counts the records of a range that begins in one of the two states."""

    def __init__(self, reader: TextReader, begin: int, *, inside: bool) -> None:
        self.broken = False
        self._delimiter = _delimiter(reader)
        self._quotes = reader.quotes if isinstance(reader, DelimitedReader) else DOUBLED
        self._cap = reader.text.limits.record_bytes
        # In a quoted cell: as if it had been opened just before the range.
        self._carry = b'"' if inside else b""
        self._at = begin - len(self._carry)
        self._in_tail = inside
        self._records, self._first_at, self._tail_bytes = 0, -1, 0

    def feed(self, data: bytes, *, final: bool = False) -> None:
        """Take the next bytes."""
        if self.broken:
            return
        block = self._carry + data if self._carry else data
        found = split(block, self._delimiter, final=final, quotes=self._quotes)
        if self._in_tail and self._undecided(block[: found.stops[0].as_py()] if len(found.starts) else block):
            self.broken = True
            return
        # The quote in front of a tail counts as well: the record's own opening quote lies before the range.
        if found.is_broken or first_longer(found, self._cap) is not None:
            self.broken = True
            return
        starts = found.starts
        count = len(starts)
        skipped = 0
        if count and self._in_tail:
            self._tail_bytes = found.stops[0].as_py() - 1
            self._in_tail, skipped = False, 1
        if count > skipped:
            if self._first_at < 0:
                self._first_at = self._at + starts[skipped].as_py()
            self._records += count - skipped
        self._carry, self._at = block[found.end :], self._at + found.end

    def _undecided(self, part: bytes) -> bool:
        """Return whether it takes the rest of a record to tell what the quotes in a part of it mean."""
        if self._quotes.escape is not Escape.OPEN:
            return False
        return ESCAPED_QUOTE in self._quotes.plain(part, self._delimiter)

    def passage(self, last: bool) -> Passage:
        """Report, once all bytes were fed; `last`: the text ends with the range."""
        self.feed(b"", final=last)
        if self.broken or (last and self._carry) or self._undecided(self._carry):
            return Passage(broken=True)
        if not self._carry:
            return Passage(self._records, self._first_at, tail_bytes=self._tail_bytes)
        if self._in_tail:
            return Passage(tail_bytes=len(self._carry) - 1, open=True)
        first_at = self._first_at if self._first_at >= 0 else self._at
        return Passage(
            self._records + 1, first_at, False, self._tail_bytes, open_bytes=len(self._carry), open=True
        )
