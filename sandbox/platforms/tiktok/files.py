"""Uploaded files: their identifiers, packed, and the malformed rows, which TikTok only reports later.

Layout: https://business-api.tiktok.com/portal/docs?id=1739940567842818 (read 2026-11-22). What that page leaves
open (byte order mark, blank lines, quotes, a header above a single type) is read strictly here: such rows are
malformed. Upper-case hexadecimal digits and lines that end in CRLF are not: nothing says that TikTok refuses them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.platforms.tiktok.errors import (
    FILE_CALCULATE_TYPE,
    FILE_EMPTY,
    FILE_SPECIFICATION,
    FILE_SUFFIX,
    FILE_TOO_LARGE,
    SIGNATURE,
    TikTokError,
)

MULTIPLE = "MULTIPLE_TYPES"
# The number of hexadecimal digits of each type; MAID is a plaintext device id, allowed only beside hashed columns.
DIGITS = {
    "EMAIL_SHA256": 64,
    "PHONE_SHA256": 64,
    "IDFA_SHA256": 64,
    "GAID_SHA256": 64,
    "IDFA_MD5": 32,
    "GAID_MD5": 32,
    "FIRST_SHA256": 64,
    "FIRST_MD5": 32,
    "MAID_SHA256": 64,
    "MAID_MD5": 32,
}
ALIASES = {"MAID_SHA256": "FIRST_SHA256", "MAID_MD5": "FIRST_MD5"}  # for uploads only
UPLOAD_TYPES = (*DIGITS, MULTIPLE)
CREATE_TYPES = tuple(one for one in UPLOAD_TYPES if one not in ALIASES)
HEADERS = {
    "maid": re.compile(rb"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"),
    "phone_sha256": re.compile(rb"[0-9A-Fa-f]{64}"),
    "email_sha256": re.compile(rb"[0-9A-Fa-f]{64}"),
    "maid_sha256": re.compile(rb"[0-9A-Fa-f]{64}"),
    "maid_md5": re.compile(rb"[0-9A-Fa-f]{32}"),
}
MOST_OF_A_HEADER = 3


@dataclass(frozen=True)
class Contents:
    """A file's identifiers, each once, in the order of the file, and the number of malformed rows.

    An identifier is the hash's bytes, or for MULTIPLE_TYPES the row as sent, in lower case.
    """

    calculate_type: str
    identifiers: dict[bytes, None]
    rows: int
    malformed: int
    digest: str


@dataclass(frozen=True)
class File:
    """A file that the advertiser may use in a create or an update."""

    path: str
    advertiser_id: str
    uploaded: float
    contents: Contents


def contents_of(data: bytes, calculate_type: str) -> Contents:
    """Read a file; raises TikTokError if its header is not that of a MULTIPLE_TYPES file."""
    kind = ALIASES.get(calculate_type, calculate_type)
    lines = data.replace(b"\r\n", b"\n")
    if kind == MULTIPLE:
        identifiers, rows, malformed = _columns(lines)
    else:
        identifiers, rows, malformed = _hashes(lines, DIGITS[kind])
    return Contents(kind, identifiers, rows, malformed, hashlib.sha256(data).hexdigest())


def check_upload(data: bytes, name: str, signature: str, calculate_type: str, max_bytes: int) -> None:
    """Raise TikTokError for what TikTok refuses at once: suffix, size, signature and type."""
    if calculate_type not in UPLOAD_TYPES:
        raise TikTokError(FILE_CALCULATE_TYPE, "The calculate_type is invalid.")
    if not name.endswith((".csv", ".txt")):
        raise TikTokError(FILE_SUFFIX, "The file type is not supported.")
    if not data:
        raise TikTokError(FILE_EMPTY, "The file is empty.")
    if len(data) > max_bytes:
        raise TikTokError(FILE_TOO_LARGE, "The file is too large.")
    if hashlib.md5(data, usedforsecurity=False).hexdigest() != signature:
        raise TikTokError(SIGNATURE, "The file signature does not match the file.")


def shown(calculate_type: str, identifiers: dict[bytes, None]) -> Iterator[Any]:
    """Yield identifiers as they were sent: a line, or for MULTIPLE_TYPES a row of cells."""
    for one in list(identifiers):
        yield one.decode().split(",") if calculate_type == MULTIPLE else one.hex()


def _lines(data: bytes) -> list[bytes]:
    lines = data.split(b"\n")
    return lines[:-1] if lines[-1] == b"" else lines


def _hashes(data: bytes, digits: int) -> tuple[dict[bytes, None], int, int]:
    """Read one hash a line: all at once if every line is well-formed, else line by line."""
    body = data if data.endswith(b"\n") else data + b"\n"
    count, rest = divmod(len(body), digits + 1)
    if rest == 0 and body[digits :: digits + 1] == b"\n" * count:
        packed = _packed(body.replace(b"\n", b""))
        if packed is not None and len(packed) == count * digits // 2:
            size = digits // 2
            return (
                dict.fromkeys([packed[at : at + size] for at in range(0, len(packed), size)]),
                count,
                0,
            )
    form = re.compile(rb"[0-9A-Fa-f]{%d}" % digits)
    lines = _lines(data)
    good = [bytes.fromhex(line.decode()) for line in lines if form.fullmatch(line)]
    return dict.fromkeys(good), len(lines), len(lines) - len(good)


def _packed(digits: bytes) -> bytes | None:
    try:
        return bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        return None


def _columns(data: bytes) -> tuple[dict[bytes, None], int, int]:
    header, *lines = _lines(data)
    names = [name.decode("latin-1").lower() for name in header.split(b",")]
    if any(name not in HEADERS or names.count(name) > MOST_OF_A_HEADER for name in names):
        raise TikTokError(FILE_SPECIFICATION, "The file you want to upload does not meet the specifications.")
    forms = [HEADERS[name] for name in names]
    found: dict[bytes, None] = {}
    malformed = 0
    for line in lines:
        cells = line.split(b",")
        fits = len(cells) == len(forms) and any(cells)
        if fits and all(not cell or form.fullmatch(cell) for form, cell in zip(forms, cells, strict=True)):
            found[line.lower()] = None
        else:
            malformed += 1
    return found, len(lines), malformed
