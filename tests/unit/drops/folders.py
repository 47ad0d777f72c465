"""Folders in memory for the tests: files of any format, and the one file that they would be together."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.parquet as pq
from activation.drops.folder_files import FolderFiles, FolderMember
from activation.drops.folder_header import common_header
from activation.drops.folder_reader import FolderReader
from activation.drops.limits import DEFAULT, ReadLimits
from activation.drops.source import BytesSource

Row = tuple[str, ...]
NAMES = ("email", "note", "zip")


def csv_of(rows: Sequence[Row], delimiter: str = ",") -> bytes:
    """Write rows below a header; a row may have too few or too many cells."""
    lines = [delimiter.join(NAMES), *(delimiter.join(_quoted(cell) for cell in row) for row in rows)]
    return "".join(f"{line}\n" for line in lines).encode()


def tsv_of(rows: Sequence[Row]) -> bytes:
    """Write rows with tabs."""
    return csv_of(rows, "\t")


def gzip_of(rows: Sequence[Row]) -> bytes:
    """Write rows as CSV inside gzip."""
    return gzip.compress(csv_of(rows))


def utf16_of(rows: Sequence[Row]) -> bytes:
    """Write rows as Excel's "Unicode text" does."""
    return tsv_of(rows).decode().encode("utf-16")


def list_of(rows: Sequence[Row]) -> bytes:
    """Write the first cell of each row, one a line, without a header."""
    return "".join(f"{row[0]}\n" for row in rows).encode()


def json_of(rows: Sequence[Row]) -> bytes:
    """Write rows as JSON Lines in which empty cells are absent."""
    objects = ({name: cell for name, cell in zip(NAMES, row, strict=False) if cell} for row in rows)
    return "".join(json.dumps(one) + "\n" for one in objects).encode()


def parquet_of(rows: Sequence[Row], group: int = 3) -> bytes:
    """Write rows as Parquet in small row groups; cells that a row lacks are empty."""
    out = io.BytesIO()
    cells = {name: [row[at] if at < len(row) else "" for row in rows] for at, name in enumerate(NAMES)}
    pq.write_table(pa.table({name: pa.array(of, pa.string()) for name, of in cells.items()}), out, group)
    return out.getvalue()


def files_of(
    files: Mapping[str, bytes], *, single: str | None = None, limits: ReadLimits = DEFAULT
) -> FolderFiles:
    """Return the files of a folder by name."""
    members = [FolderMember(name, BytesSource(data)) for name, data in files.items()]
    return FolderFiles(members, single=single, limits=limits)


def folder_of(
    files: Mapping[str, bytes], *, single: str | None = None, limits: ReadLimits = DEFAULT
) -> FolderReader:
    """Open a folder; raises what reading its headers raises."""
    opened = files_of(files, single=single, limits=limits)
    return FolderReader(common_header(opened), opened)


def _quoted(cell: str) -> str:
    return f'"{cell}"' if set(cell) & set(",\t\n") else cell
