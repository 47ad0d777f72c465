"""Every kind of file an export may leave, told by its content: what is read, and what is refused by name."""

from __future__ import annotations

import gzip
import io
import re
import zipfile
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from activation.drops.codes import FILE_CODES, ROW_CODES
from activation.drops.limits import MIB, ReadLimits
from activation.drops.open import open_drop
from activation.drops.source import BytesSource
from activation.errors import ConfigError, Rejected
from activation.model import Cursor

from tests.unit.drops.reading import Read, read

CANARY = "canary@example.com"


def rows(data: bytes, **declared: Any) -> Read:
    """Open bytes as a drop and read them."""
    return read(open_drop(BytesSource(data), **declared))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom", "utf-16-be-bom"])
@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, lambda data: pa.Codec("zstd").compress(data, asbytes=True)]
)
def test_delimiters_line_ends_encodings_and_compressions_in_any_combination(
    delimiter: str, line_end: str, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    """The same table comes out of every way to write it."""
    table = [["E-mail", "First name"], ["zoë@example.com", f'Zoë "Z"{delimiter} the\n1st'], ["b@example.com", ""]]
    cells = [[f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row] for row in table]
    text = line_end.join(delimiter.join(row) for row in cells)
    if encoding.endswith("-bom"):
        data = ("\ufeff" + text).encode(encoding.removesuffix("-bom"))
    else:
        data = text.encode(encoding)
    opened = open_drop(BytesSource(pack(data)))
    assert opened.header == ("E-mail", "First name")
    assert opened.format.split("+")[0] == ("tsv" if delimiter == "\t" else "csv")
    result = read(opened)
    assert result.rows == {1: tuple(table[1]), 2: tuple(table[2])}
    assert (result.malformed, result.refusal) == ({}, None)
    assert read(opened, result.cursors[1]).rows == {2: tuple(table[2])}


@pytest.mark.parametrize("encoding", ["latin-1", "ISO-8859-1", "windows-1252"])
def test_a_declared_encoding_is_decoded(encoding: str) -> None:
    """Latin-1 is read when it is declared; a byte that means nothing there is its row's fault."""
    result = rows(b"name,city\nZo\xeb,N\xeemes\nx\x81,y\nEuro,\x80\n", declared_encoding=encoding)
    assert result.rows == {1: ("Zoë", "Nîmes"), 3: ("Euro", "€")}
    assert result.malformed == {2: "not_utf8"}


def test_latin_1_that_is_not_declared_is_refused_as_a_whole() -> None:
    """When most special rows cannot be decoded the file is Latin-1, and the sentence says what to declare."""
    with pytest.raises(Rejected, match="set the connector's encoding") as refusal:
        rows(b"name\n" + "Zoë\n".encode("latin-1") * 9 + "Zoë\n".encode())
    assert refusal.value.code == "not_utf8"
    assert "9 of 10" in refusal.value.sentence


def test_single_rows_that_are_not_utf8_are_reported_alone() -> None:
    """A few bad rows in a UTF-8 file are those rows' matter."""
    result = rows(b"name\n" + "Zoë\n".encode() * 9 + "Zoë\n".encode("latin-1"))
    assert result.malformed == {10: "not_utf8"}
    assert result.count == 10


@pytest.mark.parametrize("data", [b"email,phone\n", b"email,phone", b"\xef\xbb\xbfemail,phone\r\n\r\n"])
def test_a_header_alone_is_a_file_of_no_rows(data: bytes) -> None:
    """It is no error: nothing is sent, and the receipt says so."""
    opened = open_drop(BytesSource(data))
    assert opened.header == ("email", "phone")
    assert read(opened).count == 0


def test_rows_that_are_wrong_are_counted_and_named() -> None:
    """Ragged rows and NULs keep their numbers, empty lines have none."""
    result = rows(b"a,b\n\n1,2\nthe end\n\n4,5,6\n7,8\x009\n\r\n10,11")
    assert result.rows == {1: ("1", "2"), 5: ("10", "11")}
    assert result.malformed == {2: "ragged_row", 3: "ragged_row", 4: "nul_in_cell"}


def test_the_delimiter_excel_declares_is_used() -> None:
    """A first line `sep=;` is no header."""
    assert rows(b"sep=;\r\na,b;c\r\n1,5;2\r\n").rows == {1: ("1,5", "2")}


def test_a_declared_delimiter_wins() -> None:
    """Commas in names and cells do not count when the delimiter is declared."""
    assert rows(b"a,x;b,y;c,z\n1;2;3\n", declared_delimiter=";").rows == {1: ("1", "2", "3")}


def test_a_delimiter_inside_quotes_does_not_count() -> None:
    """The delimiter is found outside quotes."""
    opened = open_drop(BytesSource(b'"a,b,c,d";"e"\n1;2\n'))
    assert opened.header == ("a,b,c,d", "e")


def archive(name: str) -> bytes:
    """Make a zip archive with one member."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        zipped.writestr(name, "x")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"\xef\xbb\xbf\n\n", "empty_file"),
        (gzip.compress(b""), "empty_file"),
        (archive("people.csv"), "zip_file"),
        (archive("[Content_Types].xml"), "xlsx_file"),
        (archive("xl/workbook.xml"), "xlsx_file"),
        (gzip.compress(archive("people.csv")), "zip_file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504), "xlsx_file"),
        (b"<!DOCTYPE html>\n<html><title>Sign in</title>", "html_page"),
        (b"  \n<HTML><body>502</body></HTML>", "html_page"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "xml_document"),
        (b'[{"email":"x"}]', "json_document"),
        (b'{\n  "email": "x"\n}\n', "json_document"),
        (b"PARE" + bytes(500), "encrypted_parquet"),
        (b"PAR1" + bytes(500), "corrupt_parquet"),
        (gzip.compress(gzip.compress(b"a,b\n1,2\n")), "unknown_format"),
        (b"BZh91AY&SY\x00\x01" + bytes(500), "unknown_format"),
        (b"%PDF-1.7\n%\xe2\xe3", "unknown_format"),
        (b"Obj\x01\x04\x14avro.codec\x08null\x00", "unknown_format"),
        (bytes(range(256)) * 2, "unknown_format"),
        (bytes(512), "unknown_format"),
        ("email,phone\n1,2\n".encode("utf-16-le"), "utf16_without_bom"),
        ("email,phone\n1,2\n".encode("utf-16-be"), "utf16_without_bom"),
        ("email,phone\n1,2\n".encode("utf-32"), "utf32_file"),
        (b'"email,phone\n1,2\n', "header_unusable"),
        (b'email,"pho"ne\n1,2\n', "header_unusable"),
        (b"---\n1\n", "header_unusable"),
        (",".join(f"c{index}" for index in range(2_001)).encode(), "header_unusable"),
        (b"nam\xe9,b\n1,2\n", "not_utf8"),
        (f"{CANARY},2\n".encode(), "header_missing"),
        (b"+33 6 12 34 56 78;x\n", "header_missing"),
        (b"a" * 64 + b"\n", "header_missing"),
        (b"a" * 300_000, "record_too_long"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)
def test_what_is_no_table_is_refused_by_name(data: bytes, code: str) -> None:
    """Magic numbers and the header decide; the sentence holds nothing of the file's cells."""
    with pytest.raises(Rejected) as refusal:
        rows(data)
    assert refusal.value.code == code
    assert CANARY not in str(refusal.value)


def test_a_semicolon_file_read_with_a_declared_comma_is_refused() -> None:
    """One column whose name holds another delimiter names the one seen."""
    with pytest.raises(Rejected, match="semicolon"):
        rows(b"email;phone\n1;2\n", declared_delimiter=",")


@pytest.mark.parametrize(
    "header", [b"", b"email\n", b"\xef\xbb\xbfE-Mail Address\r\n", b'"hashed_email"\n', b"SHA256\n"]
)
def test_a_list_is_read_with_or_without_a_header(header: bytes) -> None:
    """A first line made of the words identifiers are called by is a header; blank lines are no rows."""
    opened = open_drop(BytesSource(header + b'a1\r\n\r\n"b2"\nc,3;x\n'), single="EMAIL_SHA256")
    assert (opened.format, opened.header) == ("list", ("EMAIL_SHA256",))
    assert read(opened).rows == {1: ("a1",), 2: ("b2",), 3: ("c,3;x",)}


@pytest.mark.parametrize(
    "value", [CANARY, "a" * 64, "33612345678", "00000000-0000-4000-8000-000000000000", "u-17"]
)
def test_the_first_value_of_a_list_is_not_taken_for_a_header(value: str) -> None:
    """A list without a header loses no row."""
    assert rows(value.encode(), single="EXTERN_ID").rows == {1: (value,)}


def test_a_table_under_a_list_prefix_is_refused() -> None:
    """A header that names several columns is not one identifier a line."""
    with pytest.raises(Rejected, match="several columns"):
        rows(b"email,phone\na,1\n", single="EMAIL_SHA256")


@pytest.mark.parametrize(
    "declared",
    [
        {"declared_delimiter": ",,"},
        {"declared_delimiter": '"'},
        {"declared_delimiter": "§"},
    ],
)
def test_a_declaration_that_makes_no_sense_is_the_settings_fault(declared: dict[str, str]) -> None:
    """It is not the drop that is refused: a person has to correct the settings."""
    with pytest.raises(ConfigError):
        rows(b"a,b\n1,2\n", **declared)


def test_an_unknown_encoding_is_refused_and_the_known_ones_are_named() -> None:
    """Delimited text cannot be read without one, and the sentence says what to write where."""
    with pytest.raises(Rejected, match=r"one of utf-8, .*windows-1252.* or the file's object metadata") as refused:
        rows(b"a,b\n1,2\n", declared_encoding="x")
    assert refused.value.code == "bad_encoding"


@pytest.mark.parametrize("text", [b'{"a": "1"}\n', "a,b\n1,2\n".encode("utf-16"), b"\xef\xbb\xbfa,b\n1,2\n"])
def test_an_unknown_encoding_does_not_matter_to_text_that_says_its_own(text: bytes) -> None:
    """JSON Lines are UTF-8, and a byte order mark wins over any declaration."""
    assert rows(text, declared_encoding="x").rows == rows(text).rows != {}


LONG = b"x" * 5_000


@pytest.mark.parametrize("block_bytes", [10, 1_999, 100_000])
@pytest.mark.parametrize(
    ("body", "good", "code"),
    [
        (b"1,2\n3," + LONG + b"\n4,5\n", 1, "record_too_long"),
        (b"1,2\n3,4\n5," + LONG, 2, "record_too_long"),
        (b'1,2\n3,"' + LONG + b'"\n4,5\n', 1, "unterminated_quote"),
        (b'1,2\n3,"open\n' + b"4\n" * 2_000, 1, "unterminated_quote"),
        (b'1,2\n3,"open\n4,5,6\n', 1, "unterminated_quote"),
        (b'1,2\n3,"closed" early\n\n', 1, "unterminated_quote"),
        (b"1,2\n" * 9 + b'3,"nick"name"\n', 9, "unterminated_quote"),
        (b"1,2\n" * 9 + b'3,"back\\"slash\n', 9, "unterminated_quote"),
    ],
)
def test_a_record_that_cannot_be_read_stops_the_file_there(
    body: bytes, good: int, code: str, block_bytes: int
) -> None:
    """Rows before it are read, the refusal names it, and the size of the blocks changes nothing."""
    limits = ReadLimits(record_bytes=2_000, block_bytes=block_bytes)
    result = read(open_drop(BytesSource(b"a,b\n" + body), limits=limits))
    assert len(result.rows) == result.count == good
    assert result.refusal is not None
    assert result.refusal.code == code
    assert f"Row {good + 1} " in result.refusal.sentence


@pytest.mark.parametrize("block_bytes", [10, 1_999, 100_000])
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    ("body", "left_out"),
    [
        (b'1,2\n3,"open\n' + b"4,5\n" * 600, [2]),
        (b'1,2\n3,"open\n4,5\n', [2]),
        (b'1,2\n3,"closed" early\n4,5\n', [2]),
        (b'1,"x "y" z"\r\n\r\n3,"closed" early\r\n4,5\r\n', [1, 2]),
        (b'1,2\n3,"open\n4,"5\n6,7\n', [2, 3]),
        (b'1,"2\n3,4\n5,"6\n7,8\n' * 3, [1, 3, 5, 7, 9, 11]),
        (b'1,"a "b" c"\n2,"a "b" c"\n3,"a\nb"\n' * 60 + b"1,2\n", [row for row in range(1, 181) if row % 3]),
    ],
)
def test_one_row_with_a_quote_out_of_place_is_left_out(
    body: bytes, left_out: list[int], block_bytes: int, *, compressed: bool
) -> None:
    """The line after it is a row again, and reading goes on there, from any cursor and in blocks of any size."""
    limits = ReadLimits(record_bytes=2_000, block_bytes=block_bytes)
    stored = gzip.compress(b"a,b\n" + body) if compressed else b"a,b\n" + body
    opened = open_drop(BytesSource(stored), limits=limits)
    result = read(opened)
    assert result.refusal is None
    assert result.malformed == dict.fromkeys(left_out, "quote_not_closed")
    for row in range(1, result.count, 1 + result.count // 20):
        rest = read(opened, result.cursors[row])
        assert rest.rows == {number: cells for number, cells in result.rows.items() if number > row}
        assert rest.malformed == {number: code for number, code in result.malformed.items() if number > row}


def test_a_record_as_long_as_allowed_is_read() -> None:
    """The cap is inclusive, its line end not counted."""
    limits = ReadLimits(record_bytes=2_000, block_bytes=64)
    body = b"x" * 1_998 + b",y\n" + b"x" * 1_999 + b",y\n"
    result = read(open_drop(BytesSource(b"a,b\n" + body), limits=limits))
    assert result.count == 1
    assert result.refusal is not None


class EndlessLine:
    """A source of one line without an end, which remembers how much of it was read."""

    size_bytes = 50 * 1024 * MIB

    def __init__(self) -> None:
        self.read_bytes = 0

    def read(self, offset: int, length: int) -> bytes:
        """Return the header and then the same letter for ever."""
        self.read_bytes += length
        return (b"email\n" if not offset else b"") + b"x" * (length - (0 if offset else 6))


def test_an_endless_line_is_refused_before_it_is_buffered() -> None:
    """No more than the head, a block and one read ahead is read of a line that does not end."""
    source = EndlessLine()
    result = read(open_drop(source))
    assert result.refusal is not None
    assert result.refusal.code == "record_too_long"
    assert source.read_bytes <= 2 * ReadLimits().block_bytes + MIB


def test_every_code_has_a_sentence_that_ends() -> None:
    """Operators read the sentence: each says something, whole."""
    for code, sentence in {**FILE_CODES, **ROW_CODES}.items():
        assert re.fullmatch(r"[a-z0-9_]+", code)
        assert sentence.endswith((".", "}."))


def test_a_cursor_of_zero_is_the_first_row_wherever_it_begins() -> None:
    """Mark, separator line and header are passed over."""
    opened = open_drop(BytesSource(b"\xef\xbb\xbfsep=;\n\na;b\n1;2\n"))
    assert read(opened, Cursor(0, 0)).rows == {1: ("1", "2")}


def test_letters_that_happen_to_be_a_magic_number_are_a_header() -> None:
    """A text may begin with PAR1, PARE, ORC or BZh."""
    for name in ("PAR1", "PARENT", "ORCID", "BZhash"):
        assert open_drop(BytesSource(f"{name},b\n1,2\n".encode())).header == (name, "b")


def test_a_reader_shows_nothing_of_the_file() -> None:
    """Whatever logs a reader, a block or a chunk does not log people."""
    opened = open_drop(BytesSource(f"email\n{CANARY}\n".encode()))
    assert CANARY not in repr(opened)
    assert CANARY not in repr(next(iter(opened.chunks(Cursor()))))
