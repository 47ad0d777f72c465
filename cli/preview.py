"""The first rows of a file cell by cell: what stands in it, what becomes of it, what would be sent.

This shows people. It is made for the screen of whoever has the file, on request, and is kept nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from activation.drops.chunk import Chunk
from activation.drops.columns import MappedColumns, shown_name
from activation.errors import Rejected
from activation.identifiers.countries import country_code
from activation.identifiers.country_of_row import COUNTRY_OF_ROW
from activation.identifiers.headers import Meaning
from activation.identifiers.identify import Cell, identify_value
from activation.identifiers.table import Context, Field
from activation.model import Cursor
from activation.pipeline.batching import Batcher

from cli.dry_run import Content, DryRun

CELL_CHARACTERS = 64  # shown of a cell, as many as a digest has


@dataclass(frozen=True)
class PreviewedCell:
    """One cell of a row.

    `column` is its column's name as it may be shown, `field` what the column fills, "" where it is not used. `raw`
    is the cell as it stands, `normalized` what is hashed, or sent as it is, `sent` what would be sent. `code` says
    why nothing is, "" where something is or where the cell is blank.
    """

    column: str
    field: str
    raw: str
    normalized: str = ""
    sent: str = ""
    code: str = ""


@dataclass(frozen=True)
class PreviewedRow:
    """One source row: its number from 1, why the whole of it is not sent ("" where it is), and its cells."""

    row: int
    code: str
    cells: tuple[PreviewedCell, ...]


def preview(run: DryRun, source: Content, count: int) -> list[PreviewedRow]:
    """Return the first `count` rows of a drop, with what the connector's own reader and batcher make of them.

    What is wrong with the file is the plan's to say: the rows before it are shown.
    """
    if not count:
        return []
    try:
        reader = run.open(source)
        mapped = run.mapped(reader)
        context = run.reading(reader, mapped).context
        batcher = run.scanned(reader, mapped, context)
    except Rejected:
        return []
    shown: list[PreviewedRow] = []
    for chunk in _first(reader.chunks(Cursor()), count):
        shown += _rows(run, mapped, batcher, reader.header, chunk)
    return shown


def _first(chunks: Iterator[Chunk], count: int) -> Iterator[Chunk]:
    """Yield the chunks of the first `count` rows, the last of them cut off."""
    left = count
    try:
        for chunk in chunks:
            rows = min(left, chunk.row_count)
            last = chunk.first_row + rows - 1
            well_formed = sum(number <= last for number in chunk.rows.slice(0, rows).to_pylist())
            yield replace(
                chunk,
                row_count=rows,
                columns=chunk.columns.slice(0, well_formed),
                rows=chunk.rows.slice(0, well_formed),
                malformed={row: code for row, code in chunk.malformed.items() if row <= last},
                cursor_after=Cursor,
            )
            left -= rows
            if not left:
                return
    except Rejected:
        return


def _rows(
    run: DryRun, mapped: MappedColumns, batcher: Batcher, header: tuple[str, ...], chunk: Chunk
) -> Iterator[PreviewedRow]:
    sent: dict[int, dict[str, str]] = {}
    codes: dict[int, dict[str, str]] = {}
    for prepared in batcher.spans([chunk], Cursor(chunk.first_row - 1), ()):
        for row, cells in zip(prepared.rows.to_pylist(), prepared.columns.to_pylist(), strict=True):
            sent[row] = {key: text for key, text in cells.items() if text is not None}
        for one in prepared.rejected.to_pylist():
            codes.setdefault(one["row"], {})[one["field"]] = one["code"]
    columns = [column.to_pylist() for column in chunk.columns.columns]
    texts = dict(zip(chunk.rows.to_pylist(), zip(*columns, strict=True), strict=True))
    for row in range(chunk.first_row, chunk.first_row + chunk.row_count):
        reasons = codes.get(row, {})
        whole = "" if row in sent else next(iter(reasons.values()), "")
        cells = _Cells(run, mapped, batcher.context, header, texts.get(row, ()), sent.get(row), reasons)
        yield PreviewedRow(row, whole, tuple(cells))


@dataclass(frozen=True)
class _Cells:
    """The cells of a row: `texts` as they stand, `sent` by wire key, None where the row is not sent, `codes`."""

    run: DryRun
    mapped: MappedColumns
    context: Context
    header: tuple[str, ...]
    texts: tuple[str | None, ...]
    sent: Mapping[str, str] | None
    codes: Mapping[str, str]

    def __iter__(self) -> Iterator[PreviewedCell]:
        for index, text in enumerate(self.texts):
            name, raw = shown_name(self.header[index], index), text or ""
            fields = [one for at, one in self.mapped.columns if at == index]
            for one in fields:
                yield self._used(name, one, raw)
            if not fields:
                yield PreviewedCell(name, "", raw)

    def _used(self, name: str, one: Field, raw: str) -> PreviewedCell:
        """Return a cell that fills a field.

        What is sent is the batcher's word. The normalised text is shown where that came from it: of several
        columns of one field it may come from another.
        """
        read = self._read(one, raw)
        values = set((self.sent or {}).values())
        if read.sent is not None and read.sent in values:
            return PreviewedCell(name, one.key, raw, read.normalized or "", read.sent)
        alone = sum(other.key == one.key for _, other in self.mapped.columns) == 1
        text = (self.sent or {}).get(one.key, "") if alone else ""
        if text:
            return PreviewedCell(name, one.key, raw, "", text)
        left_out = "" if read.sent is None else "incomplete_set" if self.sent is not None else ""
        return PreviewedCell(
            name, one.key, raw, read.normalized or "", "", self.codes.get(one.key) or read.code or left_out
        )

    def _read(self, one: Field, raw: str) -> Cell:
        """Read one cell, with the country that its row names where that is what the batcher did."""
        hashed, context = self.run.located.kind.hashed, self.context
        read = identify_value(one, raw, context, hashed=hashed)
        if (self.sent or {}).get(one.key) in (None, read.sent):
            return read
        if country := next(filter(None, self._countries()), ""):
            there = replace(context, default_country=country_code(country) or "")
            return identify_value(one, raw, there, hashed=hashed)
        return read

    def _countries(self) -> Iterator[str | None]:
        """Yield what says the row's country, sent or not, the preferred text first."""
        for key in (COUNTRY_OF_ROW, *(one.key for _, one in self.mapped.fields if Meaning.COUNTRY in one.means)):
            for use in self.mapped.several.get(key, ()):
                yield use.constant or self.texts[use.index]
        for index, other in self.mapped.columns:
            if Meaning.COUNTRY in other.means:
                yield self.texts[index]


def print_preview(rows: Sequence[PreviewedRow]) -> None:
    """Print the cells, a table for each row."""
    from rich.table import Column, Table

    from cli.printable import console, printable

    for one in rows:
        title = f"Row {one.row}" + (f": not sent, {one.code}" if one.code else "")
        columns = [Column(name, overflow="fold") for name in ("column", "cell", "field", "normalised", "sent")]
        table = Table(*columns, title=title, title_justify="left")
        for cell in one.cells:
            sent = cell.sent or (f"left out: {cell.code}" if cell.code else "")
            texts = (cell.column, cell.raw, cell.field or "not used", cell.normalized, sent)
            table.add_row(*(printable(text, most=CELL_CHARACTERS) for text in texts))
        console().print(table)
