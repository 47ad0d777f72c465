"""Columns to the file TikTok takes, and the file to a request's body, without a Python object per cell.

https://business-api.tiktok.com/portal/docs?id=1739940567842818 (upload an audience file, read 2026-04-18)
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

MULTIPLE_TYPES = "MULTIPLE_TYPES"
# Names that mean one type: TikTok's file API knows both, its create call only the second.
ALIASES = {"MAID_SHA256": "FIRST_SHA256", "MAID_MD5": "FIRST_MD5"}
# The header cells of a file of several types; device ids of any kind share one.
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


@dataclass(frozen=True)
class Multipart:
    """A form with one file: the body's bytes and the Content-Type that names its boundary."""

    content_type: str
    body: bytes


def calculate_type(keys: Sequence[str]) -> str:
    """Name the type of a file with these columns, as the create call wants it."""
    return ALIASES.get(keys[0], keys[0]) if len(keys) == 1 else MULTIPLE_TYPES


def csv(columns: pa.RecordBatch) -> tuple[bytes, pa.Buffer]:
    """Write the file in two parts, header and lines: ASCII, LF, no quotes, no blank line, no line twice.

    A file of one type has no header, one of several must have it. A cell without a value is empty, which only
    files of several types have.
    """
    keys = columns.schema.names
    texts = [columns.column(index).cast(pa.string()) for index in range(len(keys))]
    if len(keys) == 1:
        return b"", _lines(texts[0].drop_null())
    header = ",".join(HEADERS[ALIASES.get(key, key)] for key in keys)
    rows = pc.binary_join_element_wise(*(pc.fill_null(column, "") for column in texts), ",")
    return header.encode() + b"\n", _lines(rows)


def _lines(rows: pa.Array) -> pa.Buffer:
    """Put each row on a line of its own, once; a repeated line does not count at TikTok."""
    distinct = pc.unique(rows)
    as_one_list = pa.ListArray.from_arrays(pa.array([0, len(distinct)], pa.int32()), distinct)
    return pc.binary_join(as_one_list, "\n")[0].as_buffer()


def multipart(fields: dict[str, str], header: bytes, lines: pa.Buffer) -> Multipart:
    """Build the form: `fields`, the MD5 of exactly the file's bytes, and the file.

    The same file gives the same body, boundary included. Nothing in the file can look like the boundary: its
    lines are hashes.
    """
    checksum = hashlib.md5(header, usedforsecurity=False)
    checksum.update(lines)
    checksum.update(b"\n")
    signature = checksum.hexdigest()
    boundary = f"activation-{signature}"
    head = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in {**fields, "file_signature": signature}.items()
    )
    head += (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{signature}.csv"\r\n'
        "Content-Type: text/csv\r\n\r\n"
    )
    body = b"".join((head.encode(), header, lines, f"\n\r\n--{boundary}--\r\n".encode()))
    return Multipart(f"multipart/form-data; boundary={boundary}", body)
