"""Our tables of numbering plans against libphonenumber's data."""

from __future__ import annotations

import random

import phonenumbers
import pyarrow as pa
import pytest
from activation.identifiers.codes import Code
from activation.identifiers.countries_of_cells import Countries
from activation.identifiers.identify import identify, identify_value
from activation.identifiers.national_numbers import national_columns
from activation.identifiers.numbering import ZERO_CODES, has_numbers, national
from activation.identifiers.phones import Bare, Phone
from activation.identifiers.table import Context, Digest, Field
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberDesc

KINDS = ("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "uan")

PHONE = Field("PHONE", Phone("digits", plus=False, bare=Bare.REFUSE, min_digits=4), Digest.PLAIN, "", "")


def descriptions(code: int, region: str) -> list[PhoneNumberDesc]:
    """Return what libphonenumber knows of each kind of number under a country code."""
    metadata = (
        PhoneMetadata.metadata_for_nongeo_region(code, None)
        if region == "001"
        else PhoneMetadata.metadata_for_region(region, None)
    )
    return [kind for name in KINDS if (kind := getattr(metadata, name, None))]


def test_codes_that_keep_a_zero_are_those_with_numbers_that_begin_with_one() -> None:
    """A zero behind the country code stays where an example number has one there, and only there."""
    keeping = {
        code
        for code, regions in COUNTRY_CODE_TO_REGION_CODE.items()
        for region in regions
        for kind in descriptions(code, region)
        if (kind.example_number or "").startswith("0")
    }
    assert keeping == set(ZERO_CODES)


def test_columns_of_national_numbers_agree_with_the_library() -> None:
    """For every country, example numbers, spoiled ones and noise read the same as a column and one by one."""
    chance = random.Random(20261122)
    sure = 0
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        digits = {"".join(chance.choices("0123456789", k=chance.randint(5, 13))) for _ in range(5)}
        for kind in range(7):
            example = phonenumbers.example_number_for_type(region, kind)
            if not example:
                continue
            number = phonenumbers.national_significant_number(example)
            for written in (number, f"0{number}", f"1{number}", f"{example.country_code}{number}"):
                place = chance.randrange(len(written))
                digits |= {written, written[:place] + chance.choice("0123456789") + written[place + 1 :]}
        texts = sorted(text for text in digits if not text.startswith("00"))
        numbers, _ = national_columns(pa.array(texts), Countries.one(region, len(texts)))
        for text, number in zip(texts, numbers.to_pylist(), strict=True):
            if number is not None:
                sure += 1
                assert number == national(text, region), region
    assert sure > 1000


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_a_number_that_lost_its_plus_never_becomes_another(region: str) -> None:
    """With its country code it comes out as itself or with a code, without it as itself, in columns too."""
    chance = random.Random(20261129)
    metadata = PhoneMetadata.metadata_for_region(region, None)
    context, trunk = Context(region), (metadata and metadata.national_prefix) or ""
    wanted: dict[str, str] = {}
    at_home: dict[str, str] = {}
    for kind in (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE):
        example = phonenumbers.example_number_for_type(region, kind)
        if not example:
            continue
        number = phonenumbers.national_significant_number(example)
        for end in (0, 1, 2, 4):
            other = number[: len(number) - end] + "".join(chance.choices("0123456789", k=end))
            full = f"{example.country_code}{other}"
            if phonenumbers.is_valid_number(phonenumbers.parse(f"+{full}")):
                wanted[full] = full
                at_home |= {other: full, f"{trunk}{other}": full}
    texts = [*wanted, *at_home]
    cells = [identify_value(PHONE, text, context, hashed=False) for text in texts]
    for text, cell in zip(texts, cells, strict=True):
        if text in wanted:
            assert cell.sent == wanted[text] or cell.code == Code.PHONE_AMBIGUOUS
        else:
            assert cell.sent == at_home[text]
    column = identify(PHONE, pa.array(texts, pa.string()), context, hashed=False)
    assert column.sent.to_pylist() == [cell.sent for cell in cells]
    assert column.code.to_pylist() == [cell.code for cell in cells]


@pytest.mark.parametrize(
    ("digits", "country", "number"),
    [
        ("491711234567", "DE", "491711234567"),
        ("4915112345678", "DE", "4915112345678"),
        ("04917112345", "DE", "494917112345"),
        ("62812345678", "ID", "62812345678"),
        ("468123456", "SE", None),
        ("62218350123", "ID", None),
    ],
)
def test_a_number_that_is_two_is_the_mobile_one_or_left_out(digits: str, country: str, number: str | None) -> None:
    """Digits that are valid with their country code and without are the mobile number, where one of them is."""
    cell = identify_value(PHONE, digits, Context(country), hashed=False)
    assert (cell.sent, cell.code) == (number, None if number else Code.PHONE_AMBIGUOUS)


@pytest.mark.parametrize(
    ("digits", "country", "number"),
    [
        ("07700900123", "GB", "447700900123"),
        ("447700900123", "GB", "447700900123"),
        ("447400123456", "IT", "447400123456"),
        ("0612345678", "FR", "33612345678"),
        ("0612345678", "US", None),
        ("5555550143", "US", "15555550143"),
        ("89261234567", "RU", "79261234567"),
        ("12345", "US", None),
        ("01144207946", "US", None),
        ("4407911123456", "US", "447911123456"),
        ("80501234567", "UA", "380501234567"),
        ("0452221234567", "MX", "522221234567"),
        ("2221234567", "MX", "522221234567"),
        ("14155552671", "MX", "14155552671"),
        ("03211234567", "CO", "573211234567"),
    ],
)
def test_national_forms(digits: str, country: str, number: str | None) -> None:
    """A trunk prefix goes, a country code stays, and what fits no plan is nothing."""
    assert national(digits, country) == number


def test_default_countries_are_known() -> None:
    """A default country has to have a numbering plan."""
    assert has_numbers("US")
    assert not has_numbers("UK")
    assert not has_numbers("")
