"""Numbers with a country code against the numbering plans of all countries, one by one and as columns."""

from __future__ import annotations

import random
import re

import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from activation.identifiers.abroad import international, is_valid, plan_of, prefixes_of, repaired_bare, split
from activation.identifiers.identify import identify, identify_value
from activation.identifiers.national_numbers import alternatives
from activation.identifiers.phones import Bare, Phone
from activation.identifiers.plans import plans
from activation.identifiers.table import Context, Digest, Field
from activation.identifiers.unchanged import unchanged
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneNumberType

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
EXAMPLES = sorted(
    {
        f"{example.country_code} {phonenumbers.national_significant_number(example)}"
        for region in REGIONS
        for kind in range(11)
        if (example := phonenumbers.example_number_for_type(region, kind))
        and phonenumbers.is_valid_number(example)
        and len(phonenumbers.national_significant_number(example)) >= 6
    }
)


def dialled() -> list[tuple[str, str, str]]:
    """List every country's mobile number: country code, the prefix it is dialled with at home, and the rest."""
    numbers = []
    for region in REGIONS:
        example = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
        prefix = phonenumbers.ndd_prefix_for_region(region, strip_non_digits=True)
        if example and prefix:
            numbers.append((str(example.country_code), prefix, phonenumbers.national_significant_number(example)))
    return numbers


@pytest.mark.parametrize(("code", "prefix", "number"), dialled())
def test_a_prefix_dialled_at_home_is_taken_off_behind_the_country_code(
    code: str, prefix: str, number: str
) -> None:
    """Trunk zeros, Russia's 8, North America's 1: with a plus, and without one where no default country is set."""
    assert international(f"{code}{prefix}{number}", strict=True) == f"{code}{number}"
    assert repaired_bare(f"{code}{prefix}{number}") == f"{code}{number}"


@pytest.mark.parametrize("strict", [True, False])
def test_a_valid_number_is_never_changed(strict: bool) -> None:
    """Whatever its first digits look like, a number that the plan has stays as it is."""
    for example in EXAMPLES:
        digits = example.replace(" ", "")
        assert is_valid(digits)
        assert international(digits, strict=strict) == digits
        assert repaired_bare(digits) is None


def test_what_no_country_has_is_no_number() -> None:
    """A code that is not assigned is refused; a length that is not is, where that is asked for."""
    assert international("999123456789", strict=False) is None
    assert international("1202555014", strict=True) is None
    assert international("1202555014", strict=False) == "1202555014"
    assert split("999123456789") is None


def test_a_number_that_plans_do_not_know_yet_stays() -> None:
    """The data are behind the plans: the right length is enough."""
    assert not is_valid("15550143555")
    assert international("15550143555", strict=True) == "15550143555"


def first_digits(pattern: str) -> set[str] | None:
    """Return the digits that what a pattern matches can begin with; None where it may match nothing at all."""
    found: set[str] = set()
    for one in alternatives(pattern):
        atom = re.match(r"\((?:\?:)?|\[([^]]*)\]|([0-9])|\\d", one)
        if atom is None:
            return None
        if atom[0].startswith("("):
            inside, behind = group(one, atom.end())
            digits = first_digits(inside)
        elif atom[0].startswith("["):
            behind, digits = one[atom.end() :], set(re.sub(r"(\d)-(\d)", spelled_out, atom[1]))
        else:
            behind, digits = one[atom.end() :], {atom[2]} if atom[2] else set("0123456789")
        if digits is None or behind[:1] in ("?", "*"):
            return None
        found |= digits
    return found


def spelled_out(ends: re.Match[str]) -> str:
    """Return the digits of a range in a class."""
    return "".join(map(str, range(int(ends[1]), int(ends[2]) + 1)))


def group(pattern: str, begin: int) -> tuple[str, str]:
    """Return what a group holds that begins before `begin`, and what is behind it."""
    depth = 1
    for place in range(begin, len(pattern)):
        depth += (pattern[place] == "(") - (pattern[place] == ")")
        if not depth:
            return pattern[begin:place], pattern[place + 1 :]
    return pattern[begin:], ""


