"""Telephone numbers a column at a time: the same as one by one, and hardly ever one by one."""

from __future__ import annotations

import re
from importlib import import_module
from random import Random
from typing import Any

import phonenumbers
import pyarrow as pa
import pytest
from activation.identifiers.abroad import is_valid
from activation.identifiers.code_tables import RELEASE, built, stored
from activation.identifiers.codes import Code
from activation.identifiers.countries_of_cells import Countries
from activation.identifiers.digit_patterns import (
    ANY,
    ANYTHING,
    MANY,
    Both,
    Times,
    lengths_of,
    one_of,
    parsed,
    then,
    widest,
)
from activation.identifiers.digit_tables import COLUMNS, START, DigitColumns, DigitTable, holds, joined, merged
from activation.identifiers.dressed import typed_numbers
from activation.identifiers.identify import identify_value
from activation.identifiers.national_numbers import national_columns
from activation.identifiers.number_patterns import BEYOND_OUTLINE, KINDS, valid_of
from activation.identifiers.numbering import national, read_two_ways
from activation.identifiers.phones import Phone
from activation.identifiers.row_country import identify_by_country
from activation.identifiers.table import Context, Field
from activation.identifiers.valid_numbers import valid_abroad
from hypothesis import given, settings
from hypothesis import strategies as st

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
PHONES: list[Field] = [
    import_module("lambdas.meta.fields").TABLE.field("PHONE"),
    import_module("lambdas.tiktok.fields").TABLE.field("PHONE_SHA256"),
    import_module("lambdas.amazon_ads.fields").TABLE.field("ph"),
]
SCRIPTS = ("0123456789", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "०१२३४५६७८९", "０１２３４５６７８９")  # noqa: RUF001  digits


@st.composite
def national_digits(draw: st.DrawFn, region: str) -> str:
    """Draw digits near a number of a region: with what is dialled before it, cut, longer, or a digit changed."""
    kind = draw(st.sampled_from(list(phonenumbers.PhoneNumberType.values())))
    example = phonenumbers.example_number_for_type(region, kind) or phonenumbers.example_number(region)
    number = phonenumbers.national_significant_number(example) if example else "123456789"
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region, None)
    code, trunk = str(phonenumbers.country_code_for_region(region)), (metadata and metadata.national_prefix) or ""
    before = draw(
        st.sampled_from(["", trunk, code, code + trunk, "0", f"0{code}", f"{trunk}{code}", "1", "8", "9", "810"])
    )
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(number) - 1))
        number = number[:place] + draw(st.sampled_from("0123456789")) + number[place + 1 :]
    drawn: str = (before + number + draw(st.text("0123456789", max_size=2)))[: draw(st.integers(4, 19))]
    return drawn


@st.composite
def typed(draw: st.DrawFn, region: str) -> str:
    """Draw a number as people type it: with marks, (0), labels, extensions, letters, digits of any script."""
    digits = draw(national_digits(region))
    code = str(phonenumbers.country_code_for_region(region))
    shape = draw(
        st.sampled_from(["{}", "{}", "({}) {}-{}", "{}-{}-{}", "{} {} {}", "{}.{}.{}", "{}/{}", "({}) {}"])
    )
    cuts = sorted(draw(st.lists(st.integers(0, len(digits)), min_size=2, max_size=2)))
    parts = [digits] if shape == "{}" else [digits[: cuts[0]], digits[cuts[0] : cuts[1]], digits[cuts[1] :]]
    text = shape.format(*parts[: shape.count("{}") - 1], "".join(parts[shape.count("{}") - 1 :]))
    before = [
        "",
        "",
        "",
        "+",
        f"+{code} ",
        f"+{code} (0)",
        f"+{code} ( 0 ) ",
        f"00{code} (0)",
        "tel: ",
        "(0) ",
        "'",
        '="',
        "++",
    ]
    behind = [
        "",
        "",
        "",
        "",
        " ext. 12",
        " x3",
        ".0",
        ".00",
        ",5",
        " (home)",
        " / 12",
        "; 5551234567",
        '"',
        " CALL",
        "E+10",
    ]
    text = draw(st.sampled_from(before)) + text + draw(st.sampled_from(behind))
    return text.translate(str.maketrans(SCRIPTS[0], draw(st.sampled_from((SCRIPTS[0],) * 4 + SCRIPTS))))


