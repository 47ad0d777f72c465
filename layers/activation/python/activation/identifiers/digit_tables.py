"""Sets of texts of digits as tables, by which a whole column is told at a few nanoseconds a digit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, reduce
from operator import or_

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.digit_patterns import MANY, Both, Group, Part, Times
from activation.identifiers.widths import texts_of

_END = ":"  # the character behind 9
# A table has a column for each digit, one for the end of a text, and one for the sets that hold what ends there.
# A state is where its row begins.
COLUMNS, _FOUND = 12, 11
NOWHERE, START = 0, COLUMNS
_NUMBERS = bytes.maketrans(b"0123456789:", bytes(range(_FOUND)))


# Digits that may come next, with the number of what then follows.
_Ways = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class _Pair:
    """The numbers of two things that match the same digits."""

    one: int
    other: int


class _Continuations:
    """What may still follow, as numbers: -1 for the end in the first set and so on, 0 and up for more."""

    def __init__(self) -> None:
        self._known: dict[tuple[Part | _Pair, int], int] = {}
        self._all: list[tuple[Part | _Pair, int]] = []
        self._moves: dict[int, tuple[_Ways, int]] = {}

    def of(self, part: Part | _Pair, rest: int) -> int:
        """Return the number of a part with what follows it."""
        number = self._known.setdefault((part, rest), len(self._all))
        if number == len(self._all):
            self._all.append((part, rest))
        return number

    def moves(self, number: int) -> tuple[_Ways, int]:
        """Return the sets of digits that may come next, with what then follows; and the sets that may end here."""
        if number < 0:
            return (), 1 << (-number - 1)
        if number not in self._moves:
            part, rest = self._all[number]
            if isinstance(part, int):
                self._moves[number] = ((part, rest),), 0
            elif isinstance(part, _Pair):
                self._moves[number] = self._of_pair(part, rest)
            elif len(split := self._split(part, rest)) == 1:
                self._moves[number] = self.moves(split[0])
            else:
                each = [self.moves(one) for one in split]
                ways = dict.fromkeys(way for ways, _ in each for way in ways)
                self._moves[number] = tuple(ways), reduce(or_, (ends for _, ends in each), 0)
        return self._moves[number]

    def _of_pair(self, pair: _Pair, rest: int) -> tuple[_Ways, int]:
        (some, end), (others, other_end) = self.moves(pair.one), self.moves(pair.other)
        ways = [
            (digits & more, self.of(_Pair(one, other), rest))
            for digits, one in some
            for more, other in others
            if digits & more
        ]
        further, ends = self.moves(rest) if end and other_end else ((), 0)
        return (*ways, *further), ends

    def _split(self, part: Group | Times | Both, rest: int) -> list[int]:
        if isinstance(part, Both):
            return [self.of(_Pair(self.of(part.one, -1), self.of(part.other, -1)), rest)]
        if isinstance(part, Times):
            most = part.most if part.most >= MANY else part.most - 1
            fewer = Times(part.part, max(0, part.least - 1), most)
            further = self.of(fewer, rest) if most else rest
            return [*([self.of(part.part, further)] if part.most else []), *([] if part.least else [rest])]
        if part.either:
            return [self.of(one, rest) for one in part.parts]
        for one in reversed(part.parts):
            rest = self.of(one, rest)
        return [rest]


@dataclass(frozen=True, eq=False)
class DigitTable:
    """Sets of texts of digits: of each set the texts that match its pattern as a whole."""

    patterns: tuple[Part, ...]

    @cached_property
    def rows(self) -> pa.Array:
        """The state after each digit in each state, and the sets that hold a text that ends there: int32."""
        follow = _Continuations()
        start = frozenset(follow.of(one, -1 - place) for place, one in enumerate(self.patterns))
        states, rows, todo = {frozenset[int](): NOWHERE, start: START}, {NOWHERE: [NOWHERE] * COLUMNS}, [start]
        while todo:
            state = todo.pop()
            row = [NOWHERE] * COLUMNS
            ways: dict[int, list[int]] = {}
            for one in state:
                further, ends = follow.moves(one)
                row[_FOUND] |= ends
                for digits, rest in further:
                    ways.setdefault(digits, []).append(rest)
            for alike, sets in _alike(tuple(ways)):
                then = frozenset([rest for digits in sets for rest in ways[digits]])
                to = states.get(then)
                if to is None:
                    to = states[then] = len(states) * COLUMNS
                    todo.append(then)
                for digit in alike:
                    row[digit] = to
            row[_FOUND - 1] = states[state]
            rows[states[state]] = row
        return pa.array([to for _, row in sorted(rows.items()) for to in row], pa.int32())


@lru_cache(maxsize=65_536)
def _alike(sets: tuple[int, ...]) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
    """Return the digits that are in the same ones of these sets, with those sets; not those that are in none."""
    found: dict[tuple[int, ...], list[int]] = {}
    for digit in range(10):
        if among := tuple(one for one in sets if one >> digit & 1):
            found.setdefault(among, []).append(digit)
    return tuple((tuple(digits), among) for among, digits in found.items())


@dataclass(frozen=True)
class DigitColumns:
    """A column of digit strings by position: one int32 array per position, padded with 10 after the last digit."""

    places: tuple[pa.Array, ...]
    count: int

    @classmethod
    def of(cls, texts: pa.Array) -> DigitColumns:
        """Take apart a string array without nulls."""
        width = (pc.max(pc.binary_length(texts)).as_py() or 0) if len(texts) else 0
        data = bytes(texts_of(pc.ascii_rpad(texts, width, _END))).translate(_NUMBERS)
        places = (
            pa.Array.from_buffers(pa.uint8(), len(texts), [None, pa.py_buffer(data[place::width])])
            for place in range(width)
        )
        return cls(tuple(one.cast(pa.int32()) for one in places), len(texts))

    def found(self, tables: Sequence[DigitTable], which: pa.Array | None = None) -> pa.Array:
        """Return the sets that hold each text, int32, a bit for each set of its table.

        `which` is each text's table by its place (int32), the first one without it.
        """
        rows, starts = joined(tuple(tables))
        return self.read(rows, pa.repeat(starts[0], self.count) if which is None else starts.take(which))

    def read(self, rows: pa.Array, state: pa.Array) -> pa.Array:
        """Return the same by the rows of joined tables, and the state in which each text starts (int32)."""
        for digits in self.places:
            state = rows.take(pc.add(state, digits))
        return rows.take(pc.add(state, pa.scalar(_FOUND, pa.int32())))


@lru_cache(maxsize=64)
def joined(tables: tuple[DigitTable, ...]) -> tuple[pa.Array, pa.Array]:
    """Return the rows of tables as one, and the state in which each table's texts start in it: both int32."""
    starts, moved = [], []
    at = 0
    for one in tables:
        places = pc.if_else(_is_state(len(one.rows)), pa.scalar(at, pa.int32()), pa.scalar(0, pa.int32()))
        moved.append(pc.add(one.rows, places))
        starts.append(at + START)
        at += len(one.rows)
    return pa.concat_arrays(moved), pa.array(starts, pa.int32())


