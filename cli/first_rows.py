"""The first rows of a local file as a file of its own, in the same format, encoding and compression."""

from __future__ import annotations

import gzip
import io
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from contextlib import closing

import pyarrow as pa
import pyarrow.parquet as pq
from activation.drops.chunk import Chunk, DropReader
from activation.drops.delimited import DelimitedReader
from activation.drops.folder_reader import FolderReader
from activation.drops.json_lines import JsonLinesReader
from activation.drops.parquet_file import ParquetReader
from activation.drops.source import BytesSource
from activation.drops.text import Text
from activation.errors import Rejected
from activation.model import Cursor

_ENDINGS = re.compile(r"(?:\.(?:csv|tsv|txt|jsonl?|ndjson|parquet|pq|gz|gzip|zst|zstd))*\Z", re.IGNORECASE)


def first_name(name: str, count: int) -> str:
    """Return the name of a file of the first `count` rows: people.first-10-rows.csv.gz, of people.csv.gz."""
    endings = _ENDINGS.search(name)
    cut = endings.start() if endings and endings.start() else len(name)
    return f"{name[:cut]}.first-{count}-{'row' if count == 1 else 'rows'}{name[cut:]}"


def first_of(reader: DropReader, count: int) -> BytesSource:
    """Return the first rows of a file, or of the first file of a folder that has any; raises as `first_rows`."""
    if not isinstance(reader, FolderReader):
        return BytesSource(first_rows(reader, count))
    for index in range(len(reader.files.members)):
        one = reader.open_file(index)
        if one is not None and next(one.chunks(Cursor()), None) is not None:
            return BytesSource(first_rows(one, count))
    raise Rejected("no_rows", "the folder has no rows")


def first_rows(reader: DropReader, count: int) -> bytes:
    """Return a file of the first `count` source rows of an opened one, all of them where it has fewer.

    Rows that cannot be read are among them, as in the file. Raises Rejected when the file cannot be read that far,
    or has no rows.
    """
    packing = reader.format.partition("+")[2]
    if isinstance(reader, ParquetReader):
        return _packed(_parquet(reader, count), packing)
    if not isinstance(reader, DelimitedReader | JsonLinesReader):
        raise TypeError(f"no way is known to cut a file of the format {reader.format}")
    end = _end(reader.chunks(Cursor()), count)
    return _packed(_encoded(_cut(reader.text, end), reader.text), packing)


def _end(chunks: Iterator[Chunk], count: int) -> int:
    """Return the offset in the text after the first `count` rows."""
    place = None
    for chunk in chunks:
        last = chunk.first_row + chunk.row_count - 1
        place = chunk.cursor_after(min(count, last)).position
        if last >= count:
            break
    if place is None:
        raise Rejected("no_rows", "the file has no rows")
    return place


def _cut(text: Text, end: int) -> bytes:
    """Return the text's bytes up to a place, header included."""
    body = bytearray()
    pieces = text.stream()
    with closing(pieces):  # type: ignore[type-var]  # a generator
        for piece in pieces:
            body += piece
            if len(body) >= end:
                break
    return bytes(body[:end])


def _encoded(body: bytes, text: Text) -> bytes:
    """Return a cut text as the file has it: UTF-16, which is read as UTF-8, with its own mark and byte order."""
    if not text.transcoded:
        return body
    stored, _ = Text(text.source, text.limits, text.compression).head()
    big = stored.startswith(BOM_UTF16_BE)
    mark, encoding = (BOM_UTF16_BE, "utf-16-be") if big else (BOM_UTF16_LE, "utf-16-le")
    return mark + body.decode().removeprefix("\ufeff").encode(encoding)


def _parquet(reader: ParquetReader, count: int) -> bytes:
    batches, left = [], count
    for batch in reader.file.iter_batches(count, use_threads=False):
        batches.append(batch.slice(0, left))
        left -= batches[-1].num_rows
        if not left:
            break
    if not batches:
        raise Rejected("no_rows", "the file has no rows")
    file = io.BytesIO()
    pq.write_table(pa.Table.from_batches(batches, reader.file.schema_arrow), file)
    return file.getvalue()


def _packed(body: bytes, packing: str) -> bytes:
    if packing == "gzip":
        return gzip.compress(body, mtime=0)
    if packing == "zstd":
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, "zstd") as stream:
            stream.write(body)
        return bytes(sink.getvalue())
    return body
