"""Columns that AWS's Cryptographic Computing for Clean Rooms (C3R) has encrypted, which nothing here can read.

Its client names such columns with the endings `_sealed` and `_fingerprint`, and begins each value with a version
and its kind, as in `01:enc:` and `01:hmac:`:
https://docs.aws.amazon.com/clean-rooms/latest/userguide/crypto-computing-column-types.html and
https://docs.aws.amazon.com/clean-rooms/latest/userguide/schemas.html, read 2026-11-30
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from activation.errors import Rejected
from activation.identifiers.assign import Told, assign
from activation.identifiers.table import FieldTable

_ENDING = re.compile(r"(.+)_(?:sealed|fingerprint)", re.IGNORECASE | re.DOTALL)
_VALUE = re.compile(r"[0-9]{2}:(?:enc|hmac):[A-Za-z0-9+/]{20,}={0,2}")


def encrypted_by_name(
    table: FieldTable, header: Sequence[str], uses: Collection[str], settled: Collection[int]
) -> list[int]:
    """Return the indexes of columns that by their names hold an encrypted field which no other column fills.

    `uses` are the fields that columns fill, `settled` the indexes of those of which somebody said what they are.
    """
    found = []
    for index, name in enumerate(header):
        ending = _ENDING.fullmatch(name.strip())
        if ending and index not in settled:
            meant = assign(table, [ending[1]], Told()).uses.keys()
            if any(key not in uses for key in meant):
                found.append(index)
    return found


def looks_encrypted(cells: Iterable[str]) -> bool:
    """Return whether filled cells are values that C3R has written, all of them."""
    cells = list(cells)
    return bool(cells) and all(_VALUE.fullmatch(one.strip()) for one in cells)


def encrypted(columns: Iterable[str]) -> Rejected:
    """Return the refusal of columns, by the names that may be shown."""
    return Rejected(
        "c3r_encrypted",
        f"{', '.join(columns)}: encrypted by C3R for Clean Rooms, and no platform can match what cannot be read;"
        " nothing was sent. Select columns that are not encrypted, or decrypt the result with the C3R client and"
        ' drop that; a column that only seems so: --map "COLUMN=ignore"',
    )
