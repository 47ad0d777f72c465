"""Columns to the file that TikTok accepts, and the file to a request's body, without a Python object per cell.

https://business-api.tiktok.com/portal/docs?id=1739940567842818 (upload an audience file, read 2026-04-18)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from activation.identifiers.widths import texts_of
from activation.platforms.request import Stream

from lambdas.tiktok.repeats import repeated

MULTIPLE_TYPES = "MULTIPLE_TYPES"
# Two names of one type: TikTok's file API accepts both, its create call only the second.
ALIASES = {"MAID_SHA256": "FIRST_SHA256", "MAID_MD5": "FIRST_MD5"}
# The header cells of a file with several types; all kinds of device ids share one.
HEADERS = {
    "EMAIL_SHA256": "email_SHA256",
    "PHONE_SHA256": "phone_SHA256",
    "IDFA_SHA256": "MAID_SHA256",
    "GAID_SHA256": "MAID_SHA256",
    "FIRST_SHA256": "MAID_SHA256",
    "IDFA_MD5": "MAID_MD5",
    "GAID_MD5": "MAID_MD5",
    "FIRST_MD5": "MAID_MD5",
}
# The blank column beside the only one of a file of several types.
BESIDE = {"EMAIL_SHA256": "PHONE_SHA256"}
CELL_END = 2**31 - 1  # of any cell, wherever that is
PIECE_ROWS = 16_384  # rows written at a time: about a megabyte


@dataclass(frozen=True)
class Multipart:
    """A form with one file: its body, and the Content-Type that names its boundary."""

    content_type: str
    body: Stream


def calculate_type(keys: Sequence[str]) -> str:
    """Return the type of a file with these columns, as the create call names it."""
    return ALIASES.get(keys[0], keys[0]) if len(keys) == 1 else MULTIPLE_TYPES


@dataclass(frozen=True)
class Csv:
    """A file: its header, and its rows as columns; `repeated` marks rows that are not written.

    ASCII, LF, no quotes, no blank line, no line twice. TikTok ignores repetitions. A single column has no
    header; several columns have one, and only then may a cell be empty.
    """

    header: bytes
    columns: pa.Table
    repeated: pa.Array | None

    def lines(self) -> Iterator[memoryview]:
        """Yield the rows' lines, many in a piece."""
        begin = 0
        for batch in self.columns.to_batches(max_chunksize=PIECE_ROWS):
            texts = [pc.fill_null(column.cast(pa.string()), "") for column in batch.columns]
            rows = texts[0] if len(texts) == 1 else pc.binary_join_element_wise(*texts, ",")
            if self.repeated is not None:
                rows = rows.filter(pc.invert(self.repeated.slice(begin, len(rows))))
            begin += batch.num_rows
            if len(rows):
                yield texts_of(pc.binary_replace_slice(rows, start=CELL_END, stop=CELL_END, replacement=b"\n"))


def csv(columns: pa.Table, of_type: str) -> Csv:
    """Return the file of these columns of digests, named by their keys.

    An audience of several types accepts no file of one: `of_type` MULTIPLE_TYPES gives a single column a blank one
    beside it.
    """
    repetitions = repeated(columns)
    if of_type == MULTIPLE_TYPES and columns.num_columns == 1:
        beside = BESIDE.get(columns.schema.names[0], "EMAIL_SHA256")
        columns = columns.append_column(beside, pa.nulls(columns.num_rows, pa.string()))
    keys = columns.schema.names
    header = ",".join(HEADERS[ALIASES.get(key, key)] for key in keys).encode() + b"\n" if len(keys) > 1 else b""
    return Csv(header, columns, repetitions)


def multipart(fields: dict[str, str], file: Csv) -> Multipart:
    """Return the form: `fields`, the MD5 of exactly the file's bytes, and the file.

    The lines are generated twice, for the checksum and for sending, so that they need not be kept in memory. The
    same file gives the same body, boundary included. Nothing in the file can look like the boundary: its lines are
    hashes.
    """
    checksum, size_bytes = hashlib.md5(file.header, usedforsecurity=False), len(file.header)
    for piece in file.lines():
        checksum.update(piece)
        size_bytes += len(piece)
    signature = checksum.hexdigest()
    boundary = f"activation-{signature}"
    text = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in {**fields, "file_signature": signature}.items()
    )
    text += (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{signature}.csv"\r\n'
        "Content-Type: text/csv\r\n\r\n"
    )
    head, tail = text.encode(), f"\r\n--{boundary}--\r\n".encode()

    def pieces() -> Iterator[bytes | memoryview]:
        yield head + file.header
        yield from file.lines()
        yield tail

    return Multipart(
        f"multipart/form-data; boundary={boundary}", Stream(len(head) + size_bytes + len(tail), pieces)
    )
