"""Where records begin in a block of delimited text: quotes-aware and columnar, exact in every case.

A record ends at LF, CR or CRLF outside quotes, and a quote opens a cell only as its first byte; elsewhere it is
a letter like any other (RFC 4180, https://www.rfc-editor.org/rfc/rfc4180, read 2026-11-22, is silent on that;
Arrow's parser and Python's read it so too). Empty lines are no records, which also makes CRLF the end of a
record and an empty line, so that no pair has to be kept together.

Three paths, each exact where it is taken. No quote in the block: every line end counts, and they are only
looked up when somebody asks. Quotes that alternate between "first byte of a cell" and "last byte of a cell":
the parity of quotes says what is inside. Anything else (inches, nicknames): a scan with a regular expression.
Where a backslash may make a quote part of its cell (see quotes.py), such pairs are taken for letters first, or
each record with one is read both ways.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from activation.drops import quotes as quoting
from activation.drops.limits import MIB
from activation.drops.quotes import CR, DOUBLED, ESCAPED_QUOTE, LF, QUOTE, Escape, Quotes
from activation.drops.readings import Resolved, agreed, resolve

_SLICE_BYTES = MIB


def _byte(value: int) -> pa.Scalar:
    return pa.scalar(value, pa.uint8())


def _view(block: bytes) -> pa.Array:
    return pa.Array.from_buffers(pa.uint8(), len(block), [None, pa.py_buffer(block)])


def _line_ends(view: pa.Array, has_cr: bool) -> pa.Array:
    """Mask the bytes that end a line."""
    ends = pc.equal(view, _byte(LF))
    return pc.or_(ends, pc.equal(view, _byte(CR))) if has_cr else ends


@dataclass(frozen=True)
class Split:
    """A block taken apart.

    `end` is the offset after the last complete record's line end: the next block begins there. `is_broken`:
    the record at `end` has a quoted cell that is followed by text. `is_open`: a quoted cell of the record at
    `end` is not closed in the block. `known_ends` are the line ends that end records, where they had to be
    looked up. `escaped` are the spans of the records in which a backslash makes a quote part of its cell, and
    `plain` is the block with letters for parts of wide characters.
    """

    block: bytes = field(repr=False)
    end: int
    final: bool
    is_broken: bool = False
    is_open: bool = False
    known_ends: pa.Array | None = None
    escaped: tuple[tuple[int, int], ...] = ()
    plain: bytes = field(default=b"", repr=False)

    def until(self, offset: int) -> Split:
        """Return the records before `offset`, at which a record begins, as if the text ended there."""
        ends = self.known_ends
        if ends is not None:
            ends = ends.filter(pc.less(ends, pa.scalar(offset, pa.uint64())))
        spans = tuple(span for span in self.escaped if span[0] < offset)
        return Split(self.block[:offset], offset, True, False, False, ends, spans, self.plain[:offset])

    def doubled(self, delimiter: str) -> bytes:
        """Return the complete records with every quote within a quoted cell doubled, as RFC 4180 has it."""
        return quoting.doubled(self.block[: self.end], self.plain, delimiter, self.escaped)

    @cached_property
    def starts(self) -> pa.Array:
        """Return the offset of each complete record's first byte (uint64)."""
        return self._bounds[0]

    @cached_property
    def stops(self) -> pa.Array:
        """Return the offset after each complete record's last byte, its line end left out (uint64)."""
        return self._bounds[1]

    @cached_property
    def line_ends(self) -> pa.Array:
        """Return the offsets of the line ends that end records, those of empty lines among them (uint64)."""
        if self.known_ends is not None:
            return self.known_ends
        block = self.block[: self.end]
        ends = pc.indices_nonzero(_line_ends(_view(block), b"\r" in block))
        if len(block) and block[-1] not in (LF, CR):
            ends = pa.concat_arrays([ends, pa.array([len(block)], pa.uint64())])
        return ends

    @cached_property
    def _bounds(self) -> tuple[pa.Array, pa.Array]:
        ends = self.line_ends
        if not len(ends):
            return ends, ends
        first = pa.array([0], pa.uint64())
        starts = pa.concat_arrays([first, pc.add(ends[:-1], pa.scalar(1, pa.uint64()))])
        full = pc.not_equal(starts, ends)
        if pc.all(full).as_py():
            return starts, ends
        return starts.filter(full), ends.filter(full)


def split(block: bytes, delimiter: str, *, final: bool, quotes: Quotes = DOUBLED) -> Split:
    """Find the records of a block that begins at a record's first byte; `final`: the text ends with it.

    Without a delimiter quotes mean nothing: a record is a line.
    """
    if not delimiter or b'"' not in block:
        line_feed = block.rfind(b"\n")
        last = len(block) if final else max(line_feed, block.rfind(b"\r", line_feed + 1)) + 1
        return Split(block, last, final)
    plain = quotes.plain(block, delimiter)
    if quotes.escape is Escape.DOUBLED or b"\\" not in plain:
        found = _by_quotes(plain, delimiter, final)
    elif quotes.escape is Escape.BACKSLASH:
        found = _by_quotes(quoting.without_escapes(plain), delimiter, final)
        found = replace(found, escaped=((0, found.end),))
    elif ESCAPED_QUOTE in plain:
        found = _by_readings(plain, delimiter, final, quotes)
    else:
        found = _by_quotes(plain, delimiter, final)
    return replace(found, block=block, plain=plain)


