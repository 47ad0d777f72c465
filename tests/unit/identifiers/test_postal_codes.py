"""Postal codes as columns: the kernels give what the rule gives for each code, for most of them without a look."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import pyarrow as pa
import pytest
from activation.identifiers import five_digits
from activation.identifiers.digest import digest
from activation.identifiers.identify import identify, identify_value
from activation.identifiers.postal_codes import PostalCode
from activation.identifiers.table import Context, Digest, Field
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FIELDS: list[Field] = [
    import_module(f"lambdas.{platform}.fields").TABLE.field(key)
    for platform, key in (("meta", "ZIP"), ("google", "postalCode"), ("amazon_ads", "zip"))
]
CODES = st.one_of(
    st.from_regex(r"\A[0-9]{5}\Z"),
    st.from_regex(r"\A ?[0-9]{3,5}[- ]?[0-9]{4} ?\Z"),
    st.from_regex(r"\A[A-Za-z]{1,2}[0-9][0-9A-Za-z]? ?[0-9][A-Za-z]{2}\Z"),
    st.from_regex(r"\A[0-9]{1,4}[- ]?[eE]?[- ]?[0-9]{0,4}\Z"),
    st.sampled_from(
        [
            *("2139", "2139.0", "77304 CEDEX", "NULL", "na", "AB", "0", "00000", "\uff11\uff12345", "NL-1234AB"),
            *("D-50667", "a-1010", "CH-8001", "CH - 8001", "LV-1010", "D-1234", "A1010", "1010-A"),
        ]
    ),
)


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("field", FIELDS, ids=["meta", "google", "amazon_ads"])
@given(
    rows=st.lists(st.one_of(st.none(), st.from_regex(r"\A[0-9]{5}\Z"), CODES), max_size=20),
    country=st.sampled_from(["", "US", "GB", "CA", "JP", "FR", "PR", "AT", "CH"]),
    nobody=st.sampled_from([frozenset[str](), frozenset({"00000"})]),
    cut=st.integers(0, 4),
)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_column_says_what_its_codes_say(
    monkeypatch: pytest.MonkeyPatch,
    field: Field,
    rows: list[str | None],
    *,
    country: str,
    nobody: frozenset[str],
    cut: int,
    long: bool,
) -> None:
    """Plain, odd and broken codes come out of a column as they do alone, be it a `long` one."""
    if long:
        monkeypatch.setattr(five_digits, "_WORTH_ROWS", 1)
        monkeypatch.setattr(five_digits, "_WORTH_SHARE", 0.01)
    context = Context(country, nobody)
    column = identify(field, pa.array(rows, pa.string()).slice(cut), context, hashed=False)
    alone = [text and identify_value(field, text, context, hashed=False) for text in rows[cut:]]
    assert column.sent.to_pylist() == [cell.sent if cell else None for cell in alone]
    assert column.code.to_pylist() == [cell.code if cell else None for cell in alone]


@pytest.mark.parametrize("country", ["", "DE", "US"])
@pytest.mark.parametrize("key", ["meta", "google"])
@pytest.mark.parametrize(
    ("written", "code"),
    [
        *(("D-50667", "50667"), ("d-50667", "50667"), (" D - 50667", "50667"), ("DE-50667", "50667")),
        *(("A-1010", "1010"), ("CH-8001", "8001"), ("L-1234", "1234"), ("F-75001", "75001"), ("B-1000", "1000")),
        *(("LV-1010", "LV-1010"), ("D-1234", "D-1234"), ("MD-2001", "MD-2001"), ("A1010", "A1010")),
    ],
)
def test_the_country_before_a_code_goes(written: str, code: str, key: str, country: str) -> None:
    """The prefix of the old European way to address is no part of the code; Latvia's and others' is one."""
    field = dict(zip(("meta", "google"), FIELDS, strict=False))[key]
    sent = code.lower().replace("-", "") if key == "meta" else code
    plain = replace(field, digest=Digest.PLAIN)
    assert identify_value(plain, written, Context(country), hashed=False).sent == sent
    assert identify(plain, pa.array([written]), Context(country), hashed=False).sent.to_pylist() == [sent]


@pytest.mark.parametrize("field", FIELDS, ids=["meta", "google", "amazon_ads"])
def test_plain_codes_take_the_quick_way(field: Field) -> None:
    """Five digits are known to be fine, and at Meta and Google what else is made of letters and digits."""
    rule = field.rule
    assert isinstance(rule, PostalCode)
    five = pa.array(["10115", "02139", None])
    assert rule.clean(five, Context()).equals(five)
    assert rule.clean(five, Context("CA")).equals(five) == (field.key != "zip")
    others = rule.clean(pa.array(["ec1a 1bb", "94107-1234", "77304 cedex"]), Context())
    assert (
        others.to_pylist()
        == {
            "ZIP": ["ec1a1bb", "94107", None],
            "postalCode": ["EC1A 1BB", "94107-1234", None],
            "zip": [None, None, None],
        }[field.key]
    )


@pytest.mark.parametrize("field", FIELDS, ids=["meta", "google", "amazon_ads"])
def test_every_code_of_five_digits_has_its_own_digest(field: Field) -> None:
    """All hundred thousand of them, in a column with and without blank cells among them."""
    codes = [f"{number:05d}" for number in range(100_000)]
    sent = [digest(field.digest, code) for code in codes]
    for blank in ([], ["", None]):
        column = identify(field, pa.array([*codes, *blank], pa.string()), Context("US"), hashed=False)
        assert column.sent.to_pylist() == [*sent, *(None for _ in blank)]
        assert column.code.null_count == len(column.code)
