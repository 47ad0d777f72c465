"""What the files of a folder have in common: one format and one header, checked before a row of any is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from activation.drops.chunk import DropReader
from activation.drops.codes import refused
from activation.drops.delimited import DelimitedReader
from activation.drops.flat_json import Keys, merged
from activation.drops.folder_files import FolderFiles
from activation.drops.header import checked_names
from activation.drops.json_lines import JsonLinesReader
from activation.drops.parquet_file import ParquetReader
from activation.identifiers.showable import shown

OPENED_AT_ONCE = 8
_SPOKEN = {"csv": "CSV", "tsv": "TSV", "list": "a list", "jsonl": "JSON Lines", "parquet": "Parquet"}
RowGroups = tuple[tuple[int, int], ...]  # of one Parquet file: rows and stored bytes of each


@dataclass(frozen=True)
class FolderHeader:
    """The header of all files of a folder.

    `format`, `names` and `nested` are as in DropReader. `keys` are those of all files of JSON Lines together, None
    for any other format. `sealed` are the indexes of files that cannot be read from the middle: compressed ones.
    `groups` are, by file, the row groups of Parquet, empty for any other format.
    """

    format: str
    names: tuple[str, ...]
    nested: tuple[str, ...] = ()
    keys: Keys | None = None
    sealed: tuple[int, ...] = ()
    groups: tuple[RowGroups, ...] = ()


@dataclass(frozen=True)
class _Look:
    """What one file shows of itself; `name` is the file's."""

    name: str
    format: str
    names: tuple[str, ...]
    nested: tuple[str, ...]
    keys: Keys | None
    sealed: bool
    groups: RowGroups

    @property
    def kind(self) -> str:
        """Return the format without its compression."""
        return self.format.partition("+")[0]


def common_header(files: FolderFiles, tick: Callable[[], None] = lambda: None) -> FolderHeader:
    """Read the header of every file, several at a time; files without a row or a header have no say.

    The first file decides: the others have to have its format and its columns in its order. Files of JSON Lines
    may have different keys, as their lines may: the columns are those of all files, as if they were one.
    `tick` is called after each file, and what it raises ends the reading.

    Raises Rejected: headers_differ, empty_file when no file has a row or a header, and whatever refuses a file.
    """

    def look(index: int) -> _Look | None:
        reader = files.open(index)
        return _look(files.name(index), reader) if reader else None

    looks: list[_Look | None] = []
    pool = ThreadPoolExecutor(OPENED_AT_ONCE, "headers")
    try:
        for one in pool.map(look, range(len(files.members))):
            looks.append(one)
            tick()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    found = [one for one in looks if one]
    if not found:
        raise refused("empty_file")
    first = found[0]
    for one in found[1:]:
        if difference := _difference(first, one, is_list=files.single is not None):
            raise refused("headers_differ", file=one.name, first=first.name, what=difference)
    keys = merged(one.keys for one in found if one.keys) if first.keys else None
    lists = keys.lists if keys else tuple(dict.fromkeys(name for one in found for name in one.nested))
    return FolderHeader(
        format=first.format if all(one.format == first.format for one in found) else first.kind,
        names=_names(files, first, keys),
        nested=lists if files.single is None else (),
        keys=keys,
        sealed=tuple(index for index, one in enumerate(looks) if one and one.sealed),
        groups=tuple(one.groups if one else () for one in looks) if first.kind == "parquet" else (),
    )


def _look(name: str, reader: DropReader) -> _Look:
    text = reader.text if isinstance(reader, DelimitedReader | JsonLinesReader) else None
    return _Look(
        name,
        reader.format,
        reader.header,
        reader.nested,
        reader.seen if isinstance(reader, JsonLinesReader) else None,
        sealed=not text.seekable if text else reader.format != "parquet",
        groups=reader.groups if isinstance(reader, ParquetReader) else (),
    )


def _names(files: FolderFiles, first: _Look, keys: Keys | None) -> tuple[str, ...]:
    if keys is None or files.single is not None:
        return first.names
    return checked_names([*keys.flat], "", files.limits.columns)


def _difference(first: _Look, other: _Look, *, is_list: bool) -> str:
    """Return how a file differs from the first one, "" if it does not."""
    if other.kind != first.kind:
        return f"it is {_SPOKEN[other.kind]}, not {_SPOKEN[first.kind]}"
    if first.keys and other.keys:
        return _columns_differ(first.keys.flat, other.keys.flat) if is_list else ""
    return _columns_differ(first.names, other.names)


def _columns_differ(first: Sequence[str], other: Sequence[str]) -> str:
    if first == other:
        return ""
    if sorted(first) == sorted(other):
        return "its columns are in another order"
    if len(first) != len(other):
        return f"it has {len(other)} columns, not {len(first)}"
    at = next(at for at, (one, two) in enumerate(zip(first, other, strict=True)) if one != two)
    mine, wanted = shown(other[at], "otherwise"), shown(first[at], "as there")
    return f"its column {at + 1} is called {mine}, not {wanted}"
