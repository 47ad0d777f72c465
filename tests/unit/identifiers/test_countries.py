"""Fields that depend on their row's country: postal codes, and Amazon's states and streets.

Cases after https://github.com/awesomemotive/easy-digital-downloads/issues/3166 and, against padding without a
country, https://github.com/irworkshop/campfin/issues/17.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from importlib.resources import files

import pyarrow as pa
import pycountry
import pytest
from activation.identifiers.codes import Code
from activation.identifiers.countries import _countries, _local_names, country_code
from activation.identifiers.identify import identify_value
from activation.identifiers.provinces import provinces
from activation.identifiers.row_country import country_column, depends_on_country, identify_by_country
from activation.identifiers.table import Context, Digest, Field, FieldTable
from hypothesis import given, settings
from hypothesis import strategies as st


def field(platform: str, key: str) -> Field:
    """Return a field of a platform."""
    found: Field = import_module(f"lambdas.{platform}.fields").TABLE.field(key)
    return found


FIELDS = [("meta", "ZIP"), ("google", "postalCode"), ("amazon_ads", "zip"), ("amazon_ads", "st"), ("meta", "LN")]
FIELDS += [("meta", "PHONE"), ("tiktok", "PHONE_SHA256")]
CELLS = st.one_of(
    st.none(),
    st.sampled_from(
        [
            *("2139", "02139", "8001", "601", "2139.0", "Bavaria", "Texas", "K1A 0B1", "EC1A 1BB", "", "null"),
            *("0171 1234567", "+49 171 1234567", "2125550123", "079 123 45 67", "07911123456", "0044 7911 123456"),
        ]
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
        named = (country_code(country) or "") if country and country.strip() else None
        own = named if named or (named is not None and "PHONE" not in key) else default
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


@pytest.mark.parametrize(
    ("written", "code"),
    [
        *(("D", "DE"), ("a", "AT"), ("F", "FR"), ("I", "IT"), ("E", "ES"), ("B", "BE"), ("L", "LU"), ("S", "SE")),
        *(("P", "PT"), ("GER", "DE"), ("SUI", "CH"), ("NED", "NL"), ("DEN", "DK"), ("POR", "PT"), ("gre", "GR")),
        *(("CH", "CH"), ("Deutschland (D)", "DE"), ("A - Austria", "AT"), ("N", None), ("X", None), ("M", None)),
    ],
)
def test_the_codes_on_cars_and_in_sports_are_read(written: str, code: str | None) -> None:
    """German exports name countries by the letters on cars; a letter that is no such common one names none."""
    assert country_code(written) == code


@pytest.mark.parametrize(
    ("cell", "country", "default", "sent"),
    [
        ("0171 1234567", "DE", "US", "491711234567"),
        ("0171 1234567", "Deutschland", "", "491711234567"),
        ("(212) 555-0123", "US", "DE", "12125550123"),
        ("079 123 45 67", "Switzerland (CH)", "DE", "41791234567"),
        ("079 123 45 67", "USA", "CH", None),
        ("0171 1234567", "D", "", "491711234567"),
        ("0664 1234567", "A", "DE", "436641234567"),
        ("0171 1234567", " ", "DE", "491711234567"),
        ("0171 1234567", "nowhere", "DE", "491711234567"),
        ("0171 1234567", "AQ", "DE", "491711234567"),
        ("+41 79 123 45 67", "DE", "US", "41791234567"),
        ("4915112345678", "US", "", "4915112345678"),
        ("06 698 12345", "IT", "US", "390669812345"),
        ("8 912 345-67-89", "RU", "", "79123456789"),
    ],
)
def test_a_national_number_is_one_of_its_rows_country(
    cell: str, country: str, default: str, sent: str | None
) -> None:
    """A number without its country code is read by the row's country, else by the default one; never by both."""
    one = replace(field("meta", "PHONE"), digest=Digest.PLAIN)
    values, countries = pa.array([cell, "+1 212 555 0123"]), pa.array([country, "DE"])
    column = identify_by_country(one, values, countries, Context(default), hashed=False)
    assert column.sent.to_pylist() == [sent, "12125550123"]
    assert column.code[0].as_py() == (None if sent else Code.PHONE_NOT_IN_COUNTRY)


@pytest.mark.parametrize(
    ("platform", "header", "found"),
    [
        ("meta", ["email", "Country", "zip"], 1),
        ("meta", ["email", "Country Code", "Country"], 1),
        ("tiktok", ["phone", "country-code"], 1),
        ("tiktok", ["phone", "email"], None),
        ("snapchat", ["country_iso2", "phone"], 0),
        ("snapchat", ["Billing Country", "phone", "Country"], 2),
    ],
)
def test_the_column_of_countries_is_known_by_field_or_name(
    platform: str, header: list[str], found: int | None
) -> None:
    """A platform without a field for countries has such a column all the same."""
    table: FieldTable = import_module(f"lambdas.{platform}.fields").TABLE
    by_index, _ = table.columns(header)
    fields = [(index, one) for index, of_column in by_index.items() for one in of_column]
    assert country_column(fields, header) == found


def test_a_column_mapped_to_the_country_needs_no_such_name() -> None:
    """What the settings call the country is the country."""
    fields = [(0, field("meta", "EMAIL")), (2, field("meta", "COUNTRY"))]
    assert country_column(fields, ["email", "country", "where"]) == 2


def test_digests_and_other_fields_do_not_ask_for_the_country() -> None:
    """What comes hashed is passed on, and a name is a name anywhere."""
    assert depends_on_country(field("amazon_ads", "ad"))
    assert not depends_on_country(field("meta", "COUNTRY"))
    assert not depends_on_country(field("meta", "EMAIL"))
    digest = "a" * 64
    column = identify_by_country(
        field("meta", "ZIP"), pa.array([digest]), pa.array(["US"]), Context(), hashed=True
    )
    assert column.sent.to_pylist() == [digest]


def test_codes_and_states_are_those_of_pycountry() -> None:
    """Both lists that are kept beside the code say what pycountry does."""
    folder = files("activation.identifiers")
    codes = (folder / "country_codes.txt").read_text("utf-8").replace("\n", ", ").strip(", ").split(", ")
    assert sorted(codes) == sorted(f"{one.alpha_2} {one.alpha_3}" for one in pycountry.countries)
    states = (folder / "state_names.txt").read_text("utf-8").splitlines()
    listed = (one for country in ("CA", "US") for one in pycountry.subdivisions if one.country_code == country)
    assert sorted(states) == sorted(f"{one.code}: {one.name}" for one in listed)


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
