"""JSON Lines: exact texts, rows told apart, and the same from any cursor in any blocks."""

from __future__ import annotations

import json

import pyarrow.json
import pytest
from activation.drops.flat_json import keys_of, row_of
from activation.drops.json_lines import JsonLinesReader
from activation.drops.limits import ReadLimits
from activation.drops.open import open_drop
from activation.drops.source import BytesSource
from activation.drops.text import Text
from activation.errors import Rejected
from activation.model import Cursor
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.drops.reading import read

TEXTS = st.text(st.sampled_from('a"\\é€🙂\n\0 {}'), max_size=4)
VALUES = st.one_of(
    TEXTS,
    TEXTS,
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=True),
    st.booleans(),
    st.none(),
    st.just([]),
    st.just({"x": 1}),
)
GOOD = st.fixed_dictionaries({}, optional={"a": VALUES, "b": VALUES, "n": st.integers(-(2**63), 2**63 - 1)})
ODD = st.sampled_from(
    [
        b"{}", b"[]", b"1", b"  ", b'{"a":"x"} ', b' {"a":"x"}', b'{"a":"x"}{"a":"y"}', b'{"a":', b'"y"}',
        b'{"a":"x","a":"y"}', b'{"c":"new"}', b'{"a":"\xe9"}', b'{"a":"\\ud800"}', b'{"a":"\x01"}',
        b'{"n":-0}', b'{"n":1.0}', b'{"n":1e3}', b'{"n":007}', b'{"n":NaN}', b'{"n":123456789012345678901}',
        b'{"a":"\\u0000"}', b'{"a":' + b"[" * 3_000, b'{"n":"7"}', b'{"a":7}', b'{"a":"x",}', b"{'a':1}",
        b'{"a":"x"}//', b'\xef\xbb\xbf{"a":"x"}', b"",
    ]
)  # fmt: skip


def reader(stored: bytes, block_bytes: int = 4_000_000) -> JsonLinesReader:
    """Open lines whose keys are a, b and the whole number n."""
    text = Text(BytesSource(stored), ReadLimits(block_bytes=block_bytes))
    return JsonLinesReader("jsonl", ("a", "b", "n"), text, 0, ("a", "b", "n"), frozenset({"n"}))


def judged(line: bytes) -> tuple[dict[str, str | None], str]:
    """Read one line by itself: its row, or its code."""
    try:
        return row_of(line), ""
    except ValueError as unusable:
        return {}, str(unusable)


@given(
    lines=st.lists(st.one_of(GOOD.map(lambda row: json.dumps(row, ensure_ascii=False).encode()), ODD), max_size=8),
    end=st.sampled_from([b"\n", b"\r\n"]),
    block_bytes=st.integers(20, 300),
)
@example(lines=[b'{"a":"1"}{"a":"2"}', b'{"a":', b'"3"}'], end=b"\n", block_bytes=300)
@settings(max_examples=80, deadline=None)
def test_every_line_is_read_or_named_alike_in_any_blocks(lines: list[bytes], end: bytes, block_bytes: int) -> None:
    """What Arrow reads at once and what is read line by line are the same rows and the same codes."""
    opened = reader(end.join(lines), block_bytes)
    whole = read(opened)
    number = 0
    for line in filter(None, lines):
        number += 1
        row, code = judged(line)
        if code:
            assert whole.malformed[number] == code
        elif not row.keys() <= {"a", "b", "n"}:
            assert whole.malformed[number] == "unexpected_key"
        elif any("\0" in (cell or "") for cell in row.values()):
            assert whole.malformed[number] == "nul_in_cell"
        else:
            assert whole.rows[number] == (row.get("a"), row.get("b"), row.get("n"))
    assert whole.count == number
    for row_number, cursor in whole.cursors.items():
        rest = read(opened, cursor)
        assert rest.rows == {one: cells for one, cells in whole.rows.items() if one > row_number}
        assert rest.malformed == {one: code for one, code in whole.malformed.items() if one > row_number}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"[1]", "bad_json"),
        (b'{"a":NaN}', "bad_json"),
        (b'{"a":"\\ud800"}', "bad_json"),
        (b'{"a":"\xe9"}', "not_utf8"),
        (b'{"a":{"b":1}}', "nested_value"),
        (b'{"a":' + b"[" * 200_000, "nested_value"),
        (b'{"a":1,"a":2}', "duplicate_key"),
    ],
)
def test_a_line_that_is_no_row_has_a_code(line: bytes, code: str) -> None:
    """Each way a line can be unusable has a stable code, and the line's text is in none."""
    with pytest.raises(ValueError, match=f"^{code}$"):
        row_of(line)


