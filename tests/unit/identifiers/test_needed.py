"""What a row needs beside its own cells: fields that count together, and fields that are required."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest
from activation.drops.columns import map_columns
from activation.errors import Rejected
from activation.identifiers.needed import has_needed, leave_out_incomplete
from activation.identifiers.plain import Unchanged
from activation.identifiers.table import Digest, Field, FieldTable
from activation.model import RAW

from lambdas.google.fields import TABLE as GOOGLE
from lambdas.meta.fields import TABLE as META


def _field(key: str, **more: object) -> Field:
    field = Field(key, Unchanged(), Digest.PLAIN, "https://example.com", "2026-11-29")
    return replace(field, **more)  # type: ignore[arg-type]  # the field's own arguments


TABLE = FieldTable(
    "any",
    (
        _field("MAIL", identifies=True),
        _field("STREET", identifies=True, together="address"),
        _field("TOWN", identifies=True, together="address"),
        _field("CONSENT", required=True),
    ),
)


def _columns(**cells: list[str | None]) -> tuple[dict[str, pa.Array], dict[str, pa.Array]]:
    sent = {key: pa.array(values, pa.string()) for key, values in cells.items()}
    return sent, {key: pa.nulls(len(values), pa.string()) for key, values in cells.items()}


def test_a_set_is_sent_whole_or_not_at_all() -> None:
    """Half an address is left out with a code, and what is blank stays blank."""
    sent, codes = _columns(MAIL=["m", None, None], STREET=["s", "s", None], TOWN=["t", None, None])
    leave_out_incomplete(TABLE, sent, codes)
    assert sent["STREET"].to_pylist() == ["s", None, None]
    assert sent["TOWN"].to_pylist() == ["t", None, None]
    assert codes["STREET"].to_pylist() == [None, "incomplete_set", None]
    assert codes["TOWN"].to_pylist() == [None, None, None]
    assert sent["MAIL"].to_pylist() == ["m", None, None]


def test_a_set_that_lacks_a_column_is_never_sent() -> None:
    """A file without towns has no address in any row."""
    sent, codes = _columns(STREET=["s", None])
    leave_out_incomplete(TABLE, sent, codes)
    assert sent["STREET"].to_pylist() == [None, None]
    assert codes["STREET"].to_pylist() == ["incomplete_set", None]


def test_a_row_needs_every_required_field_and_one_that_names_a_person() -> None:
    """A required cell that is blank has a code of its own; one that was refused keeps its own."""
    sent, codes = _columns(MAIL=["m", "m", None, "m"], CONSENT=["y", None, "y", None])
    codes["CONSENT"] = pa.array([None, None, None, "not_allowed"], pa.string())
    assert has_needed(TABLE, sent, codes).to_pylist() == [True, False, False, False]
    assert codes["CONSENT"].to_pylist() == [None, "required_missing", None, "not_allowed"]


def test_columns_that_cannot_name_a_person_or_lack_a_required_one_are_refused() -> None:
    """Before a row is read it is said which column is missing."""
    with pytest.raises(Rejected, match="no_usable_column"):
        map_columns(TABLE, ["STREET", "CONSENT"], RAW)
    with pytest.raises(Rejected, match="required_column_missing"):
        map_columns(TABLE, ["MAIL"], RAW)
    assert len(map_columns(TABLE, ["STREET", "TOWN", "CONSENT"], RAW).fields) == 3


def test_an_address_identifies_only_whole_at_google() -> None:
    """Names alone are nobody; with region and postal code they are somebody."""
    names = ["givenName", "familyName"]
    assert not GOOGLE.can_identify(names)
    assert GOOGLE.can_identify([*names, "regionCode", "postalCode"])
    assert GOOGLE.can_identify(["emailAddress"])


def test_a_name_alone_is_nobody_at_meta() -> None:
    """First and last name need a place or a day of birth beside them in the row; neither alone does."""
    assert not META.can_identify(["FN"])
    assert not META.can_identify(["FN", "LN", "COUNTRY", "GEN"])
    assert META.can_identify(["FN", "LN", "ZIP"])
    sent, codes = _columns(
        FN=["f", "f", "f", None, "f"], LN=["l", "l", None, "l", None], ZIP=["z", None, "z", "z", None],
        EMAIL=[None, None, None, None, "e"],
    )  # fmt: skip
    assert has_needed(META, sent, codes).to_pylist() == [True, False, False, False, True]
