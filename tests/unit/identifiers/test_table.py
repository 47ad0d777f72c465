"""The platforms' tables: complete, unambiguous, and mapped onto the columns that exports have."""

from __future__ import annotations

import re
from collections import Counter
from importlib import import_module

import pytest
from activation.identifiers.header_names import fold
from activation.identifiers.headers import Meaning
from activation.identifiers.table import FieldTable

PLATFORMS = ("meta", "meta_conversions", "tiktok", "snapchat", "amazon_ads", "google")


def table(platform: str) -> FieldTable:
    """Return a platform's table."""
    found: FieldTable = import_module(f"lambdas.{platform}.fields").TABLE
    return found


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_row_has_its_source(platform: str) -> None:
    """Each field says which public page its rule follows and when it was read."""
    assert table(platform).platform == platform
    for field in table(platform).fields:
        assert re.fullmatch(r"https://\S+", field.source)
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", field.read)
        assert field.rule.name


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_column_name_means_one_field(platform: str) -> None:
    """No name or meaning fits two fields of a table, but that a whole date of birth fills year, month and day."""
    fields = table(platform).fields
    names = Counter(name for one in fields for name in {fold(known) for known in (one.key, *one.synonyms)})
    assert {name for name, count in names.items() if count > 1} == set()
    meanings = Counter(meaning for one in fields for meaning in one.means)
    assert {meaning for meaning, count in meanings.items() if count > 1} <= {Meaning.BIRTH_DATE}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_single_column_types_name_fields(platform: str) -> None:
    """Each type of a single-column drop leads to a field of the table."""
    for kind, key in table(platform).singles:
        assert kind == kind.upper()
        assert table(platform).field(key).key == key


def test_columns_are_found_by_their_usual_names() -> None:
    """Case, spaces, hyphens and underscores do not matter, a second column counts, unknown ones are named."""
    header = ["E-Mail", "Phone Number", "FIRST_NAME", "surname", "Zip Code", "shoe size", "email_address"]
    mapped, unknown = table("meta").columns(header)
    assert {index: [field.key for field in fields] for index, fields in mapped.items()} == {
        0: ["EMAIL"],
        1: ["PHONE"],
        2: ["FN"],
        3: ["LN"],
        4: ["ZIP"],
        6: ["EMAIL"],
    }
    assert unknown == ["shoe size"]


def test_a_date_of_birth_fills_what_its_own_columns_leave_blank() -> None:
    """A whole date gives year, month and day; a part's own column is preferred."""
    mapped, unknown = table("meta").columns(["dob", "birth_year", "email"])
    assert {index: [field.key for field in fields] for index, fields in mapped.items()} == {
        2: ["EMAIL"],
        1: ["DOBY"],
        0: ["DOBY", "DOBM", "DOBD"],
    }
    assert unknown == []
    assert list(mapped) == [2, 1, 0]


def test_keys_that_need_more_than_a_row_are_never_filled_from_a_column() -> None:
    """A customer's uid column is not mistaken for Meta's user id, which needs an app's id beside it."""
    mapped, unknown = table("meta").columns(["uid", "PAGEUID"])
    assert mapped == {}
    assert unknown == ["uid", "PAGEUID"]


def test_fields_are_found_by_key_and_by_name() -> None:
    """A wire key and a column name both lead to the field; an unknown name to none."""
    assert table("amazon_ads").find("postal_code") is table("amazon_ads").field("zip")
    assert table("amazon_ads").find("nothing") is None
    with pytest.raises(KeyError):
        table("amazon_ads").field("nothing")
