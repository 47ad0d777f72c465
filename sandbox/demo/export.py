"""The demo's export as a file, and what each platform should hold of it."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sandbox.demo.people import HEADER, REJECTS, people

Member = tuple[str, ...]


@dataclass(frozen=True)
class Expectation:
    """How a platform knows a person: the keys of the generator's table, each written its way before hashing."""

    keys: Sequence[str]
    written: Callable[[str, str], str]

    def member(self, normalized: dict[str, str]) -> Member | None:
        """Give a member's cells, a hash or "" for each key; None for a person the platform cannot know."""
        cells = tuple(_hashed(self.written(key, normalized[key])) for key in self.keys)
        return cells if any(normalized[key] for key in self.keys if key in NAMING) else None


NAMING = frozenset({"EMAIL", "PHONE", "FN", "LN"})
EXPECTATIONS = {
    "meta": Expectation(
        ("EMAIL", "PHONE", "LN", "FN", "CT", "ST", "ZIP", "COUNTRY"), written=lambda _, value: value
    ),
    "tiktok": Expectation(
        ("EMAIL", "PHONE"), written=lambda key, value: f"+{value}" if key == "PHONE" and value else value
    ),
}


@dataclass(frozen=True)
class Export:
    """A file, the members each platform should hold after it, and how many of its rows each cannot use."""

    body: bytes
    members: dict[str, set[Member]]
    rejects: dict[str, int]


def write(rows: int, rejects: int = REJECTS, *, seed: int = 2026) -> Export:
    """Write an export of `rows` people, `rejects` of whom nobody could know."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADER)
    members: dict[str, set[Member]] = {platform: set() for platform in EXPECTATIONS}
    unusable = dict.fromkeys(EXPECTATIONS, 0)
    for person in people(rows, rejects, seed=seed):
        writer.writerow(person.cells)
        for platform, expected in EXPECTATIONS.items():
            member = expected.member(person.normalized) if person.normalized is not None else None
            if member is None:
                unusable[platform] += 1
            else:
                members[platform].add(member)
    return Export(text.getvalue().encode(), members, unusable)


def _hashed(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest() if value else ""
