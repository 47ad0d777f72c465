"""The demo's export as a file, and the rows an ad account should hold after it."""

from __future__ import annotations

import csv
import hashlib
import io

from sandbox.demo.people import HEADER, KEYS, people


def write(rows: int, rejects: int, *, seed: int = 2026) -> tuple[bytes, set[tuple[str, ...]]]:
    """Give the file's bytes, and the expected members: a hash or "" for each of KEYS, in that order."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADER)
    members = set()
    for person in people(rows, rejects, seed=seed):
        writer.writerow(person.cells)
        if person.normalized is not None:
            members.add(tuple(_hashed(person.normalized[key]) for key in KEYS))
    return text.getvalue().encode(), members


def _hashed(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest() if value else ""


def in_order(schema: list[str], row: list[str]) -> tuple[str, ...]:
    """Give an uploaded row's cells in the order of KEYS; "" for a key its request did not have."""
    cells = dict(zip(schema, row, strict=True))
    return tuple(cells.get(key, "") for key in KEYS)
