"""Where a drop is cut into batches: a matter of its rows, never of chunks or of where reading began."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pyarrow as pa
import pytest
from activation.audience_options import AudienceOptions
from activation.drops.chunk import Chunk
from activation.identifiers.table import Context
from activation.ledger.units import LeftOut, Span, Unit
from activation.model import Cursor
from activation.pipeline.batching import SOURCE_ROWS_PER_BATCH_ROW, Batcher, Prepared
from activation.pipeline.findings import NO_IDENTIFIER, row_reasons
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdas.meta.fields import TABLE as META
from lambdas.meta.platform import PLATFORM
from lambdas.tiktok.fields import TABLE as TIKTOK
from tests.unit.line.platform import hashed
from tests.unit.line.tiny_publisher import TABLE

EMAIL, ID, SPARE = TABLE.fields
# A row is good, has a second address that is none, has no address, a bad one, or cannot be read at all.
KINDS = ("good", "spare", "blank", "bad", "torn")
ROWS = st.lists(st.sampled_from(KINDS), max_size=60)
SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=60)


def batcher(max_rows: int) -> Batcher:
    """Make one for three columns, with addresses and IDs."""
    return Batcher(
        table=TABLE,
        fields=[(0, EMAIL), (1, ID), (2, SPARE)],
        context=Context(),
        hashed=False,
        max_rows=max_rows,
    )


def chunks(kinds: Sequence[str], sizes: Sequence[int], start: int = 0) -> Iterator[Chunk]:
    """Return the rows after `start` in chunks of these sizes, repeated."""
    at, turn = start, 0
    while at < len(kinds):
        size = min(sizes[turn % len(sizes)], len(kinds) - at)
        numbers = list(range(at + 1, at + size + 1))
        whole = [row for row in numbers if kinds[row - 1] != "torn"]
        cells = [_cells(kinds[row - 1], row) for row in whole]
        columns = [pa.array([one[index] for one in cells], pa.string()) for index in range(3)]
        yield Chunk(
            first_row=at + 1,
            row_count=size,
            columns=pa.record_batch(columns, names=["email", "id", "spare"]),
            rows=pa.array(whole, pa.int64()),
            cursor_after=_within(at + 1, at + size),
            malformed={row: "ragged_row" for row in numbers if kinds[row - 1] == "torn"},
        )
        at, turn = at + size, turn + 1


def _within(first: int, last: int) -> Callable[[int], Cursor]:
    def cursor_after(row: int) -> Cursor:
        assert first <= row <= last, "asked of a chunk that the row is not in"
        return Cursor(row, 1000 * row)

    return cursor_after


def _cells(kind: str, row: int) -> tuple[str, str, str]:
    key = f"c{row}" if row % 3 else ""
    match kind:
        case "good":
            return f"p{row}@example.com", key, ""
        case "spare":
            return f"p{row}@example.com", key, "oops"
        case "blank":
            return "", key, ""
        case _:
            return "oops", key, "oops"


def cut(
    kinds: Sequence[str], sizes: Sequence[int], max_rows: int, start: int = 0, settled: Sequence[Unit] = ()
) -> list[Prepared]:
    """Cut the rows behind `start`."""
    found = chunks(kinds, sizes, start)
    return list(batcher(max_rows).spans(found, Cursor(start, 1000 * start), settled))


def told(one: Prepared) -> tuple[Span, list[int], list[dict[str, object]], list[dict[str, object]]]:
    """Spell a span out, so that two can be compared."""
    return (
        one.span,
        one.rows.to_pylist(),
        one.columns.to_pylist(),
        one.rejected.to_pylist(),
    )


@given(kinds=ROWS, sizes=SIZES, max_rows=st.integers(1, 7))
@settings(max_examples=60, deadline=None)
def test_every_row_is_in_one_span_in_order_sent_or_rejected(
    kinds: list[str], sizes: list[int], max_rows: int
) -> None:
    """Spans follow each other without a gap, hold as many members as fit, and explain every other row."""
    prepared = cut(kinds, sizes, max_rows)
    expected = 1
    for one in prepared:
        span = one.span
        assert span.first_row == expected
        assert span.after == Cursor(span.last_row, 1000 * span.last_row)
        expected = span.last_row + 1
        of = {row: kinds[row - 1] for row in range(span.first_row, span.last_row + 1)}
        good = [row for row, kind in of.items() if kind in ("good", "spare")]
        assert one.rows.to_pylist() == good
        assert [row["EMAIL"] for row in one.columns.to_pylist()] == [hashed(f"p{row}@example.com") for row in good]
        assert len(good) <= max_rows
        assert len(of) <= SOURCE_ROWS_PER_BATCH_ROW * max_rows
        full = len(good) == max_rows or len(of) == SOURCE_ROWS_PER_BATCH_ROW * max_rows
        assert full or span.last_row == len(kinds)
        codes = {"blank": NO_IDENTIFIER, "bad": "not_an_email", "torn": "ragged_row"}
        why = [codes[kind] for kind in of.values() if kind in codes]
        assert span.rejected == {code: why.count(code) for code in set(why)}
        assert {row["row"] for row in one.rejected.to_pylist()} == set(of) - set(good)
        spare = [row for row, kind in of.items() if kind == "spare"]
        left_out = {"SPARE": {"not_an_email": LeftOut(len(spare), tuple(spare[:5]))}}
        assert span.left_out == (left_out if spare else {})
    assert expected == len(kinds) + 1


@given(kinds=ROWS, sizes=SIZES, others=SIZES, max_rows=st.integers(1, 7), data=st.data())
@settings(max_examples=60, deadline=None)
def test_batches_do_not_depend_on_chunks_or_on_where_reading_began(
    kinds: list[str], sizes: list[int], others: list[int], max_rows: int, data: st.DataObject
) -> None:
    """Read again in other chunks, from the cursor behind any span, the rest is cut exactly as before."""
    first = cut(kinds, sizes, max_rows)
    if not first:
        return
    done = data.draw(st.integers(0, len(first) - 1))
    start = first[done - 1].span.last_row if done else 0
    again = cut(kinds, others, max_rows, start)
    assert [told(one) for one in again] == [told(one) for one in first[done:]]


@given(kinds=ROWS, sizes=SIZES, max_rows=st.integers(1, 7), other=st.integers(1, 7), data=st.data())
@settings(max_examples=60, deadline=None)
def test_spans_acknowledged_ahead_are_recognised_though_the_limit_has_changed(
    kinds: list[str], sizes: list[int], max_rows: int, other: int, data: st.DataObject
) -> None:
    """A release with another limit cuts the rest its way, and around what was settled under the old one."""
    first = cut(kinds, sizes, max_rows)
    if not first:
        return
    done = data.draw(st.integers(0, len(first) - 1))
    ahead = data.draw(st.sets(st.integers(done, len(first) - 1)))
    start = first[done - 1].span.last_row if done else 0
    settled = [Unit(first[at].span.first_row, first[at].span.last_row, "0") for at in ahead]
    again = cut(kinds, sizes, other, start, settled)
    edges = [(one.span.first_row, one.span.last_row) for one in again]
    assert {(unit.first_row, unit.last_row) for unit in settled} <= set(edges)
    rows = [row for one in again for row in range(one.span.first_row, one.span.last_row + 1)]
    assert rows == list(range(start + 1, len(kinds) + 1))
    kept = {(unit.first_row, unit.last_row) for unit in settled}
    assert all(len(one.rows) <= other for one, edge in zip(again, edges, strict=True) if edge not in kept)


def test_a_row_with_several_findings_is_counted_in_its_own_span() -> None:
    """A span takes the findings of its rows alone, also where findings repeat a row and leave one out."""
    spans = [one.span for one in cut(["blank", "good", "bad"], [3], 1)]
    assert [(one.last_row, one.rejected) for one in spans] == [(2, {NO_IDENTIFIER: 1}), (3, {"not_an_email": 1})]


def test_a_hopeless_stretch_ends_a_span_too() -> None:
    """Rows without end that name nobody do not gather in memory."""
    prepared = cut(["blank"] * 95 + ["good"], [7], 3)
    assert [(one.span.first_row, one.span.last_row) for one in prepared] == [(1, 30), (31, 60), (61, 90), (91, 96)]


def test_an_empty_file_has_no_span() -> None:
    """Nothing is prepared where there is nothing."""
    assert cut([], [1], 3) == []


@pytest.mark.parametrize(("header", "default"), [("Country", "US"), ("Lieferland", "")])
def test_each_row_is_read_by_its_own_country(header: str, default: str) -> None:
    """A row's country comes before the default one, for its telephone number and its postal code."""
    by_key = {one.key: one for one in META.fields}
    fields = [(0, by_key["PHONE"]), (1, by_key["ZIP"]), (2, by_key["COUNTRY"])]
    rows = [
        ("044 668 18 00", "8001", "CH"),
        ("(617) 555-0123", "2139", "US"),
        ("+41 44 668 18 00", "2139", ""),
    ]
    cells = [pa.array(column) for column in zip(*rows, strict=True)]
    chunk = Chunk(1, 3, pa.record_batch(cells, names=["tel", "zip", header]), pa.arange(1, 4), _within(1, 3))
    made = Batcher(table=META, fields=fields, context=Context(default), hashed=False, max_rows=9)
    (prepared,) = made.spans([chunk], Cursor(), ())
    third = "02139" if default else "2139"
    assert prepared.columns["PHONE"].to_pylist() == [
        sha256(f"{n}") for n in (41446681800, 16175550123, 41446681800)
    ]
    assert prepared.columns["ZIP"].to_pylist() == [sha256(code) for code in ("8001", "02139", third)]


