"""Counting the records of a CSV stream and the columns of each, in blocks and without keeping one.

A block begins at a record's first byte. Without a quote in it, everything but separators is thrown away and what
is left has to be one row's separators over and over: a few C loops over the block. With quotes, Python's own CSV
reader decides (RFC 4180, https://www.rfc-editor.org/rfc/rfc4180): a quote opens a cell only as its first byte.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from activation.errors import Rejected

MAX_RECORD_BYTES = 1024 * 1024
_SEPARATORS = b",\r\n"
_OTHERS = bytes(byte for byte in range(256) if byte not in _SEPARATORS)
_SLICE_BYTES = 256 * 1024
_DECODED_BYTES = 256 * 1024  # at a time: a block of emoji would take four times its size as text


@dataclass(frozen=True)
class Cut:
    """A block, cut behind its last complete record: the records end at `end`, and there are `rows` of them."""

    end: int
    rows: int


def cut(block: bytes | bytearray, columns: int, *, rows_before: int, final: bool) -> Cut:
    """Count a block's complete records; `final` says that the text ends with it. Blank lines are no records.

    Raises Rejected: not_utf8, column_count, broken_csv, record_too_long; each with the number of the row,
    counted from 1 over the whole file (`rows_before` were in earlier blocks), and never with a cell.
    """
    if b'"' in block:
        found = _cut_quoted(block, columns, rows_before, final)
    else:
        found = _cut_plain(block, columns, rows_before, final)
    if not final and len(block) - found.end > MAX_RECORD_BYTES:
        raise Rejected(
            "record_too_long", f"row {rows_before + found.rows + 1} is longer than {MAX_RECORD_BYTES} bytes"
        )
    _check_utf8(block, found.end, rows_before)
    return found


def _cut_plain(block: bytes | bytearray, columns: int, rows_before: int, final: bool) -> Cut:
    end = len(block) if final else max(block.rfind(b"\n"), block.rfind(b"\r", 0, len(block) - 1)) + 1
    # The last record of a file may have no line end; between a CR and what follows it a block may end.
    tail = b"\n" if final and block and not block.endswith((b"\n", b"\r")) else b""
    torn = not final and block.endswith(b"\r")
    if columns > 1:
        separators = _separators(block)
        separators = _with_lf(separators[:-1] if torn else separators) + tail
        separators = separators[: separators.rfind(b"\n") + 1]  # without what the next block begins with
        row = b"," * (columns - 1) + b"\n"
        rows = len(separators) // len(row)
        if separators == row * rows:
            return Cut(end, rows)
    # One column only, a blank line, or a row that does not fit: line by line, and on the lines themselves, since
    # without its cells a line that has no comma looks like one that is blank.
    return Cut(end, _count_lines(_with_lf(bytes(memoryview(block)[:end])) + tail, columns, rows_before))


def _separators(block: bytes | bytearray) -> bytes:
    """Return the commas and line ends of a block, taken slice by slice so that little memory is needed anew."""
    view = memoryview(block)
    slices = (bytes(view[start : start + _SLICE_BYTES]) for start in range(0, len(view), _SLICE_BYTES))
    return b"".join(one.translate(None, _OTHERS) for one in slices)


def _with_lf(text: bytes) -> bytes:
    """Return the text with LF for every line end."""
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text


def _count_lines(lines: bytes, columns: int, rows_before: int) -> int:
    rows = 0
    for line in io.BytesIO(lines):
        if line == b"\n":
            continue
        rows += 1
        if line.count(b",") + 1 != columns:
            raise _wrong_count(rows_before + rows, line.count(b",") + 1, columns)
    return rows


class _Lines:
    """The lines of a block as text, remembering how many bytes were handed out and whether that was all."""

    def __init__(self, block: bytes | bytearray) -> None:
        self._lines = io.BytesIO(block)
        self.taken = 0
        self.exhausted = False

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.taken += len(line)
            # The separators are ASCII, so Latin-1 finds the same cells; whether it is UTF-8 is checked elsewhere.
            yield line.decode("latin-1")
        self.exhausted = True


def _cut_quoted(block: bytes | bytearray, columns: int, rows_before: int, final: bool) -> Cut:
    complete = block if final else block[: block.rfind(b"\n") + 1]
    lines = _Lines(complete)
    rows = end = 0
    try:
        for cells in csv.reader(iter(lines), strict=True):
            end = lines.taken
            if not cells:
                continue
            rows += 1
            if len(cells) != columns:
                raise _wrong_count(rows_before + rows, len(cells), columns)
    except csv.Error:
        # At the end of the block a quote may be open because the record goes on in the next one.
        if final or not lines.exhausted:
            raise Rejected(
                "broken_csv",
                f"row {rows_before + rows + 1} is no CSV: a quoted cell is not closed, or a CR stands alone",
            ) from None
    return Cut(end, rows)


def _wrong_count(row: int, found: int, columns: int) -> Rejected:
    return Rejected("column_count", f"row {row} has {found} columns, the metadata file names {columns}")


def _check_utf8(block: bytes | bytearray, end: int, rows_before: int) -> None:
    if block.isascii():
        return
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(block)[:end]
    try:
        for start in range(0, end, _DECODED_BYTES):
            decoder.decode(view[start : start + _DECODED_BYTES].tobytes())
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise Rejected("not_utf8", f"the data file is not UTF-8; see the rows after row {rows_before}") from None