def _by_quotes(block: bytes, delimiter: str, final: bool) -> Split:
    return _by_parity(block, delimiter, final) or _by_scan(block, delimiter, final)


def _by_readings(plain: bytes, delimiter: str, final: bool, quotes: Quotes) -> Split:
    """Split where each record says whether a backslash makes a quote part of its cell."""
    at, last = 0, Resolved()
    ends: list[int] = []
    spans = []
    while at < len(plain):
        at, alike = agreed(plain, at, delimiter)
        ends += alike
        if at == len(plain):
            break
        last = resolve(plain, at, delimiter, quotes, final=final)
        if last.end < 0:
            break
        ends.append(last.end)
        if last.escaped:
            spans.append((at, last.end))
        at = last.end + 1
    end = min(at, len(plain))
    is_open = end < len(plain) and not last.broken
    known = pa.array(ends, pa.uint64())
    return Split(plain, end, final and not last.broken, last.broken, is_open, known, tuple(spans))


def _by_parity(block: bytes, delimiter: str, final: bool) -> Split | None:
    """Split by the parity of quotes, or give None where it does not decide.

    Slice by slice: what is looked up takes eight bytes per quote, and stays small so.
    """
    # A line end on either side gives the first and the last byte neighbours like any other's.
    around = _view(b"\n" + block + b"\n")
    has_cr = b"\r" in block
    parity = 0
    ends = [pa.array([], pa.uint64())]
    for begin in range(0, len(block), _SLICE_BYTES):
        length = min(_SLICE_BYTES, len(block) - begin)
        before, view, after = (around.slice(begin + shift, length) for shift in range(3))
        places = pc.indices_nonzero(pc.or_(_line_ends(view, has_cr), pc.equal(view, _byte(QUOTE))))
        if not len(places):
            continue
        is_quote = pc.equal(view.take(places), _byte(QUOTE))
        # The sum wraps at 256, which is even.
        quotes = pc.cumulative_sum(is_quote.cast(pa.uint8()), start=_byte(parity))
        odd = pc.equal(pc.bit_wise_and(quotes, _byte(1)), _byte(1))
        opening = places.filter(pc.and_(is_quote, odd))
        closing = places.filter(pc.and_not(is_quote, odd))
        if not (_all_border(before.take(opening), delimiter) and _all_border(after.take(closing), delimiter)):
            return None
        ends.append(pc.add(places.filter(pc.invert(pc.or_(is_quote, odd))), pa.scalar(begin, pa.uint64())))
        parity = quotes[-1].as_py() & 1
    return _with_tail(block, pa.concat_arrays(ends), final=final, is_open=parity == 1)


def _all_border(values: pa.Array, delimiter: str) -> bool:
    """Return whether each byte may stand beside a quoted cell's quote: delimiter, line end, or another quote."""
    border = pc.equal(values, _byte(ord(delimiter)))
    for one in (QUOTE, LF, CR):
        border = pc.or_(border, pc.equal(values, _byte(one)))
    return pc.all(border, min_count=0).as_py() is True


def _by_scan(block: bytes, delimiter: str, final: bool) -> Split:
    """Split by walking over every quoted cell; slower, and right whatever quotes stand elsewhere."""
    border = re.escape(delimiter.encode()) + rb"\r\n"
    # Possessive: a doubled quote is never taken for a closing one when the cell turns out to be open.
    quoted = re.compile(rb"(?:(?<=[" + border + rb'])|\A)"[^"]*+(?:""[^"]*+)*+("|\Z)')
    plain = bytearray(block)
    is_open, broken_at = False, None
    for cell in quoted.finditer(block):
        begin, end = cell.span()
        if not cell[1]:
            is_open = True
        elif end < len(block) and block[end] not in (ord(delimiter), LF, CR):
            broken_at = begin
            break
        plain[begin:end] = b"x" * (end - begin)
    ends = pc.indices_nonzero(_line_ends(_view(bytes(plain)), b"\r" in block))
    if broken_at is not None:
        # Behind the broken cell nothing is certain: only the records before it are given.
        ends = ends.filter(pc.less(ends, pa.scalar(broken_at, pa.uint64())))
        return _with_tail(block, ends, final=False, is_broken=True)
    return _with_tail(block, ends, final=final, is_open=is_open)


def _with_tail(
    block: bytes, ends: pa.Array, *, final: bool, is_open: bool = False, is_broken: bool = False
) -> Split:
    """Return the records that end at `ends`, and in a final block the one that ends with it."""
    end = ends[-1].as_py() + 1 if len(ends) else 0
    if final and not is_open and end < len(block):
        ends = pa.concat_arrays([ends, pa.array([len(block)], pa.uint64())])
        end = len(block)
    return Split(block, end, final, is_broken, is_open, ends)
