"""The rows of an upload as the bytes that were sent, where all are lists of SHA-256 digits and nothing else.

To make Python texts of forty thousand cells takes longer than all that is checked of them. So the digits stay
bytes: each row's shape, which is its bytes with every digit of a hash as "0", says how many cells it has and which
of them are filled. Whatever is not of that form is read as JSON, cell by cell.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import orjson

from sandbox.platforms.meta.members import Schema

_KEY = b'"data":'
_SHAPE = bytes.maketrans(b"0123456789abcdef", b"0" * 16)
_CELL = re.compile(rb'"(0{64})?"(?:,|$)')
_MARKS = b'[]",'


@dataclass(frozen=True)
class HashedRows:
    """Rows of `width` cells, each 64 lower-case digits or empty, as the compact JSON `data`.

    `shapes` are those of the rows in their order, and `kinds` says of each which cells are filled.
    """

    data: bytes
    width: int
    shapes: Sequence[bytes]
    kinds: dict[bytes, tuple[bool, ...]]

    @classmethod
    def of(cls, data: bytes) -> HashedRows | None:
        """Return the rows of a JSON array, None where it is not of this form."""
        shapes = _shapes(data.translate(_SHAPE))
        kinds = {shape: _filled(shape) for shape in set(shapes)}
        widths = {len(kind) for kind in kinds.values()}
        if len(widths) != 1 or widths == {0}:
            return None
        return cls(data, widths.pop(), shapes, kinds)

    def __len__(self) -> int:
        return len(self.shapes)

    def __iter__(self) -> Iterator[Any]:
        return iter(orjson.loads(self.data))

    @property
    def digest(self) -> str:
        """Return the digest of the rows as sent, as the journal has it of any rows."""
        return hashlib.sha256(self.data).hexdigest()

    def packed(self, schema: Schema) -> list[tuple[bytes, bytes]] | None:
        """Return the rows packed, None where not all keys are hashed ones, or a row has no cell filled."""
        if not schema.is_hashed or len(schema.keys) != self.width:
            return None
        layouts = {shape: schema.layout(kind) for shape, kind in self.kinds.items()}
        if not all(mask for mask, _ in layouts.values()):
            return None
        digits = binascii.unhexlify(self.data.translate(None, _MARKS))
        sizes = {shape: 32 * sum(kind) for shape, kind in self.kinds.items()}
        if len(layouts) == 1:
            ((mask, runs),), (size,) = layouts.values(), sizes.values()
            cells = [
                [digits[at : at + run.stop - run.start] for at in range(run.start, len(digits), size)]
                for run in runs
            ]
            people = [b"".join(one) for one in zip(repeat(mask), *cells)]
        else:
            people, at = [], 0
            for shape in self.shapes:
                mask, runs = layouts[shape]
                row = digits[at : (at := at + sizes[shape])]
                people.append(mask + row if len(runs) == 1 else b"".join((mask, *map(row.__getitem__, runs))))
        return list(zip(people, repeat(b"")))


def loads(body: bytes) -> Any:
    """Return a JSON body's value, with the `data` of its `payload` as HashedRows if it is of that form.

    Raises ValueError where the body is not JSON.
    """
    start = body.find(_KEY + b"[[") + len(_KEY)
    end = body.rfind(b"]]") + 2
    if len(_KEY) <= start < end and (rows := HashedRows.of(body[start:end])) is not None:
        rest = body[:start] + b"null" + body[end:]
        value = orjson.loads(rest)
        payload = value.get("payload") if isinstance(value, dict) else None
        # The only key of this name: else another one's value may be meant.
        if isinstance(payload, dict) and payload.get("data", 0) is None and rest.count(b'"data"') == 1:
            payload["data"] = rows
            return value
    return orjson.loads(body)


def _shapes(text: bytes) -> Sequence[bytes]:
    """Return the rows' shapes, none where it is no array of arrays.

    Mostly all are the first one's, which is seen without cutting the text in pieces.
    """
    if not (text.startswith(b"[[") and text.endswith(b"]]")):
        return ()
    first = text[2 : end if (end := text.find(b"],[")) > 0 else -2]
    period, rows = len(first) + 3, memoryview(text)[2:-2]
    count, rest = divmod(len(rows) + 3, period)
    if not rest and (count == 1 or rows[period:] == rows[:-period]):  # each repeats the one before
        return [first] * count
    return text[2:-2].split(b"],[")


def _filled(shape: bytes) -> tuple[bool, ...]:
    """Return which cells a row of this shape has filled; no cell where it has others than those of hashes."""
    cells = list(_CELL.finditer(shape))
    if b"".join(one[0] for one in cells) != shape or shape.endswith(b","):
        return ()
    return tuple(one[1] is not None for one in cells)
