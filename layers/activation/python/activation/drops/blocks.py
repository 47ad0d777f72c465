"""From a text's bytes to chunks: blocks of whole records, counted, capped, and resumed from any cursor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pyarrow.compute as pc

from activation.drops.chunk import Chunk
from activation.drops.codes import refused
from activation.drops.inflate import BrokenStream
from activation.drops.quotes import DOUBLED, Quotes
from activation.drops.records import Split, split
from activation.drops.text import Text
from activation.model import Cursor

# What a format does with the records of a block: (records, number of the first, ways back) -> chunk, or None
# when there is no record in it.
CursorAfter = Callable[[int], Cursor]
Parse = Callable[[Split, int, CursorAfter], Chunk | None]


@dataclass(frozen=True)
class Records:
    """The records of `text` behind its header.

    `body` is the offset of the first byte behind the header, 0 without one. `delimiter` is the character that
    ends a cell, or "" where quotes mean nothing to records (JSON Lines). `quotes` says what they mean elsewhere.
    """

    text: Text
    body: int
    delimiter: str
    parse: Parse
    quotes: Quotes = DOUBLED

    def chunks(self, start: Cursor) -> Iterator[Chunk]:
        """Stream the rows behind `start`; the rows before a refusal are given before it is raised."""
        row, offset = 0, self.body
        if start.row and start.position > self.body:
            row, offset = start.row, start.position
        carry = b""
        for fresh, ending in self._fresh(offset):
            block = carry + fresh if carry else fresh
            whole, problem = self._capped(self._split(block, final=ending == ""))
            used, at = whole.end, offset
            if row < start.row:
                skipped = min(len(whole.starts), start.row - row)
                row += skipped
                cut = whole.starts[skipped].as_py() if skipped < len(whole.starts) else whole.end
                whole, at = self._split(block[cut : whole.end], final=True), offset + cut
            chunk = self.parse(whole, row + 1, self._way_back(whole, row + 1, at))
            if chunk is not None:
                yield self._with_end(chunk, at + whole.end)
                row += chunk.row_count
            if problem:
                raise refused(problem, row=row + 1, cap=self.text.limits.record_bytes)
            if ending:
                raise refused(ending, row=row)
            carry = block[used:]
            offset += used

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

    def _with_end(self, chunk: Chunk, end: int) -> Chunk:
        """Let a chunk know the place behind its last row, which is asked for most, without a look at others."""
        within, last_row = chunk.cursor_after, chunk.first_row + chunk.row_count - 1
        return replace(chunk, cursor_after=lambda row: Cursor(row, end) if row == last_row else within(row))

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
