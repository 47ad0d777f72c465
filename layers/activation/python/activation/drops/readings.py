r"""The two readings of a record with a backslash before a quote, and which of them it has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from activation.drops.quotes import CR, LF, QUOTE, Escape, Quotes

_LINE_END = re.compile(rb"[\r\n]")


@dataclass(frozen=True)
class Resolved:
    """What a record turned out to be.

    `end` is the offset of its line end, -1 when it has none: then it is `broken` (text after a closing quote) or
    goes on after the block. `escaped`: a backslash before a quote makes it part of the cell. `decided`: the other
    reading is not possible, or has not the header's number of cells as this one has.
    """

    end: int = -1
    escaped: bool = False
    broken: bool = False
    decided: bool = False


@dataclass(frozen=True)
class _Reading:
    """A record read one way: whole when `end` is not negative, else broken, without an end, or not yet known."""

    end: int = -1
    cells: int = 0
    broken: bool = False
    pending: bool = False


@dataclass(frozen=True)
class _Patterns:
    """What a text is made of: runs of records that read the same both ways, one such record, and cells."""

    run: re.Pattern[bytes]
    record: re.Pattern[bytes]
    doubled: re.Pattern[bytes]
    escaped: re.Pattern[bytes]
    bare: re.Pattern[bytes]


@cache
def _patterns(delimiter: str) -> _Patterns:
    border = re.escape(delimiter.encode()) + rb"\r\n"
    bare = rb'[^"' + border + rb"][^" + border + rb"]*+|"
    # Backslashes in pairs, or alone before something else, mean no quote: both readings agree.
    agreed = rb'"[^"\\]*+(?:(?:""|\\\\|\\(?!["\\]))[^"\\]*+)*+"(?=[' + border + rb"])"
    cell = rb"(?:" + agreed + rb"|" + bare + rb")"
    record = cell + rb"(?:" + re.escape(delimiter.encode()) + cell + rb")*+[\r\n]"
    return _Patterns(
        run=re.compile(rb"(?:" + record + rb")*+"),
        record=re.compile(record),
        doubled=re.compile(rb'"[^"]*+(?:""[^"]*+)*+"'),
        escaped=re.compile(rb'"[^"\\]*+(?:(?:\\.|"")[^"\\]*+)*+"', re.DOTALL),
        bare=re.compile(rb"[^" + border + rb"]*+"),
    )


def agreed(plain: bytes, at: int, delimiter: str) -> tuple[int, list[int]]:
    """Find the records from `at` on that read the same both ways: the offset after them, and their line ends'."""
    patterns = _patterns(delimiter)
    run = patterns.run.match(plain, at)
    stop = run.end() if run else at
    if plain.find(b'"', at, stop) < 0:
        return stop, [end.start() for end in _LINE_END.finditer(plain, at, stop)]
    ends = []
    while at < stop and (record := patterns.record.match(plain, at)):
        at = record.end()
        ends.append(at - 1)
    return stop, ends


def resolve(plain: bytes, at: int, delimiter: str, quotes: Quotes, *, final: bool) -> Resolved:
    """Read the record that begins at `at` both ways and choose.

    The reading with the header's number of cells is taken, the shorter one where both have it; RFC 4180's where
    neither has, unless only the other is whole. While a reading is not known to its end nothing is chosen against
    it, so that the end of a block never decides.
    """
    as_doubled = _read(plain, at, delimiter, quotes, escaped=False, final=final)
    as_escaped = _read(plain, at, delimiter, quotes, escaped=True, final=final)
    fits = [one for one in (as_doubled, as_escaped) if one.end >= 0 and one.cells == quotes.columns]
    if fits:
        chosen = min(fits, key=lambda one: one.end)
        other = as_escaped if chosen is as_doubled else as_doubled
        decided = len(fits) == 1 and not other.pending
        return Resolved(chosen.end, chosen is as_escaped, decided=decided)
    if as_doubled.pending or as_escaped.pending:
        return Resolved()
    if as_doubled.end >= 0:
        return Resolved(as_doubled.end, decided=as_escaped.end < 0)
    if as_escaped.end >= 0:
        return Resolved(as_escaped.end, escaped=True, decided=True)
    return Resolved(broken=as_doubled.broken)


def escape_of(head: bytes, delimiter: str, quotes: Quotes, *, final: bool) -> Escape:
    """Return what a file's first part, without its header, tells about the whole.

    It is the reading with fewer faults: none that breaks off, then fewer rows of another width than the header.
    Where both break off, it is what the records say that can be read.
    """
    plain = quotes.plain(head, delimiter)
    as_doubled = _faults(plain, delimiter, quotes, escaped=False, final=final)
    as_escaped = _faults(plain, delimiter, quotes, escaped=True, final=final)
    if as_doubled[0] and as_escaped[0]:
        told = _told(plain, delimiter, quotes, final=final)
        return told.pop() if len(told) == 1 else Escape.OPEN
    if as_doubled == as_escaped:
        return Escape.OPEN
    return Escape.BACKSLASH if as_escaped < as_doubled else Escape.DOUBLED


def _faults(plain: bytes, delimiter: str, quotes: Quotes, *, escaped: bool, final: bool) -> tuple[bool, int]:
    """Read a text one way: whether it breaks off, and how many rows before that have another width."""
    at = misfits = 0
    while at < len(plain):
        one = _read(plain, at, delimiter, quotes, escaped=escaped, final=final)
        if one.end < 0:
            return not one.pending, misfits
        misfits += one.end > at and one.cells != quotes.columns
        at = one.end + 1
    return False, misfits


def _told(plain: bytes, delimiter: str, quotes: Quotes, *, final: bool) -> set[Escape]:
    """Collect what the records say, as far as they can be read."""
    at, told = 0, set()
    while (at := agreed(plain, at, delimiter)[0]) < len(plain):
        one = resolve(plain, at, delimiter, quotes, final=final)
        if one.end < 0:
            break
        if one.decided:
            told.add(Escape.BACKSLASH if one.escaped else Escape.DOUBLED)
        at = one.end + 1
    return told


def _read(plain: bytes, at: int, delimiter: str, quotes: Quotes, *, escaped: bool, final: bool) -> _Reading:
    """Walk over a record's cells."""
    patterns = _patterns(delimiter)
    quoted = patterns.escaped if escaped else patterns.doubled
    limit = min(len(plain), at + quotes.record_bytes + 1)
    cut = limit < len(plain) or final  # more would not change anything
    place, cells = at, 0
    while True:
        is_quoted = place < limit and plain[place] == QUOTE
        found = (quoted if is_quoted else patterns.bare).match(plain, place, limit)
        if found is None:
            return _Reading(pending=not cut)
        place, cells = found.end(), cells + 1
        if place == limit:
            if final and limit == len(plain):
                return _Reading(place, cells)
            return _Reading(pending=not cut)
        if plain[place] in (LF, CR):
            return _Reading(place, cells)
        if plain[place] != ord(delimiter):
            return _Reading(broken=True)
        place += 1