@settings(max_examples=60, deadline=None)
@given(data=st.data(), field=st.sampled_from(PHONES), default=st.sampled_from(["", "US", "DE", "IT"]))
def test_a_column_of_typed_numbers_gives_what_its_cells_give(
    data: st.DataObject, field: Field, default: str
) -> None:
    """Beside a column of countries or without one, a column says of each cell what is said of it alone."""
    regions = data.draw(st.lists(st.sampled_from(REGIONS), min_size=1, max_size=8))
    texts = [data.draw(typed(region)) for region in regions]
    countries = [
        data.draw(st.sampled_from([region, region, region.lower(), "", "Atlantis"])) for region in regions
    ]
    of_rows = pa.array(countries) if data.draw(st.booleans()) else None
    column = identify_by_country(field, pa.array(texts), of_rows, Context(default), hashed=False)
    by_cell = [place.upper() if of_rows is not None and len(place) == 2 else default for place in countries]
    cells = [
        identify_value(field, text, Context(place), hashed=False)
        for text, place in zip(texts, by_cell, strict=True)
    ]
    assert column.sent.to_pylist() == [cell.sent for cell in cells]
    assert column.code.to_pylist() == [cell.code for cell in cells]


@settings(max_examples=150, deadline=None)
@given(data=st.data(), region=st.sampled_from(REGIONS))
def test_digits_of_a_column_are_read_at_home_as_one_by_one(data: st.DataObject, region: str) -> None:
    """A number of a column is what `national` gives, and what is refused is nothing there, in no second way."""
    drawn = data.draw(st.lists(national_digits(region), min_size=1, max_size=12))
    digits = [one for one in drawn if not one.startswith("00")]
    numbers, refused = national_columns(pa.array(digits, pa.string()), Countries.one(region, len(digits)))
    for one, number, none in zip(digits, numbers.to_pylist(), refused.to_pylist(), strict=True):
        if number is not None or none:
            assert national(one, region) == number
            assert not (none and read_two_ways(one, region))


@pytest.mark.parametrize("code", sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE))
def test_every_number_that_a_code_accepts_is_valid_for_the_library(code: int) -> None:
    """A walk through a code's table ends at a valid number, and what the table refuses is none."""
    chance, found = Random(code), []
    table = DigitTable((valid_of(code),)).rows.to_pylist()
    for _ in range(40):
        state, digits = START, ""
        while not (table[state + COLUMNS - 1] and chance.random() < 0.7):
            ways = [digit for digit in range(10) if table[state + digit]]
            if not ways:
                break
            digit = chance.choice(ways)
            state, digits = table[state + digit], f"{digits}{digit}"
        found += [
            f"{code}{digits}",
            f"{code}{digits[:-1]}{chance.randrange(10)}",
            f"{code}{digits}{chance.randrange(10)}",
        ]
    valid, may_be = valid_abroad(pa.array(found))
    assert valid.to_pylist() == [is_valid(one) for one in found]
    assert any(valid.to_pylist())
    assert all(may for one, may in zip(valid.to_pylist(), may_be.to_pylist(), strict=True) if one)


def test_the_stored_tables_are_those_of_the_library() -> None:
    """They are what `make phones` writes for the installed release of libphonenumber."""
    table = stored()
    assert (table.schema.metadata or {})[RELEASE].decode() == phonenumbers.__version__, "run make phones"
    assert table.equals(built())


def test_a_merged_table_tells_the_same_of_every_text() -> None:
    """States that tell the same are one state, also those of different tables, and what each table holds stays."""
    chance = Random(20261201)
    patterns = (r"1[2-5]\d{3}|9(?:12|34)?", r"2[2-5]\d{3}|8(?:12|34)?", "5", r"1[2-5]\d{3}|2\d{4}")
    rows, starts = joined(tuple(DigitTable((parsed(one), parsed("9?5"))) for one in patterns))
    fewer, moved = merged(rows, starts)
    assert len(fewer) < len(rows) / 2
    texts = ["", "5", "95", *("".join(chance.choices("1234589", k=chance.randrange(7))) for _ in range(3_000))]
    columns = DigitColumns.of(pa.array(texts))
    which = pa.array([chance.randrange(len(patterns)) for _ in texts], pa.int32())
    found = columns.read(fewer, moved.take(which))
    assert found.equals(columns.read(rows, starts.take(which)))
    assert set(found.to_pylist()) == {0, 1, 2, 3}


