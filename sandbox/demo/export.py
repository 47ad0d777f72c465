"""The demo's export as a file, and the members each simulated platform should hold afterwards."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from sandbox.demo.people import HEADER, REJECTS, people
from sandbox.platforms.expectation import Member, expectations


@dataclass(frozen=True)
class Export:
    """A file, the members that each platform should hold after it, and how many rows each platform cannot use."""

    body: bytes
    members: dict[str, set[Member]]
    rejects: dict[str, int]


def write(rows: int, rejects: int = REJECTS, *, seed: int = 2026) -> Export:
    """Generate an export of `rows` people, `rejects` of whom no platform could know."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADER)
    members: dict[str, set[Member]] = {platform: set() for platform in expectations()}
    unusable = dict.fromkeys(members, 0)
    for person in people(rows, rejects, seed=seed):
        writer.writerow(person.cells)
        for platform, expected in expectations().items():
            found = expected.members(person.normalized) if person.normalized is not None else set()
            members[platform] |= found
            unusable[platform] += not found
    return Export(text.getvalue().encode(), members, unusable)
