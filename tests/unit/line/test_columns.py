"""The columns of a file against a platform's fields."""

from __future__ import annotations

import pytest
from activation.drops.columns import map_columns
from activation.errors import Rejected
from activation.model import HASHED, RAW, Kind

from tests.unit.line.platform import TABLE


def test_columns_are_matched_by_key_and_synonym_and_come_in_wire_order() -> None:
    """Case, spaces and hyphens in a header do not matter; the fields stand as the table has them."""
    mapped = map_columns(TABLE, ["Customer ID", "shoe size", "E-Mail"], RAW)
    assert [(index, field.key) for index, field in mapped.fields] == [(2, "EMAIL"), (0, "ID")]
    assert mapped.used == {"E-Mail": "EMAIL", "Customer ID": "ID"}
    assert mapped.ignored == ["shoe size"]


@pytest.mark.parametrize("header", [["shoe size"], ["customer_id"], [""]])
def test_a_file_without_a_column_that_names_a_person_is_refused(header: list[str]) -> None:
    """An ID of the customer's own names nobody to this platform."""
    with pytest.raises(Rejected, match="EMAIL, SPARE") as error:
        map_columns(TABLE, header, HASHED)
    assert error.value.code == "no_usable_column"


@pytest.mark.parametrize(
    "name", ["person@example.com", "+49 170 1234567", "0" * 64, "Zoë", "x" * 65, "=cmd()", "", "Jan 1980"]
)
def test_a_name_that_may_be_somebodys_data_is_shown_as_a_number(name: str) -> None:
    """A file without a header has a person in its first line."""
    assert map_columns(TABLE, ["email", name], RAW).ignored == ["column 2"]


def test_a_single_column_is_its_identifier() -> None:
    """The key says what it is, whatever stands above it."""
    mapped = map_columns(TABLE, ["anything"], Kind("email_sha256", hashed=True, single="EMAIL"))
    assert [(index, field.key) for index, field in mapped.fields] == [(0, "EMAIL")]
    assert (mapped.used, mapped.ignored) == ({"column 1": "EMAIL"}, ())


def test_a_second_column_for_a_field_is_ignored_by_name() -> None:
    """The first one fills the field."""
    mapped = map_columns(TABLE, ["email", "e-mail"], RAW)
    assert [(index, field.key) for index, field in mapped.fields] == [(0, "EMAIL")]
    assert mapped.ignored == ["e-mail"]
