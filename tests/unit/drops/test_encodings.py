"""Exports in the encodings of Asia, Russia, Greece, Turkey and old Macs, once they are declared.

Cases after https://github.com/actualbudget/actual/issues/3848 and https://github.com/nocodb/nocodb/issues/9634.
"""

from __future__ import annotations

import itertools

import pytest
from activation.drops import encodings
from activation.drops.delimited import DelimitedReader
from activation.drops.limits import ReadLimits
from activation.drops.open import open_drop
from activation.drops.ranges import range_count
from activation.drops.source import BytesSource
from activation.errors import Rejected
from hypothesis import given, settings
from hypothesis import strategies as st

from stacks.reading_settings import ENCODINGS
from tests.unit.drops.reading import read
from tests.unit.drops.test_ranges import pieces_of, together

# One name each, among them characters whose second byte is a backslash (表, ソ, 功, 許), a bar (ポ) or a letter.
NAMES = {
    "shift_jis": ["表ソ能", "ポール", "髙橋", "ｱｷﾗ"],
    "cp932": ["十構貼", "①髙"],
    "euc-jp": ["山田太郎", "表ソ能"],
    "gb18030": ["王小明", "㐀䶵", "誠乗", "乗\\乗"],
    "gbk": ["俓誠", "王小明"],
    "gb2312": ["王小明"],
    "big5": ["許功蓋", "陳大文"],
    "cp950": ["許功蓋"],
    "euc-kr": ["홍길동"],
    "cp949": ["똠방각하", "홍길동"],
    "windows-1251": ["Мария", "Юрий"],
    "koi8-r": ["Мария"],
    "koi8-u": ["Київ"],
    "iso-8859-5": ["Мария"],
    "windows-1253": ["Ανδρέας"],
    "iso-8859-7": ["Ανδρέας"],
    "windows-1254": ["Şükrü", "İğde"],
    "iso-8859-9": ["Şükrü"],
    "windows-1255": ["דוד"],
    "windows-1256": ["محمد"],
    "windows-1257": ["Žydrūnas"],
    "windows-1258": ["Đặng".replace("ặ", "ă\u0323")],
    "mac-roman": ["René", "Zoë"],
    "macintosh": ["Åse"],
    "mac-turkish": ["Şükrü"],
    "mac-greek": ["Ανδρέας"],
    "mac-cyrillic": ["Мария"],
    "cp850": ["René"],
    "cp866": ["Мария"],
    "tis-620": ["สมชาย"],
}


def opened(data: bytes, encoding: str, **limits: int) -> DelimitedReader:
    """Open a text in a declared encoding."""
    reader = open_drop(BytesSource(data), declared_encoding=encoding, limits=ReadLimits(**limits))
    assert isinstance(reader, DelimitedReader)
    return reader


@pytest.mark.parametrize("encoding", NAMES)
@pytest.mark.parametrize("delimiter", [",", "|"])
def test_a_declared_encoding_is_read(encoding: str, delimiter: str) -> None:
    """Names come back as they were written: bare, in quotes and beside them, in any block and from any cursor."""
    names = NAMES[encoding]
    table = [("email", names[0]), *((f"{n}@example.org", name) for n, name in enumerate(names))]
    lines = [delimiter.join(row) for row in table]
    lines += [f'"{name}"{delimiter}"a ""{name}""{delimiter} b"' for name in names]
    codec = encodings.codec_of(encoding)
    data = "\r\n".join(lines).encode(codec)
    expected = [*table[1:], *((name, f'a "{name}"{delimiter} b') for name in names)]
    for block_bytes in (7, 4_096):
        reader = opened(data, encoding.upper(), block_bytes=block_bytes)
        assert reader.header == table[0]
        result = read(reader)
        assert list(result.rows.values()) == expected
        assert (result.malformed, result.refusal) == ({}, None)
    for row, cursor in result.cursors.items():
        assert list(read(reader, cursor).rows.values()) == expected[row:]


@pytest.mark.parametrize("encoding", ["shift_jis", "gb18030", "big5", "cp950"])
@given(
    rows=st.lists(st.tuples(st.sampled_from("ab表許誠ポ"), st.sampled_from(['"', "\\", ",", "\n", "|", "x", ""]))),
    range_bytes=st.integers(1, 40),
    escape=st.booleans(),
    delimiter=st.sampled_from(",|"),
)
@settings(max_examples=15, deadline=None)
def test_wide_characters_do_not_break_records(
    encoding: str, rows: list[tuple[str, str]], range_bytes: int, *, escape: bool, delimiter: str
) -> None:
    """No second byte is taken for a backslash or a delimiter, whatever stands beside it and wherever it is cut."""
    codec = encodings.codec_of(encoding)
    name = NAMES[encoding][0]
    table = [(name + mark, letter.encode(codec, "ignore").decode(codec) + mark + name) for letter, mark in rows]
    before, quote = ("\\\\", '\\"') if escape else ("\\", '""')

    def cell(text: str) -> str:
        return '"' + text.replace("\\", before).replace('"', quote) + '"'

    sure = ('a "b" c', "x") if escape else ('C:\\, "x"', "y\\, z")
    lines = [delimiter.join(map(cell, row)) for row in [("e", "n"), sure, *table]]
    reader = opened("\n".join(lines).encode(codec), encoding, block_bytes=11)
    whole = read(reader)
    assert list(whole.rows.values()) == [sure, *table]
    assert range_count(reader, range_bytes) >= 1
    pieces = pieces_of(reader, range_bytes)
    assert pieces is not None
    assert together(reader, pieces).rows == whole.rows