def test_numbers_keep_their_digits() -> None:
    """Long numbers, as identifiers and phones are exported, come out digit by digit."""
    stored = b'{"id":12345678901234567890123,"phone":33612345678,"amount":12.50,"ok":true,"none":null}\n'
    opened = open_drop(BytesSource(stored))
    assert opened.header == ("id", "phone", "amount", "ok", "none")
    assert read(opened).rows == {1: ("12345678901234567890123", "33612345678", "12.50", "true", None)}


def test_whole_number_columns_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of texts and whole numbers never falls back to reading line by line."""
    stored = b"".join(b'{"email":"a%d@example.com","phone":336%08d}\n' % (row, row) for row in range(500))
    monkeypatch.setattr(JsonLinesReader, "_one_by_one", None)
    assert read(open_drop(BytesSource(stored))).rows[500] == ("a499@example.com", "33600000499")


def test_keys_that_come_later_are_columns_when_the_first_part_shows_them() -> None:
    """Spark leaves out null cells: keys are gathered over the first part of the file, not its first line."""
    opened = open_drop(BytesSource(b'{"a":"1"}\n{"b":"2"}\n'))
    assert opened.header == ("a", "b")
    assert read(opened).rows == {1: ("1", None), 2: (None, "2")}


@pytest.mark.parametrize("lines", [b'{"a":[1]}\n', b"{}\n", b'{"a":{"b":[{"c":1}]}}\n'])
def test_a_file_without_a_value_is_refused(lines: bytes) -> None:
    """Lines of which none holds a text or a number name no column."""
    with pytest.raises(Rejected, match="header_unusable"):
        open_drop(BytesSource(lines))


def test_objects_are_columns_by_their_paths_and_lists_are_left_out_and_named() -> None:
    """What is inside an object is read as text; a list, and what a later object has more, is passed over."""
    stored = (
        b'{"email":"a@b.co","tags":["x"],"address":{"city":"Ulm","geo":{"lat":1.5},"lines":["1"]}}\n'
        b'{"email":"c@d.co","address":null,"tags":null}\n'
        b'{"email":"e@f.co","address":{"city":"Bonn","floor":3},"tags":[]}\n'
        b'{"email":["g@h.co"]}\n{"email":"i@j.co","phone":"1"}\n'
    )
    head = stored[: stored.index(b'{"email":"e@f')]
    assert open_drop(BytesSource(head)).header == ("email", "address.city", "address.geo.lat")
    keys = keys_of(head)
    text = Text(BytesSource(stored), ReadLimits())
    opened = JsonLinesReader("jsonl", keys.flat, text, 0, keys.flat, keys.integers, keys.lists, keys.objects)
    assert opened.nested == ("address.lines", "tags")
    found = read(opened)
    assert found.rows == {1: ("a@b.co", "Ulm", "1.5"), 2: ("c@d.co", None, None), 3: ("e@f.co", "Bonn", None)}
    assert found.malformed == {4: "nested_value", 5: "unexpected_key"}


def test_a_single_column_list_may_be_json_lines() -> None:
    """One key is the list, whatever it is called; two are refused."""
    assert open_drop(BytesSource(b'{"hash":"x"}\n'), single="EMAIL_SHA256").header == ("EMAIL_SHA256",)
    with pytest.raises(Rejected, match="header_unusable"):
        open_drop(BytesSource(b'{"hash":"x","id":"y"}\n'), single="EMAIL_SHA256")


def test_arrow_counts_objects_not_lines() -> None:
    """The reason lines are counted here: Arrow takes two objects on one line for two rows."""
    table = pyarrow.json.read_json(pyarrow.BufferReader(b'{"a":"1"}{"a":"2"}\n'))
    assert table.num_rows == 2


def test_reading_goes_on_from_a_cursor() -> None:
    """A cursor is the byte offset of the next line."""
    opened = open_drop(BytesSource(b'{"a":"1"}\r\n{"a":"2"}\r\n'))
    assert read(opened, read(opened).cursors[1]).rows == {2: ("2",)}
    assert read(opened, Cursor(2, 22)).count == 0
