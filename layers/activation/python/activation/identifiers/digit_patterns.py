"""Regular expressions of digits, as their parts."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import NamedTuple


class Group(NamedTuple):
    """Parts of a pattern, one after the other, or of which one is there."""

    parts: tuple[Part, ...]
    either: bool


class Times(NamedTuple):
    """A part that is there from `least` to `most` times; `MANY` times stand for any number of them."""

    part: Part
    least: int
    most: int


class Both(NamedTuple):
    """Two parts that match the same digits."""

    one: Part
    other: Part


Part = int | Group | Times | Both  # the number is a set of digits, a bit for each
ANY = (1 << 10) - 1
MANY = 99
ANYTHING = Times(ANY, 0, MANY)


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
            return ANY
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
    if isinstance(part, Both):
        return min(map(widest, part))
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
    if isinstance(part, Both):
        return lengths_of(part.one) & lengths_of(part.other)
    each = [lengths_of(one) for one in part.parts]
    return reduce(or_, each, 0) if part.either else reduce(_sums, each, 1)


def _sums(some: int, others: int) -> int:
    """Return the sums of a number among `some` and one among `others`, a bit for each of all three."""
    return reduce(or_, (others << place for place in range(some.bit_length()) if some >> place & 1), 0)


def then(*parts: Part) -> Part:
    """Return the parts one after the other."""
    return Group(parts, either=False)


def one_of(*parts: Part) -> Part:
    """Return a part that is any of these; without any it matches no text."""
    return Group(parts, either=True)


def maybe(*parts: Part) -> Part:
    """Return a part that is one of these or nothing."""
    return Times(one_of(*parts), 0, 1)
