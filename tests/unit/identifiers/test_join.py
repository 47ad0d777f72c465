"""Several columns of one field: the first usable cell of a row, in order of preference."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pytest
from activation.identifiers.assign import Use
from activation.identifiers.cell_lists import with_lists
from activation.identifiers.identify import identify
from activation.identifiers.join import join
from activation.identifiers.table import Context

from lambdas.meta.fields import TABLE

EMAIL, COUNTRY = TABLE.field("EMAIL"), TABLE.field("COUNTRY")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _columns(*columns: list[str | None]) -> pa.RecordBatch:
    return pa.record_batch(
        [pa.array(one, pa.string()) for one in columns], names=[str(n) for n in range(len(columns))]
    )


def test_blank_and_unusable_cells_are_filled_from_the_next_column() -> None:
    """A row keeps its first usable cell; where none is, the first reason."""
    columns = _columns(
        ["a@b.co", "", "none", "bad", "bad", None], ["c@d.co", "e@f.co", "g@h.co", "i@j.co", "", "1"]
    )
    found = join(EMAIL, [Use(0), Use(1)], columns, Context(), hashed=False).column
    wanted = ["a@b.co", "e@f.co", "g@h.co", "i@j.co"]
    assert found.sent.to_pylist() == [*map(_sha256, wanted), None, None]
    assert found.code.to_pylist() == [None, None, None, None, "not_an_email", "not_an_email"]
    assert (found.sent.type, found.code.type) == (pa.string(), pa.string())


@pytest.mark.parametrize("order", [[Use(0), Use(1, hashed=True)], [Use(1, hashed=True)]])
def test_a_column_that_is_called_hashed_is_passed_on_in_a_raw_drop(order: list[Use]) -> None:
    """A digest there is not hashed again; whatever else stands there is a value like any other."""
    columns = _columns(["", "", ""], [_sha256("a@b.co").upper(), "c@d.co", "0" * 32])
    found = join(EMAIL, order, columns, Context(), hashed=False).column
    assert found.sent.to_pylist() == [_sha256("a@b.co"), _sha256("c@d.co"), None]
    assert found.code.to_pylist() == [None, None, "hash_md5"]


def test_the_raw_value_goes_before_the_hash_beside_it() -> None:
    """Our own normalisation is the platform's; the hash helps where there is no usable value."""
    columns = _columns(["A@B.co", "bad"], [_sha256("x@y.co"), _sha256("c@d.co")])
    found = join(EMAIL, [Use(0), Use(1, hashed=True)], columns, Context(), hashed=False).column
    assert found.sent.to_pylist() == [_sha256("a@b.co"), _sha256("c@d.co")]


@pytest.mark.parametrize("hashed", [False, True])
def test_a_constant_fills_the_rows_without_a_value(hashed: bool) -> None:
    """It is a value, and hashed here, whatever the drop declares of its own."""
    given = _sha256("de") if hashed else "DE"
    found = join(COUNTRY, [Use(0), Use(-1, constant="US")], _columns([given, ""]), Context(), hashed=hashed).column
    assert found.sent.to_pylist() == [_sha256("de"), _sha256("us")]
    only = join(COUNTRY, [Use(-1, constant="US")], _columns(["x", "y"]), Context(), hashed=hashed).column
    assert only.sent.to_pylist() == [_sha256("us")] * 2


def test_further_values_of_a_row_are_those_that_differ() -> None:
    """Up to three addresses of a person are told apart by what is sent for them; a digest beside them is none."""
    columns = _columns(
        ["a@b.co", "", "x@y.co", "bad"],
        ["A@B.co", "c@d.co", "y@y.co", "i@j.co"],
        ["e@f.co", "g@h.co", "z@y.co", "i@j.co"],
        ["", "", "w@y.co", ""],
        [_sha256("other@b.co")] * 4,
    )
    uses = [Use(0), Use(1), Use(2), Use(3), Use(4, hashed=True)]
    found = join(EMAIL, uses, columns, Context(), hashed=False)
    assert found.column.sent.to_pylist() == [*map(_sha256, ["a@b.co", "c@d.co", "x@y.co", "i@j.co"])]
    assert [each.to_pylist() for each in found.further] == [
        [_sha256("e@f.co"), _sha256("g@h.co"), _sha256("y@y.co"), None],
        [None, None, _sha256("z@y.co"), None],
    ]
    assert join(COUNTRY, [Use(0), Use(1)], _columns(["DE"], ["FR"]), Context(), hashed=False).further == ()


def test_a_cell_of_several_values_is_taken_apart() -> None:
    """Each part has to be a value; a cell that is one as it stands, or holds anything else, stays as it is."""
    cells = ["a@b.co ::: C@d.co", "e@f.co;g@h.co,e@f.co", "i@j.co; see notes", "k@l.co", ";m@n.co", None]
    columns = _columns(cells)
    identified = identify(EMAIL, columns.column(0), Context(), hashed=False)
    found, further = with_lists(EMAIL, columns.column(0), identified, Context())
    assert found.sent.to_pylist() == [
        *map(_sha256, ["a@b.co", "e@f.co"]), None, *map(_sha256, ["k@l.co", "m@n.co"]), None,
    ]  # fmt: skip
    assert found.code.to_pylist() == [None, None, "not_an_email", None, None, None]
    assert [each.to_pylist() for each in further] == [
        [*map(_sha256, ["c@d.co", "g@h.co"]), None, None, None, None]
    ]
    joined = join(EMAIL, [Use(0), Use(1)], _columns(["a@b.co;c@d.co"], ["e@f.co"]), Context(), hashed=False)
    assert joined.column.sent.to_pylist() == [_sha256("a@b.co")]
    assert [each.to_pylist() for each in joined.further] == [[_sha256("c@d.co")], [_sha256("e@f.co")]]


def test_the_numbers_of_one_cell_are_read_by_their_rows_country() -> None:
    """National numbers side by side are those of the country that the row names, not of the default one."""
    phone, cell = TABLE.field("PHONE"), "4155550100; 4155550101"
    countries = pa.array(["US", "", "US"]).dictionary_encode()
    columns = _columns([cell, cell, "(415) 555-0100"])
    found = join(phone, [Use(0)], columns, Context("DE"), countries, hashed=False)
    american, german = (_sha256(f"{code}4155550100") for code in ("1", "49"))
    assert found.column.sent.to_pylist() == [american, german, american]
    assert [each.to_pylist() for each in found.further] == [
        [_sha256("14155550101"), _sha256("494155550101"), None]
    ]
