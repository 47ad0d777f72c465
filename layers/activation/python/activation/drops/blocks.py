"""From a text's bytes to chunks: blocks of whole records, counted, capped, and resumed from any cursor."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pyarrow.compute as pc

from activation.drops.chunk import Chunk
from activation.drops.codes import refused
from activation.drops.inflate import BrokenStream
from activation.drops.quotes import DOUBLED, Quotes
from activation.drops.records import Split, split
from activation.drops.row_ends import end_of_row, plain_offsets
from activation.drops.text import Text
from activation.model import Cursor

# What a format does with the records of a block: (records, number of the first, ways back) -> chunk, or None
# when there is no record in it.
CursorAfter = Callable[[int], Cursor]
Parse = Callable[[Split, int, CursorAfter], Chunk | None]
# Makes the chunk of one row that is left out, given the cursor after it.
Unreadable = Callable[[Cursor], Chunk]

# How much of a block is split first after a row with a misplaced quote, since more such rows may follow; each
# further split doubles it.
_WINDOW_BYTES = 4 * 1024
# A line with its end and any empty lines after it; then the next line.
_TWO_LINES = re.compile(rb"([^\r\n]*+[\r\n]++)([^\r\n]++)")


@dataclass(frozen=True)
class Records:
    """The records of `text` after its header.

    `body` is the offset of the first byte after the header, 0 without one. `delimiter` is the character that
    ends a cell, or "" where quotes mean nothing to records (JSON Lines). `quotes` says what they mean elsewhere.
    `unreadable` makes the chunk of one row whose quoted cell is not closed, of which `columns` cells are expected:
    its first line alone is left out when a row follows in the next. None: such a row refuses the rest.
    """

    text: Text
    body: int
    delimiter: str
    parse: Parse
    quotes: Quotes = DOUBLED
    unreadable: Unreadable | None = None
    columns: int = 0

    def chunks(self, start: Cursor) -> Iterator[Chunk]:
        """Stream the rows after `start`; the rows before a refusal are given before it is raised."""
        row, offset = 0, self.body
        if start.row and start.position > self.body:
            row, offset = start.row, start.position
        block, at = b"", 0
        for fresh, ending in self._fresh(offset):
            block, at = block[at:] + fresh, 0
            window = len(block)
            while at < len(block):
                part = block[at : at + window]
                is_all = at + len(part) == len(block)
                whole, problem = self._capped(self._split(part, final=is_all and ending == ""))
                end, cut = at + whole.end, 0
                if row < start.row:
                    skipped = min(len(whole.starts), start.row - row)
                    cut = whole.starts[skipped].as_py() if skipped < len(whole.starts) else whole.end
                    whole, row = self._split(part[cut : whole.end], final=True), row + skipped
                chunk = self.parse(whole, row + 1, self._way_back(whole, row + 1, offset + at + cut))
                if chunk is not None:
                    yield self._with_ends(chunk, offset + at + cut, offset + end)
                    row += chunk.row_count
                at, window = end, 2 * window
                if problem:
                    length = self._left_out(block, at, problem, final=ending == "")
                    if length is None:
                        raise refused(problem, row=row + 1, cap=self.text.limits.record_bytes)
                    if not length:
                        break  # the next block tells
                    at, row, window = at + length, row + 1, _WINDOW_BYTES
                    if self.unreadable and row > start.row:
                        yield self.unreadable(Cursor(row, offset + at))
                elif is_all:
                    break
            offset += at
            if ending:
                raise refused(ending, row=row)

    def _left_out(self, block: bytes, at: int, problem: str, *, final: bool) -> int | None:
        """Return the length of the line at `at` if it alone is left out, None if it is not.

        It is when the next line that is not empty has a row's width and both are within the cap. 0 where the block
        ends too early to tell.
        """
        if problem != "unterminated_quote" or self.unreadable is None:
            return None
        cap = self.text.limits.record_bytes
        lines = _TWO_LINES.match(block, at)
        following = lines[2] if lines else b""
        length = (lines.end(1) if lines else len(block)) - at
        if length > cap or len(following) > cap:
            return None
        if not final and (lines is None or lines.end() == len(block)):
            return 0
        try:
            # Not strictly: it may have a quote out of place, too.
            cells = next(csv.reader([following.decode(self.text.encoding, "replace")], delimiter=self.delimiter))
        except csv.Error:  # a cell is too long
            return None
        return length if len(cells) == self.columns else None

    def _split(self, block: bytes, *, final: bool) -> Split:
        return split(block, self.delimiter, final=final, quotes=self.quotes)

    def _fresh(self, offset: int) -> Iterator[tuple[bytes, str | None]]:
        """Return the text in blocks; the last comes with "" or with the code that says why it ends there."""
        wanted = self.text.limits.block_bytes
        pieces: list[bytes] = []
        held = 0
        ending = ""
        try:
            for piece in self.text.stream(offset):
                pieces.append(piece)
                held += len(piece)
                if held >= wanted:
                    yield b"".join(pieces), None
                    pieces, held = [], 0
        except BrokenStream as broken:
            ending = broken.code
        yield b"".join(pieces), ending

    def _way_back(self, records: Split, first_row: int, at: int) -> CursorAfter:
        def cursor_after(row: int) -> Cursor:
            index = row - first_row + 1
            starts = records.starts
            return Cursor(row, at + (starts[index].as_py() if index < len(starts) else records.end))

        return cursor_after

    def _with_ends(self, chunk: Chunk, begin: int, end: int) -> Chunk:
        """Let a chunk know the places after its rows, as far as they need no look at its bytes."""
        within, last_row = chunk.cursor_after, chunk.first_row + chunk.row_count - 1
        offsets = plain_offsets(chunk, end - begin) if self.delimiter and self.text.encoding == "utf-8" else None

        def cursor_after(row: int) -> Cursor:
            if row == last_row:
                return Cursor(row, end)
            if offsets is None:
                return within(row)
            return Cursor(row, begin + end_of_row(offsets, row - chunk.first_row + 1))

        return replace(chunk, cursor_after=cursor_after)

    def _capped(self, found: Split) -> tuple[Split, str | None]:
        """Return the records before the first that is refused, and its code if there is one.

        What is refused, and why, follows from the record alone, wherever a block happens to end.
        """
        cap = self.text.limits.record_bytes
        long_at = first_longer(found, cap)
        if long_at is not None:
            code = "record_too_long"
            if self.delimiter:
                head = self._split(found.block[long_at : long_at + cap], final=True)
                if head.is_open or head.is_broken:
                    code = "unterminated_quote"
            return found.until(long_at), code
        if found.is_broken or (found.final and found.is_open):
            return found, "unterminated_quote"
        return found, None


def first_longer(found: Split, cap: int) -> int | None:
    """Return the offset of the first record, complete or not, of more than `cap` bytes."""
    block = found.block
    if len(block) <= cap:
        return None
    if found.known_ends is None and not _has_long_line(block, cap):
        return None
    if len(found.starts):
        long = pc.indices_nonzero(pc.greater(pc.subtract(found.stops, found.starts), cap))
        if len(long):
            return int(found.starts[long[0].as_py()].as_py())
    return found.end if len(block) - found.end > cap else None


def _has_long_line(block: bytes, cap: int) -> bool:
    """Stride over the block from line end to line end, as far as `cap` allows each time."""
    at = 0
    while len(block) - at > cap:
        line_end = max(block.rfind(b"\n", at, at + cap + 1), block.rfind(b"\r", at, at + cap + 1))
        if line_end < 0:
            return True
        at = line_end + 1
    return False