def merged(rows: pa.Array, starts: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Return joined tables with one state for all states that tell the same of every text.

    It takes a second for a million cells, and is for tables that are kept.
    """
    states = [tuple(rows[at : at + COLUMNS].to_pylist()) for at in range(0, len(rows), COLUMNS)]
    group = [state[_FOUND] for state in states]
    count = 0
    while count != (count := len(set(group))):
        known: dict[tuple[int, ...], int] = {}
        group = [
            known.setdefault((group[at], *(group[to // COLUMNS] for to in state[:_FOUND])), len(known))
            for at, state in enumerate(states)
        ]
    # The first state remains the first: it is NOWHERE.
    one_of = {number: states[at] for at, number in reversed([*enumerate(group)])}
    cells = [
        [*(group[to // COLUMNS] * COLUMNS for to in one_of[number][:_FOUND]), one_of[number][_FOUND]]
        for number in range(len(one_of))
    ]
    moved = [group[at // COLUMNS] * COLUMNS for at in starts.to_pylist()]
    return pa.array([cell for row in cells for cell in row], pa.int32()), pa.array(moved, pa.int32())


def _is_state(length: int) -> pa.Array:
    """Mask the cells of a table that are states."""
    return pa.array(([True] * _FOUND + [False]) * (length // COLUMNS))


def holds(found: pa.Array, place: int) -> pa.Array:
    """Mask the texts that the set at this place of their tables holds."""
    return pc.not_equal(pc.bit_wise_and(found, pa.scalar(1 << place, pa.int32())), 0)
