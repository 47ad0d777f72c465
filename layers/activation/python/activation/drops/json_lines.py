"""JSON Lines: one object a line, its keys the columns, every value as exactly the text it stands for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from activation.drops.blocks import CursorAfter, Records
from activation.drops.chunk import Chunk
from activation.drops.flat_json import Keys, UnusableRow, flat_row_of, row_of
from activation.drops.records import Split
from activation.drops.screen import is_utf8, screened
from activation.drops.text import Text
from activation.model import Cursor


@dataclass(frozen=True)
class JsonLinesReader:
    """A JSON Lines text, opened.

    `keys` are the objects' keys in the order the file's first part shows them, and `integers` those whose
    values are whole numbers there, which only says what is tried first: a column may mix numbers and texts.
    Numbers keep their digits, true and false are those words, null and an absent key give a null cell. `nested`
    are the paths that hold lists there, which are left out; `objects` those that hold objects, whose own values
    are columns under their paths. `seen` is what all of this was taken from, None if it was said.
    """

    format: str
    header: tuple[str, ...]
    text: Text
    body: int
    keys: tuple[str, ...]
    integers: frozenset[str] = frozenset()
    nested: tuple[str, ...] = ()
    objects: frozenset[str] = frozenset()
    seen: Keys | None = None

    def with_keys(self, keys: Keys, header: tuple[str, ...], nested: tuple[str, ...]) -> JsonLinesReader:
        """Return the reader for other keys than those of its own first part: those of all files of its folder."""
        return replace(
            self,
            header=header,
            keys=keys.flat,
            integers=keys.integers,
            nested=nested,
            objects=keys.objects,
            seen=keys,
        )

    def chunks(self, start: Cursor) -> Iterator[Chunk]:
        """Stream the rows after `start`; raises Rejected at a line too long, Retryable by S3."""
        return Records(self.text, self.body, "", self._parse).chunks(start)

    def _parse(self, records: Split, first_row: int, cursor_after: CursorAfter) -> Chunk | None:
        count = len(records.starts)
        if not count:
            return None
        malformed: dict[int, str] = {}
        columns = None if self.nested or self.objects else self._at_once(records)
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
                values = self._row(records.block[begin:end])
                if not values.keys() <= known:
                    raise UnusableRow("unexpected_key")
            except UnusableRow as unusable:
                malformed[row] = str(unusable)
                continue
            for key, column in cells.items():
                column.append(values.get(key))
        return [pa.array(column, pa.string()) for column in cells.values()]

    def _row(self, line: bytes) -> dict[str, str | None]:
        """Return a line's values by the paths that are columns, or by keys that are unexpected.

        In a file with lists and objects, those where its first part shows none make a line unusable; what else is
        inside an object that is known is left out.
        """
        if not self.nested and not self.objects:
            return row_of(line)
        row, known = flat_row_of(line), frozenset(self.keys)
        if (row.lists | row.objects) & known:
            raise UnusableRow("nested_value")
        return {key: text for key, text in row.cells.items() if key in known or not self._passed_over(key)}

    def _passed_over(self, key: str) -> bool:
        """Return whether a path without a column belongs to what is known to be nested."""
        inside = {key[:place] for place, letter in enumerate(key) if letter == "."} | {key}
        return not inside.isdisjoint(self.objects) or not inside.isdisjoint(self.nested)
