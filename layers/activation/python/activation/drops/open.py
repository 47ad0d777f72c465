"""Open a drop: find out what it is by its content and give the reader for it."""

from __future__ import annotations

import re
from dataclasses import replace

from activation.drops import encodings, sniff
from activation.drops import header as headers
from activation.drops.chunk import ByteSource, DropReader
from activation.drops.codes import refused
from activation.drops.delimited import LIST_DELIMITER, DelimitedReader
from activation.drops.flat_json import keys_of
from activation.drops.inflate import BrokenStream
from activation.drops.json_lines import JsonLinesReader
from activation.drops.limits import DEFAULT, ReadLimits
from activation.drops.parquet_file import open_parquet
from activation.drops.quotes import ESCAPED_QUOTE, Escape, Quotes
from activation.drops.readings import escape_of
from activation.drops.records import split
from activation.drops.source import BytesSource
from activation.drops.text import Text
from activation.errors import ConfigError


def open_drop(
    source: ByteSource,
    *,
    single: str | None = None,
    declared_delimiter: str | None = None,
    declared_encoding: str | None = None,
    declared_escape: Escape | None = None,
    limits: ReadLimits = DEFAULT,
) -> DropReader:
    """Sniff a drop's content and give its reader; only the first part of the file is read.

    `single` is the identifier type of a single-column list (EMAIL_SHA256): the reader's header is then that
    name, whatever the file calls it. A declared delimiter wins over the detected one; a declared encoding
    (see encodings.py) matters to delimited text without a byte order mark, and is not checked for any other. A
    declared escape says what a backslash before a quote means, else the text's own first part does.
    Raises Rejected when the file cannot be read as it is (bad_encoding: its declared encoding is not known),
    ConfigError when a declared delimiter makes no sense.
    """
    if declared_delimiter is not None and not _can_delimit(declared_delimiter):
        raise ConfigError(
            "bad_delimiter", "The declared delimiter must be one ASCII character, no quote and no line end."
        )
    if source.size_bytes == 0:
        raise refused("empty_file")
    packing = sniff.compression(source.read(0, min(8, source.size_bytes)))
    text = Text(source, limits, packing)
    head, _ = text.head()
    if not head:
        raise refused("empty_file")
    if sniff.is_parquet(head):
        return _open_parquet(text, single)
    sniff.refuse_binary(head)
    mark = sniff.byte_order_mark(head)
    if mark.encoding:
        text = Text(source, limits, packing, transcoded=mark.encoding)
    elif not mark.size_bytes:
        text = Text(source, limits, packing, encodings.codec_of(declared_encoding or "utf-8"))
    reader = _open_text(text, 0 if mark.encoding else mark.size_bytes, single, declared_delimiter)
    if declared_escape is not None and isinstance(reader, DelimitedReader):
        return replace(reader, quotes=replace(reader.quotes, escape=declared_escape))
    return reader


def _open_text(text: Text, begin: int, single: str | None, delimiter: str | None) -> DropReader:
    head, whole = text.head()
    head = head[begin:]
    if whole and not head.strip():
        raise refused("empty_file")
    if not whole and b"\n" not in head and b"\r" not in head:
        text.refuse_broken_head()  # what is cut off is not too long
    suffix = f"+{text.compression}" if text.compression else ""
    if sniff.is_json_lines(head):
        return _open_json_lines(text, begin, head, whole, single)
    if not text.encoding:
        raise refused("bad_encoding", known=", ".join(encodings.declarable()))
    _refuse_other_encoding(head, whole, text.encoding)
    quotes = Quotes(record_bytes=text.limits.record_bytes, wide=encodings.wide(text.encoding))
    if single is not None:
        line, behind = _first_line(head, LIST_DELIMITER, whole, text, quotes)
        behind = behind if headers.is_list_header(line, single) else 0
        quotes = _quotes(quotes, head[behind:], LIST_DELIMITER, 1, whole=whole)
        return DelimitedReader(f"list{suffix}", (single,), text, begin + behind, LIST_DELIMITER, quotes)
    declared, skipped = _separator_line(head)
    head = head[skipped:]
    delimiter = delimiter or declared or headers.detect_delimiter(quotes.plain(head, "|"))
    line, behind = _first_line(head, delimiter, whole, text, quotes)
    names = headers.column_names(line, delimiter, text.limits.columns)
    kind = "tsv" if delimiter == "\t" else "csv"
    quotes = _quotes(quotes, head[behind:], delimiter, len(names), whole=whole)
    return DelimitedReader(f"{kind}{suffix}", names, text, begin + skipped + behind, delimiter, quotes)