def test_a_platform_without_a_country_reads_the_column_all_the_same() -> None:
    """TikTok has no field for a country, and its telephone numbers need one."""
    fields = [(0, one) for one in TIKTOK.fields if one.key == "PHONE_SHA256"]
    batch = pa.record_batch([pa.array(["0171 1234567"] * 2), pa.array(["DE", None])], names=["phone", "country"])
    chunk = Chunk(1, 2, batch, pa.arange(1, 3), _within(1, 2))
    made = Batcher(table=TIKTOK, fields=fields, context=Context(), hashed=False, max_rows=9)
    (prepared,) = made.spans([chunk], Cursor(), ())
    assert prepared.columns["PHONE_SHA256"].to_pylist() == [sha256("+491711234567")]
    assert prepared.rejected.to_pylist() == [{"row": 2, "field": "PHONE_SHA256", "code": "phone_no_country"}]


@pytest.mark.parametrize("told", ["ignored", "city"])
def test_a_column_called_country_is_none_if_people_say_so(told: str) -> None:
    """Whoever says that it is to be ignored, or means a city, knows that its cells are no countries."""
    by_key = {one.key: one for one in META.fields}
    fields = [(0, by_key["PHONE"]), *([(1, by_key["CT"])] if told == "city" else [])]
    batch = pa.record_batch([pa.array(["0171 1234567"]), pa.array(["France"])], names=["phone", "country"])
    chunk = Chunk(1, 1, batch, pa.arange(1, 2), _within(1, 1))
    made = Batcher(
        table=META,
        fields=fields,
        context=Context("DE"),
        hashed=False,
        max_rows=9,
        ignored=(1,) if told == "ignored" else (),
    )
    (prepared,) = made.spans([chunk], Cursor(), ())
    assert prepared.columns["PHONE"].to_pylist() == [sha256("491711234567")]