@pytest.mark.parametrize("code", sorted(COUNTRY_CODE_TO_REGION_CODE))
def test_plans_in_brief_are_those_of_the_library(code: int) -> None:
    """For every country code: what a prefix may begin with, and how long numbers are."""
    plan = plan_of(code)
    digits = [first_digits(one) for one in (plan.national_prefix_for_parsing, *prefixes_of(code)) if one]
    expected = set("0123456789") if None in digits else set().union(*(one for one in digits if one))
    brief = plans()[str(code)]
    assert set(brief.prefixes) == expected
    lengths = {len(str(code)) + length for length in plan.general_desc.possible_length if length > 0}
    assert {length for length in range(16) if brief.lengths >> length & 1} == {one for one in lengths if one < 16}


def test_no_other_country_codes_are_known() -> None:
    """The plans in brief are of the library's country codes, and of all of them."""
    assert set(plans()) == set(map(str, COUNTRY_CODE_TO_REGION_CODE))


def test_columns_of_every_country_agree_with_single_numbers() -> None:
    """Examples, with prefixes and spoiled, are masked as unchanged only where they are; most examples are."""
    chance = random.Random(20261129)
    numbers = set()
    for example in EXAMPLES:
        code, national = example.split(" ")
        for prefix in ("", "0", "1", "8", "00", *prefixes_of(int(code)), code):
            digits = f"{code}{prefix}{national}"
            place = chance.randrange(len(digits))
            numbers |= {
                digits,
                digits[:-1],
                f"{digits}5",
                digits[:place] + chance.choice("0123456789") + digits[place + 1 :],
            }
    numbers |= {"".join(chance.choices("123456789", k=chance.randint(7, 15))) for _ in range(2_000)}
    texts = sorted(one for one in numbers if not one.startswith("0") and len(one) <= 15)
    column = pa.array(texts)
    for text, sure in zip(texts, unchanged(column, None).to_pylist(), strict=True):
        assert not sure or international(text, strict=True) == international(text, strict=False) == text
    bare = pa.repeat(pa.scalar(True), len(column))
    for text, sure in zip(texts, unchanged(column, bare).to_pylist(), strict=True):
        assert not sure or repaired_bare(text) is None
    examples = pa.array([example.replace(" ", "") for example in EXAMPLES])
    assert pc.sum(unchanged(examples, None)).as_py() > 0.97 * len(examples)


FIELDS = [
    Field(
        "PHONE", Phone("any", plus, bare, any_length=any_length), Digest.PLAIN, "https://example.com", "2026-11-29"
    )
    for plus, bare, any_length in (
        (False, Bare.AS_IS, False),
        (True, Bare.INTERNATIONAL, True),
        (False, Bare.NANP, True),
    )
]
TYPED = st.builds(
    lambda sign, example, prefix, cut, tail: f"{sign}{example.replace(' ', prefix, 1)}"[: 20 - cut] + tail,
    st.sampled_from(["+", "", "00", "+ ", "(+", "tel:", "'"]),
    st.sampled_from(EXAMPLES),
    st.sampled_from(["", " ", "0", " (0) ", "1", "8", "-044-", "9"]),
    st.integers(0, 8),
    st.sampled_from(["", "", "", ".0", "5", " x5"]),
)


@pytest.mark.parametrize("field", FIELDS, ids=["as-is", "international", "nanp"])
@given(
    rows=st.lists(st.one_of(st.none(), TYPED), max_size=12),
    country=st.sampled_from(["", "US", "RU", "MX", "AR", "CN"]),
)
@settings(max_examples=150, deadline=None)
def test_a_column_says_what_its_numbers_say(field: Field, rows: list[str | None], country: str) -> None:
    """Numbers of the world, as people type them, come out of a column as they do alone."""
    context = Context(country)
    column = identify(field, pa.array(rows, pa.string()), context, hashed=False)
    alone = [None if text is None else identify_value(field, text, context, hashed=False) for text in rows]
    assert column.sent.to_pylist() == [cell and cell.sent for cell in alone]
    assert column.code.to_pylist() == [cell and cell.code for cell in alone]