def test_only_the_codes_that_are_named_have_numbers_beyond_their_outline() -> None:
    """Of every other country, a number of one of its kinds has the outline of its numbers too."""
    found = set()
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        for region in regions:
            metadata: Any = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region)
            kinds = [getattr(metadata, kind, None) for kind in KINDS]
            numbers = "|".join(one.national_number_pattern for one in kinds if one and one.national_number_pattern)
            outline = parsed(metadata.general_desc.national_number_pattern)
            if 1 in DigitTable((parsed(numbers), outline)).rows.to_pylist()[COLUMNS - 1 :: COLUMNS]:
                found.add(code)
    assert found == set(BEYOND_OUTLINE)


@pytest.mark.parametrize(
    "pattern", [r"[2-9]\d{2}[2-9]\d{6}|3\d{3}", r"0?(?:1[0-35]|(29)x{0}8?)\d{1,3}".replace("x{0}", ""), "", "12|1"]
)
def test_a_pattern_matches_as_the_regular_expression_does(pattern: str) -> None:
    """Texts match a table whole, as they match the expression that it is made of."""
    chance = Random(pattern)
    texts = ["", *("".join(chance.choice("0123459") for _ in range(chance.randrange(12))) for _ in range(2_000))]
    expected = [re.fullmatch(pattern, one) is not None for one in texts]
    begun = [re.match(pattern, one) is not None for one in texts]
    odd = [
        fits and re.fullmatch(r"\d(?:\d{2})*", one) is not None for one, fits in zip(texts, expected, strict=True)
    ]
    twos = Times(then(ANY, ANY), 0, MANY)
    table = DigitTable(
        (parsed(pattern), one_of(), then(parsed(pattern), ANYTHING), Both(parsed(pattern), then(ANY, twos)))
    )
    found = DigitColumns.of(pa.array(texts)).found([table])
    assert [holds(found, place).to_pylist() for place in range(4)] == [expected, [False] * len(texts), begun, odd]
    matched = [one for one, fits in zip(texts, expected, strict=True) if fits]
    assert widest(parsed(pattern)) >= max(map(len, matched))
    both = Both(parsed(pattern), then(ANY, ANY, ANY))
    assert widest(both) <= 3
    assert {len(one) for one in matched if len(one) == 3} <= {3 for _ in range(lengths_of(both) >> 3 & 1)}


def test_a_pattern_of_something_else_is_refused() -> None:
    """What a table could not match is said, not passed over."""
    with pytest.raises(ValueError, match="invalid literal"):
        parsed(r"\w+")


ENOUGH = 20  # fewer cells that are unsure are left to a look at each


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("+1 (415) 555-2671", "", "14155552671"),
        ("tel: +49 (0) 171 2345678", "", "491712345678"),
        ("0044 20 7946 0958", "", "442079460958"),
        ("(01) 2345-678", "GB", Code.PHONE_NOT_IN_COUNTRY),
        ("(415) 555-2671", "US", "14155552671"),
        ("8 (912) 345-67-89", "RU", "79123456789"),
        ("(11) 91234-5678", "BR", "5511912345678"),
        ("090-1234-5678", "JP", "819012345678"),
        ("123456789012345678", "US", Code.PHONE_NOT_IN_COUNTRY),
        ("0171 2345678 ext. 12", "DE", Code.PHONE_EXTENSION),
        ("1800-CALL-ME", "US", Code.PHONE_LETTERS),
        ("12345", "US", Code.PHONE_LENGTH),
        ("000000000", "US", Code.PHONE_ALL_ZEROS),
        ("48/89", "US", Code.NOT_A_PHONE),
        ("call me", "US", Code.NOT_A_PHONE),
    ],
)
def test_plain_numbers_and_plain_refusals_are_told_by_the_column(text: str, country: str, expected: str) -> None:
    """None of the kinds that files are full of is looked at one by one."""
    rule = PHONES[0].rule
    assert isinstance(rule, Phone)
    number, code = rule.clean_or_refuse(pa.array([text] * ENOUGH), Context(country))
    assert (number[0].as_py() or code[0].as_py()) == expected
    assert rule.value(text, Context(country)) == (number[0].as_py(), code[0].as_py())


def test_italy_keeps_its_zero_in_brackets_for_a_closer_look() -> None:
    """A zero in brackets is taken off only where no number of the country could begin with it."""
    typed = typed_numbers(pa.array(["+39 (0)6 1234567", "+44 (0)20 79460958", "+44 (1)20 79460958"]))
    assert typed.digits.to_pylist() == [None, "442079460958", "4412079460958"]
    assert typed.code.null_count == len(typed.code)
