"""What a file is, by its first bytes and never by its suffix."""

from __future__ import annotations

import json
from dataclasses import dataclass

from activation.drops.codes import refused

_PARQUET = b"PAR1"
_ZSTD = b"\x28\xb5\x2f\xfd"

# Magic numbers of what is refused, with what the operator is told.
_REFUSED: tuple[tuple[bytes, str, str], ...] = (
    (b"PARE", "encrypted_parquet", ""),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xlsx_file", ""),
    (b"\x00\x00\xfe\xff", "utf32_file", ""),
    (b"\xff\xfe\x00\x00", "utf32_file", ""),
    (b"BZh", "unknown_format", "compressed with bzip2"),
    (b"\xfd7zXZ\x00", "unknown_format", "compressed with xz"),
    (b"\x04\x22\x4d\x18", "unknown_format", "compressed with lz4"),
    (b"7z\xbc\xaf\x27\x1c", "unknown_format", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "unknown_format", "a RAR archive"),
    (b"%PDF-", "unknown_format", "a PDF document"),
    (b"Obj\x01", "unknown_format", "an Avro file"),
    (b"ORC", "unknown_format", "an ORC file"),
    (b"ARROW1\x00\x00", "unknown_format", "an Arrow file"),
    (b"SQLite format 3\x00", "unknown_format", "an SQLite database"),
)
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_BOMS = ((b"\xef\xbb\xbf", ""), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_LINE_CONTROLS = frozenset(b"\t\n\r\x0c\x1a\x1b\x1e\x1f\x00")
_OTHER_CONTROLS = bytes({*range(0x20)} - _LINE_CONTROLS)


def compression(head: bytes) -> str:
    """Return "gzip", "zstd" or "" for the first bytes of a file."""
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    # A zstd file may begin with a frame to be skipped: 0x184D2A50 to 0x184D2A5F.
    if head.startswith(_ZSTD) or (head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50):
        return "zstd"
    return ""


def is_parquet(head: bytes) -> bool:
    """Return whether the first bytes are Parquet's, and not those of a text that begins with the same letters."""
    return head.startswith(_PARQUET) and not _is_text(head)


def refuse_binary(head: bytes) -> None:
    """Raise Rejected when the first bytes, compression taken off, are of a format that is not read."""
    if head.startswith(_ZIP):
        sheet = any(name in head for name in (b"[Content_Types].xml", b"xl/", b"opendocument.spreadsheet"))
        raise refused("xlsx_file" if sheet else "zip_file")
    for magic, code, seen in _REFUSED:
        # A text may begin with a short magic that is made of letters; what follows it tells.
        if head.startswith(magic) and not (magic.isalnum() and _is_text(head)):
            raise refused(code, seen=seen)
    if compression(head):
        raise refused("unknown_format", seen="compressed twice")


def _is_text(head: bytes) -> bool:
    sample = head[:4096]
    return sum(byte < 0x20 and byte not in b"\t\n\r" for byte in sample) == 0


@dataclass(frozen=True)
class Marked:
    """What a byte order mark says: its length, and "utf-16" or ""."""

    size_bytes: int = 0
    encoding: str = ""


def byte_order_mark(head: bytes) -> Marked:
    """Read the byte order mark; without one, raise Rejected when the text is UTF-16 all the same, or no text."""
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return Marked(len(mark), encoding)
    sample = head[:4096]
    nuls = sample.count(0)
    # Latin text in UTF-16 has a NUL in every second byte; a stray NUL in a cell is that row's matter.
    if nuls * 5 >= len(sample) and max(sample[::2].count(0), sample[1::2].count(0)) * 10 >= nuls * 9:
        raise refused("utf16_without_bom")
    controls = len(sample) - len(sample.translate(None, _OTHER_CONTROLS))
    if nuls * 5 >= len(sample) or controls * 20 > len(sample):
        raise refused("unknown_format", seen="binary data of a kind that is not known here")
    return Marked()


def is_json_lines(head: bytes) -> bool:
    """Return whether a text is JSON Lines, not delimited; raises Rejected for a JSON document, HTML and XML."""
    text = head.lstrip()
    if text.startswith(b"<"):
        lower = text[:4096].lower()
        html = any(tag in lower for tag in (b"<html", b"<!doctype html", b"<head", b"<body"))
        raise refused("html_page" if html else "xml_document")
    if text.startswith(b"["):
        raise refused("json_document")
    if not text.startswith(b"{"):
        return False
    line = text.splitlines()[0].strip()
    if line.endswith(b"}") or b"\n" not in text:
        return True
    try:
        json.loads(line)
    except ValueError:
        raise refused("json_document") from None
    return True