def _quotes(quotes: Quotes, body: bytes, delimiter: str, columns: int, *, whole: bool) -> Quotes:
    """Return what quotes mean in a text, by the first part of it after its header."""
    if delimiter == "\\":
        return quotes
    found = replace(quotes, escape=Escape.OPEN, columns=columns)
    if ESCAPED_QUOTE in body:
        found = replace(found, escape=escape_of(body, delimiter, found, final=whole))
    return found


def _can_delimit(text: str) -> bool:
    return len(text) == 1 and text.isascii() and text not in '"\r\n\0'


def _open_parquet(text: Text, single: str | None) -> DropReader:
    if not text.compression:
        return open_parquet(text.source, text.limits, "", single)
    # Parquet is read from its end: inside a stream it has to be unpacked as a whole.
    unpacked = bytearray()
    try:
        for piece in text.stream():
            unpacked += piece
            if len(unpacked) > text.limits.buffered_parquet_bytes:
                raise refused("compressed_parquet_too_large", compression=text.compression)
    except BrokenStream as broken:
        raise refused(broken.code, row=0) from None
    return open_parquet(BytesSource(bytes(unpacked)), text.limits, f"+{text.compression}", single)


def _open_json_lines(text: Text, begin: int, head: bytes, whole: bool, single: str | None) -> DropReader:
    lines = head if whole else head[: max(head.rfind(b"\n"), head.rfind(b"\r")) + 1]
    keys = keys_of(lines)
    if not keys.flat:
        raise refused("header_unusable", why="no line in the first part of the file is an object with a value")
    names = headers.checked_names(list(keys.flat), "", text.limits.columns)
    if single is not None:
        if len(names) != 1:
            raise refused("header_unusable", why="a single-column list is expected, and it has several keys")
        names = (single,)
    suffix = f"+{text.compression}" if text.compression else ""
    nested = keys.lists if single is None else ()
    return JsonLinesReader(
        f"jsonl{suffix}", names, text, begin, keys.flat, keys.integers, nested, keys.objects, keys
    )


def _separator_line(head: bytes) -> tuple[str | None, int]:
    """Read the line by which Excel declares a delimiter ("sep=;"): the delimiter and the line's length."""
    found = re.match(rb"sep=([\x01-\x7f])\r?\n", head, re.IGNORECASE)
    return (found[1].decode(), found.end()) if found else (None, 0)


def _first_line(head: bytes, delimiter: str, whole: bool, text: Text, quotes: Quotes) -> tuple[str, int]:
    """Return the first record, decoded, and the offset after its line end."""
    found = split(head, delimiter, final=whole, quotes=quotes)
    if not len(found.starts) and ESCAPED_QUOTE in head and delimiter != "\\":
        found = split(head, delimiter, final=whole, quotes=replace(quotes, escape=Escape.BACKSLASH))
    if not len(found.starts):
        if found.is_open or found.is_broken:
            raise refused("header_unusable", why="a quote in it is not closed")
        raise refused("record_too_long", row=0, cap=text.limits.head_bytes)
    first = found.until(found.stops[0].as_py())
    try:
        line = first.doubled(delimiter)[found.starts[0].as_py() :].decode(text.encoding)
    except UnicodeDecodeError:
        raise refused("header_not_utf8" if text.encoding == "utf-8" else "header_not_in_encoding") from None
    return line, min(len(first.block) + 1, len(head))


def _refuse_other_encoding(head: bytes, whole: bool, encoding: str) -> None:
    """Raise Rejected when most of the lines with special characters are not in the text's encoding.

    Judged on the file's first part alone, so that every reader of it, from any cursor, comes to the same; a
    single bad row is that row's matter.
    """
    if head.isascii():
        return
    lines = head.splitlines()
    if not whole:
        lines = lines[:-1]
    special = [line for line in lines if not line.isascii()]
    bad = sum(not encodings.fits(line, encoding) for line in special)
    if bad * 2 > len(special):
        code = "not_utf8" if encoding == "utf-8" else "not_in_encoding"
        raise refused(code, share=f"{bad} of {len(special)}", encoding=encoding)
    if encodings.surely_utf8(special, encoding):
        raise refused("utf8_not_declared", encoding=encoding)
