"""Fields that depend on their row's country: postal codes, and Amazon's states and streets.

Cases after https://github.com/awesomemotive/easy-digital-downloads/issues/3166 and, against padding without a
country, https://github.com/irworkshop/campfin/issues/17.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from importlib.resources import files

import pyarrow as pa
import pytest
from activation.identifiers.countries import _countries, _local_names, country_code
from activation.identifiers.identify import depends_on_country, identify_by_country, identify_value
from activation.identifiers.provinces import provinces
from activation.identifiers.table import Context, Field
from hypothesis import given, settings
from hypothesis import strategies as st


def field(platform: str, key: str) -> Field:
    """Give a field of a platform."""
    found: Field = import_module(f"lambdas.{platform}.fields").TABLE.field(key)
    return found


FIELDS = [("meta", "ZIP"), ("google", "postalCode"), ("amazon_ads", "zip"), ("amazon_ads", "st"), ("meta", "LN")]
CELLS = st.one_of(
    st.none(),
    st.sampled_from(
        ["2139", "02139", "8001", "601", "2139.0", "Bavaria", "Texas", "K1A 0B1", "EC1A 1BB", "", "null"]
    ),
    st.text("0123456789- A", max_size=10),
)
COUNTRIES = st.sampled_from([None, "", " ", "US", "United States", "CH", "Germany (DE)", "gb", "nowhere", "CA"])


@pytest.mark.parametrize(("platform", "key"), FIELDS)
@given(
    rows=st.lists(st.tuples(CELLS, COUNTRIES), max_size=12),
    default=st.sampled_from(["", "US", "DE"]),
    cut=st.integers(0, 3),
    encode=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_each_row_is_read_by_its_own_country(
    platform: str, key: str, *, rows: list[tuple[str | None, str | None]], default: str, cut: int, encode: bool
) -> None:
    """A column beside its countries gives what each cell gives with that country as the default one."""
    one, context = field(platform, key), Context(default)
    expected = []
    for cell, country in rows[cut:]:
        own = default if country is None or not country.strip() else country_code(country) or ""
        alone = replace(context, default_country=own)
        expected.append(None if cell is None else identify_value(one, cell, alone, hashed=False))
    values = pa.array([cell for cell, _ in rows], pa.string()).slice(cut)
    countries = pa.array([country for _, country in rows], pa.string()).slice(cut)
    if encode:
        values, countries = values.dictionary_encode(), countries.dictionary_encode()
    column = identify_by_country(one, values, countries, context, hashed=False)
    assert column.sent.to_pylist() == [cell and cell.sent for cell in expected]
    assert column.code.to_pylist() == [cell and cell.code for cell in expected]


def test_a_zip_gets_its_zero_back_where_its_row_is_american() -> None:
    """2139 is in Massachusetts when the row says so, and somewhere in Australia when that says so."""
    values, countries = pa.array(["2139"] * 4), pa.array(["US", "Australia", None, "?"])
    column = identify_by_country(field("google", "postalCode"), values, countries, Context("US"), hashed=False)
    assert column.sent.to_pylist() == ["02139", "2139", "02139", "2139"]


def test_digests_and_other_fields_do_not_ask_for_the_country() -> None:
    """What comes hashed is passed on, and a name is a name anywhere."""
    assert depends_on_country(field("amazon_ads", "ad"))
    assert not depends_on_country(field("meta", "COUNTRY"))
    assert not depends_on_country(field("meta", "PHONE"))
    digest = "a" * 64
    column = identify_by_country(
        field("meta", "ZIP"), pa.array([digest]), pa.array(["US"]), Context(), hashed=True
    )
    assert column.sent.to_pylist() == [digest]


def test_local_names_contradict_nothing() -> None:
    """No name in another language is another country's name or code in English, and each is of one country."""
    known, local = _countries(), _local_names()
    assert not {name for name in local if known.get(name, local[name]) != local[name]}
    lines = (files("activation.identifiers") / "country_names.txt").read_text("utf-8").splitlines()
    assert {line[:2] for line in lines} <= set(known.values())
    assert len(local) == sum(len(line.split(": ")[1].split(", ")) for line in lines)


@pytest.mark.parametrize("country", ["FR", "DE", "IT", "ES", "GB"])
def test_provinces_have_codes_of_two_letters_at_most(country: str) -> None:
    """A code is what Amazon's uploader writes: two letters, in Spain one or two."""
    assert all(len(code) in ((1, 2) if country == "ES" else (2,)) for code in provinces(country).values())
    assert bool(provinces(country)) == (country != "GB")