@pytest.mark.parametrize("codec", ["cp932", "gb18030", "big5hkscs", "cp950"])
def test_the_bytes_of_wide_characters_are_those_of_python(codec: str) -> None:
    """Every pair of bytes that Python reads as one character is known to be one, and no single byte is."""
    pattern = encodings.wide(codec)
    assert pattern is not None
    for lead, trail in itertools.product(range(0x80, 0x100), range(0x100)):
        pair = bytes((lead, trail))
        if encodings.fits(pair, codec) and len(pair.decode(codec)) == 1:
            assert pattern.fullmatch(pair)
        if trail < 0x40:
            assert not pattern.search(pair)


@pytest.mark.parametrize("name", sorted(set(map(encodings.codec_of, encodings.declarable()))))
def test_every_encoding_has_ascii_s_letters(name: str) -> None:
    """Delimiters, quotes and line ends are single bytes, and a byte that means nothing never takes one with it."""
    ascii_bytes = bytes(range(0x80))
    assert ascii_bytes.decode(name) == ascii_bytes.decode("ascii")
    for lead, mark in itertools.product(range(0x80, 0x100), '",;\t\n\r'):
        assert mark in (bytes((lead,)) + mark.encode() + b"a").decode(name, "replace")


@pytest.mark.parametrize("name", ENCODINGS)
def test_what_can_be_set_can_be_read(name: str) -> None:
    """Each encoding that the settings take is known to the reader."""
    assert encodings.codec_of(name)


def test_bytes_that_do_not_fit_the_declared_encoding_are_refused_as_a_whole() -> None:
    """A file in another encoding than declared names the setting, and no other one to try."""
    text = "email,name\n" + "a@example.org,Мария\n" * 5
    with pytest.raises(Rejected) as refusal:
        opened(text.encode("windows-1251"), "euc-jp")
    assert refusal.value.code == "not_in_encoding"
    assert "euc_jp" in refusal.value.sentence
    assert "1252" not in refusal.value.sentence


def test_a_header_that_does_not_fit_is_refused() -> None:
    """The first line alone may be the one that cannot be decoded."""
    data = b"email,n\x81\n" + "a@example.org,山田\n".encode("shift_jis") * 5
    with pytest.raises(Rejected) as refusal:
        opened(data, "shift_jis")
    assert refusal.value.code == "header_not_in_encoding"


@pytest.mark.parametrize(
    "encoding", ["latin-1", "windows-1251", "windows-1254", "koi8-r", "mac-roman", "shift_jis"]
)
def test_utf8_is_not_read_as_something_else(encoding: str) -> None:
    """A UTF-8 export under a setting for another one is refused: every special letter would become two others."""
    with pytest.raises(Rejected) as refusal:
        opened(("email,name\n" + "a@example.org,山田\nb@example.org,Zoë\n" * 3).encode(), encoding)
    assert refusal.value.code == "utf8_not_declared"


def test_one_bad_row_in_a_declared_encoding_is_that_row_s_matter() -> None:
    """Its neighbours are read."""
    good = "a@example.org,山田\n".encode("shift_jis")
    result = read(opened(b"email,name\n" + good * 3 + b"b@example.org,\x81\n" + good, "shift_jis"))
    assert result.malformed == {4: "not_utf8"}
    assert result.count == 5


@pytest.mark.parametrize("codec", ["shift_jis", "gb18030", "big5", "euc-kr", "windows-1251", "mac-roman"])
def test_the_advice_for_what_is_not_utf8_does_not_mislead(codec: str) -> None:
    """What is not UTF-8 may be anything: the sentence tells to find out, and what a wrong answer costs."""
    name = NAMES[codec][0]
    with pytest.raises(Rejected) as refusal:
        open_drop(BytesSource(f"email,name\na@example.org,{name}\n".encode(encodings.codec_of(codec))))
    assert refusal.value.code == "not_utf8"
    assert "If the export is Latin-1" not in refusal.value.sentence
    assert "the right one" in refusal.value.sentence
