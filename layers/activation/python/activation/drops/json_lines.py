"""JSON Lines: one flat object a line, its keys the columns, every value as exactly the text it stands for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from activation.drops.blocks import CursorAfter, Records
from activation.drops.chunk import Chunk
from activation.drops.codes import refused
from activation.drops.records import Split
from activation.drops.screen import is_utf8, screened
from activation.drops.text import Text
from activation.model import Cursor


class _UnusableRow(ValueError):
    """A line that is no row; its argument is the row's code."""


@dataclass(frozen=True)
class JsonLinesReader:
    """A JSON Lines text, opened.

    `keys` are the objects' keys in the order the file's first part shows them, and `integers` those whose
    values are whole numbers there, which only says what is tried first: a column may mix numbers and texts.
    Numbers keep their digits, true and false are those words, null and an absent key give a null cell.
    """

    format: str
    header: tuple[str, ...]
    text: Text
    body: int
    keys: tuple[str, ...]
    integers: frozenset[str] = frozenset()

    def chunks(self, start: Cursor) -> Iterator[Chunk]:
        """Stream the rows behind `start`; raises Rejected at a line too long, Retryable by S3."""
        return Records(self.text, self.body, "", self._parse).chunks(start)

    def _parse(self, records: Split, first_row: int, cursor_after: CursorAfter) -> Chunk | None:
        count = len(records.starts)
        if not count:
            return None
        malformed: dict[int, str] = {}
        columns = self._at_once(records)
        if columns is None:
            columns = self._one_by_one(records, first_row, malformed)
        rows = pa.arange(first_row, first_row + count)
        if malformed:
            rows = rows.filter(pc.invert(pc.is_in(rows, pa.array(sorted(malformed), pa.int64()))))
        # A NUL in a JSON text is always written as an escape.
        suspects = [("\0", "nul_in_cell")] if b"\\u0000" in records.block else []
        columns, rows = screened(columns, rows, malformed, suspects)
        batch = pa.RecordBatch.from_arrays(columns, names=list(self.header))
        return Chunk(first_row, count, batch, rows, cursor_after, malformed)

    def _at_once(self, records: Split) -> list[pa.Array] | None:
        """Parse a block in one call, or give None where a line of it needs to be looked at by itself."""
        data = pa.py_buffer(records.block).slice(0, records.end)
        view = pa.Array.from_buffers(pa.uint8(), records.end, [None, data])
        # Arrow would read two objects on a line, or one on two lines. If every line begins and ends with a
        # brace and there are as many objects as lines, each line is an object.
        firsts = view.take(records.starts)
        lasts = view.take(pc.subtract(records.stops, pa.scalar(1, pa.uint64())))
        braced = pc.and_(pc.equal(firsts, ord("{")), pc.equal(lasts, ord("}")))
        if not pc.all(braced).as_py() or not is_utf8(data):
            return None
        schema = pa.schema((key, pa.int64() if key in self.integers else pa.string()) for key in self.keys)
        try:
            table = pa.json.read_json(
                pa.BufferReader(data),
                read_options=pa.json.ReadOptions(use_threads=False, block_size=data.size + 1),
                parse_options=pa.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error"),
            )
        except pa.ArrowInvalid:
            return None
        if table.num_rows != len(records.starts):
            return None
        return [table[key].combine_chunks().cast(pa.string()) for key in self.keys]

    def _one_by_one(self, records: Split, first_row: int, malformed: dict[int, str]) -> list[pa.Array]:
        """Parse line by line; lines that are no rows go to `malformed`."""
        known = frozenset(self.keys)
        cells: dict[str, list[str | None]] = {key: [] for key in self.keys}
        bounds = zip(records.starts.to_pylist(), records.stops.to_pylist(), strict=True)
        for row, (begin, end) in enumerate(bounds, first_row):
            try:
                values = row_of(records.block[begin:end])
                if not values.keys() <= known:
                    raise _UnusableRow("unexpected_key")
            except _UnusableRow as unusable:
                malformed[row] = str(unusable)
                continue
            for key, column in cells.items():
                column.append(values.get(key))
        return [pa.array(column, pa.string()) for column in cells.values()]


def row_of(line: bytes) -> dict[str, str | None]:
    """Return a line's values as texts; raises ValueError with the row's code where it is no row."""
    try:
        values = json.loads(
            line.decode(), object_pairs_hook=_object, parse_int=_whole, parse_float=str, parse_constant=_no_number
        )
    except _UnusableRow:
        raise
    except UnicodeDecodeError:
        raise _UnusableRow("not_utf8") from None
    except ValueError:
        raise _UnusableRow("bad_json") from None
    except RecursionError:
        raise _UnusableRow("nested_value") from None
    if not isinstance(values, dict):
        raise _UnusableRow("bad_json")
    return {_encodable(key): _text(value) for key, value in values.items()}


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise _UnusableRow("duplicate_key")
    return values


def _whole(digits: str) -> str:
    return "0" if digits == "-0" else digits


def _no_number(_name: str) -> None:
    raise _UnusableRow("bad_json")


def _encodable(text: str) -> str:
    """Return a text back, unless it holds half of a surrogate pair, written as an escape."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise _UnusableRow("bad_json") from None
    return text


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return _encodable(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return None
    raise _UnusableRow("nested_value")


def keys_of(head: bytes) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the keys of the objects in a file's first lines, and which of them hold whole numbers only.

    Raises Rejected when no line is a flat object.
    """
    whole: dict[str, bool] = {}
    for line in head.splitlines():
        try:
            row = row_of(line)
        except _UnusableRow:
            continue
        # A whole number's digits are none of our business here: those of one too long would be an error.
        for key, value in json.loads(line, parse_int=lambda _: 0).items():
            if row[key] is not None:
                whole[key] = whole.get(key, True) and type(value) is int
            else:
                whole.setdefault(key, True)
    if not whole:
        raise refused("header_unusable", why="no line in the first part of the file is a flat JSON object")
    return tuple(whole), frozenset(key for key, numbers in whole.items() if numbers)