def sha256(text: str) -> str:
    """Return a text's digest as the platforms want it."""
    return hashlib.sha256(text.encode()).hexdigest()


@given(sizes=SIZES, max_rows=st.integers(1, 7), mended=st.sets(st.integers(1, 40)), start=st.integers(0, 39))
@settings(max_examples=60, deadline=None)
def test_mended_rows_are_counted_once_whatever_the_chunks(
    sizes: list[int], max_rows: int, mended: set[int], start: int
) -> None:
    """Each span counts its own, sent or not, and what lies before the start is not counted again."""
    kinds = [KINDS[row % 4] for row in range(40)]
    given_rows = [
        replace(
            one, mended=pa.array(sorted(row for row in mended if row in set(one.rows.to_pylist())), pa.int64())
        )
        for one in chunks(kinds, sizes, start)
    ]
    spans = [one.span for one in batcher(max_rows).spans(given_rows, Cursor(start), ())]
    counted = [len([row for row in mended if one.first_row <= row <= one.last_row]) for one in spans]
    assert [one.mended for one in spans] == counted


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"EMAIL": "", "COUNTRY": "Atlantis", "FN": "Ann"}, NO_IDENTIFIER),
        ({"EMAIL": "ann(at)example.com", "COUNTRY": "Atlantis", "FN": "Ann"}, "not_an_email"),
        ({"EMAIL": "ann@example.com", "COUNTRY": "Atlantis", "LOOKALIKE_VALUE": ""}, "required_missing"),
    ],
    ids=["nobody", "bad address", "no value"],
)
def test_a_row_is_counted_under_what_keeps_it_back(cells: dict[str, str], code: str) -> None:
    """Not under a cell that would have been left out of its row, however early that is on the wire."""
    valued = "LOOKALIKE_VALUE" in cells
    table = PLATFORM.table_for(AudienceOptions(value_based=True) if valued else AudienceOptions())
    one = Batcher(
        table=table,
        fields=[(index, table.field(key)) for index, key in enumerate(cells)],
        context=Context(),
        hashed=False,
        max_rows=10,
    )
    columns = pa.record_batch([pa.array([cell]) for cell in cells.values()], names=list(cells))
    chunk = Chunk(
        first_row=1,
        row_count=1,
        columns=columns,
        rows=pa.array([1], pa.int64()),
        cursor_after=_within(1, 1),
        malformed={},
    )
    assert row_reasons(one.identify(chunk).rejected) == {code: 1}
