"""Regular expressions of digits as tables, by which a whole column is matched at a few nanoseconds a digit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache, reduce
from operator import or_
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.widths import texts_of


class Group(NamedTuple):
    """Parts of a pattern, one after the other, or of which one is there."""

    parts: tuple[Part, ...]
    either: bool


class Times(NamedTuple):
    """A part that is there from `least` to `most` times."""

    part: Part
    least: int
    most: int


Part = int | Group | Times  # the number is a set of digits, a bit for each
_ANY = (1 << 10) - 1
# A table has a column for each digit and one for the end of a text. A state is where its row begins.
_COLUMNS, _END = 11, ":"  # the character behind 9
_REFUSED, _ACCEPTED, _START = 0, _COLUMNS, 2 * _COLUMNS


def parsed(pattern: str) -> Part:
    """Return the parts of a pattern: digits, sets, groups, |, ? and {}; ValueError for anything else."""
    at = 0

    def alternatives() -> Part:
        nonlocal at
        parts = [sequence()]
        while pattern[at : at + 1] == "|":
            at += 1
            parts.append(sequence())
        return parts[0] if len(parts) == 1 else Group(tuple(parts), either=True)

    def sequence() -> Part:
        nonlocal at
        parts: list[Part] = []
        while at < len(pattern) and pattern[at] not in "|)":
            part, (least, most) = single(), (1, 1)
            if pattern[at : at + 1] == "?":
                least, at = 0, at + 1
            elif pattern[at : at + 1] == "{":
                end = pattern.index("}", at)
                counts = pattern[at + 1 : end].split(",")
                least, most, at = int(counts[0]), int(counts[-1]), end + 1
            parts.append(part if (least, most) == (1, 1) else Times(part, least, most))
        return Group(tuple(parts), either=False)

    def single() -> Part:
        nonlocal at
        if pattern[at] == "(":
            at += 3 if pattern.startswith("(?:", at) else 1
            inside = alternatives()
            at += 1
            return inside
        if pattern[at] == "[":
            end = pattern.index("]", at)
            inside, at = _set(pattern[at + 1 : end]), end + 1
            return inside
        if pattern.startswith("\\d", at):
            at += 2
            return _ANY
        at += 1
        return 1 << int(pattern[at - 1])

    whole = alternatives()
    if at != len(pattern):
        raise ValueError(f"not a pattern of digits: {pattern[at:]}")
    return whole


def _set(inside: str) -> int:
    """Return the digits of what stands between [ and ], a bit for each."""
    found, at = 0, 0
    while at < len(inside):
        last = inside[at + 2] if inside[at + 1 : at + 2] == "-" else inside[at]
        for digit in range(int(inside[at]), int(last) + 1):
            found |= 1 << digit
        at += 3 if inside[at + 1 : at + 2] == "-" else 1
    return found


def widest(part: Part) -> int:
    """Return how many digits a pattern matches at most."""
    if isinstance(part, int):
        return 1
    if isinstance(part, Times):
        return part.most * widest(part.part)
    return (max if part.either else sum)(map(widest, part.parts))


def lengths_of(part: Part) -> int:
    """Return how many digits a pattern matches, a bit for each number of them."""
    if isinstance(part, int):
        return 1 << 1
    if isinstance(part, Times):
        once = lengths_of(part.part)
        found, several = 0, 1
        for count in range(part.most + 1):
            found |= several if count >= part.least else 0
            several = _sums(several, once)
        return found
    each = [lengths_of(one) for one in part.parts]
    return reduce(or_, each, 0) if part.either else reduce(_sums, each, 1)


def _sums(some: int, others: int) -> int:
    """Return the sums of a number among `some` and one among `others`, a bit for each of all three."""
    return reduce(or_, (others << place for place in range(some.bit_length()) if some >> place & 1), 0)


class _Continuations:
    """What may still follow, as numbers: 0 for the end, another for a part and what follows it."""

    def __init__(self) -> None:
        self._known: dict[tuple[Part, int], int] = {}
        self._all: list[tuple[Part, int]] = [(0, 0)]
        self._moves: dict[int, tuple[tuple[tuple[int, int], ...], bool]] = {0: ((), True)}

    def of(self, part: Part, rest: int) -> int:
        """Return the number of a part with what follows it."""
        if (part, rest) not in self._known:
            self._known[part, rest] = len(self._all)
            self._all.append((part, rest))
        return self._known[part, rest]

    def moves(self, number: int) -> tuple[tuple[tuple[int, int], ...], bool]:
        """Return the sets of digits that may come next, with what then follows; and whether none need come."""
        if number not in self._moves:
            part, rest = self._all[number]
            found: tuple[tuple[tuple[int, int], ...], bool]
            if isinstance(part, int):
                found = (((part, rest),), False)
            else:
                each = [self.moves(one) for one in self._split(part, rest)]
                found = (
                    tuple(dict.fromkeys(move for moves, _ in each for move in moves)),
                    any(e for _, e in each),
                )
            self._moves[number] = found
        return self._moves[number]

    def _split(self, part: Group | Times, rest: int) -> list[int]:
        if isinstance(part, Times):
            fewer = Times(part.part, max(0, part.least - 1), part.most - 1)
            further = self.of(fewer, rest) if part.most > 1 else rest
            return [*([self.of(part.part, further)] if part.most else []), *([] if part.least else [rest])]
        if part.either:
            return [self.of(one, rest) for one in part.parts]
        for one in reversed(part.parts):
            rest = self.of(one, rest)
        return [rest]


@dataclass(frozen=True)
class DigitPattern:
    """A pattern that matches whole texts of digits; `regex` is of the kind that libphonenumber has."""

    regex: str

    @cached_property
    def lengths(self) -> int:
        """How many digits may match, a bit for each number of them."""
        return lengths_of(parsed(self.regex))

    @cached_property
    def table(self) -> pa.Array:
        """The state after each digit in each state, int32, as one array: see `matches`."""
        follow = _Continuations()
        start = frozenset((follow.of(parsed(self.regex), 0),))
        states, rows, todo = {frozenset[int](): _REFUSED, start: _START}, {}, [start]
        while todo:
            state = todo.pop()
            moves = [move for one in state for move in follow.moves(one)[0]]
            row = [_REFUSED] * 10
            for alike in _alike({digits for digits, _ in moves}):
                then = frozenset(rest for digits, rest in moves if digits & alike)
                if then not in states:
                    states[then] = (len(states) + 1) * _COLUMNS
                    todo.append(then)
                for digit in range(10):
                    if alike >> digit & 1:
                        row[digit] = states[then]
            ends = any(follow.moves(one)[1] for one in state)
            rows[states[state]] = [*row, _ACCEPTED if ends else _REFUSED]
        rows[_REFUSED] = [_REFUSED] * _COLUMNS
        rows[_ACCEPTED] = [_REFUSED] * 10 + [_ACCEPTED]
        return pa.array([state for _, row in sorted(rows.items()) for state in row], pa.int32())


def _alike(sets: set[int]) -> list[int]:
    """Return the sets of digits that are in the same ones of these sets."""
    found = [_ANY]
    for one in sets:
        found = [part for alike in found for part in (alike & one, alike & ~one) if part]
    return found


_NUMBERS = bytes.maketrans(b"0123456789:", bytes(range(_COLUMNS)))


def matches(patterns: tuple[DigitPattern, ...], texts: pa.Array, which: pa.Array | None = None) -> pa.Array:
    """Mask the texts of digits that a pattern matches; `which` is each text's pattern by its place, 0 without it.

    The texts are a string array without nulls.
    """
    if not len(texts):
        return pa.array([], pa.bool_())
    table, begins = _joined(patterns)
    begin = begins.take(which) if which is not None else begins[0]
    width = pc.max(pc.binary_length(texts)).as_py() + 1
    data = bytes(texts_of(pc.ascii_rpad(texts, width, _END))).translate(_NUMBERS)
    state: pa.Array | pa.Scalar = pc.add(begin, pa.scalar(_START, pa.int32()))
    for place in range(width):
        digit = pa.Array.from_buffers(pa.uint8(), len(texts), [None, pa.py_buffer(data[place::width])])
        state = table.take(pc.add(digit.cast(pa.int32()), state))
    return pc.equal(pc.subtract(state, begin), _ACCEPTED)


@lru_cache(maxsize=64)
def _joined(patterns: tuple[DigitPattern, ...]) -> tuple[pa.Array, pa.Array]:
    """Return the tables of patterns as one, and where each begins in it."""
    begins = [0]
    for one in patterns:
        begins.append(begins[-1] + len(one.table))
    moved = [pc.add(one.table, pa.scalar(at, pa.int32())) for one, at in zip(patterns, begins, strict=False)]
    return pa.concat_arrays(moved), pa.array(begins[:-1], pa.int32())
