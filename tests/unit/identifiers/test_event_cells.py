"""The cells of an event: each by itself, and a whole column of them alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from activation.identifiers.codes import Code
from activation.identifiers.event_cells import (
    CURRENCY,
    URL,
    EventValue,
    FreeText,
    event_names,
    json_list,
)
from activation.identifiers.event_times import EventTime
from activation.identifiers.identify import identify, identify_value
from activation.identifiers.table import Context, Digest, Field, Rule
from hypothesis import given
from hypothesis import strategies as st

BERLIN = Context(time_zone="Europe/Berlin")


def field(rule: Rule) -> Field:
    """Return a field with a rule."""
    return Field("f", rule, Digest.PLAIN, "https://platform.example", "2026-11-30")


def sent(rule: Rule, text: str, context: Context | None = None) -> str | None:
    """Return what is sent for a cell, or why nothing is; a column with it in it says the same."""
    one = identify_value(field(rule), text, context or Context(), hashed=False)
    column = identify(field(rule), pa.array([text, "", None, text]), context or Context(), hashed=False)
    assert column.sent.to_pylist() == [one.sent, None, None, one.sent]
    assert column.code.to_pylist() == [one.code, None, None, one.code]
    return one.sent or one.code


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1795168800", "1795168800"),
        (" '1795168800", "1795168800"),
        ("1795168800.0", "1795168800"),
        ("1795168800.75", "1795168800"),
        ("2026-11-20T10:00:00Z", "1795168800"),
        ("2026-11-20 11:00:00+01:00", "1795168800"),
        ("2026-11-20 10:00:00 UTC", "1795168800"),
        ("2026-11-20T10:00:00.999Z", "1795168800"),
        ("2026-11-20T10:00Z", "1795168800"),
        ("2026-11-20T05:30:00-0430", "1795168800"),
        ("1969-12-31T23:59:59.5Z", "-1"),
        ("1795168800000", Code.TIME_IN_MILLISECONDS),
        ("1795168800000000000", Code.TIME_IN_MILLISECONDS),
        ("1.79517E+09", Code.NUMBER_AS_FLOAT),
        ("2026-11-20T10:00:00", Code.TIME_WITHOUT_ZONE),
        ("2026-11-20", Code.TIME_WITHOUT_ZONE),
        ("2026-06-31T10:00:00Z", Code.NOT_A_TIME),
        ("20.11.2026 10:00", Code.NOT_A_TIME),
        ("46346", Code.NOT_A_TIME),
        ("yesterday", Code.NOT_A_TIME),
    ],
)
def test_a_time_is_sent_as_unix_seconds_or_refused_with_the_reason(text: str, wanted: str) -> None:
    """Only a time that is one point in time is sent."""
    assert sent(EventTime(), text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-11-20 11:00:00", "1795168800"),
        ("2026-11-20", "1795129200"),
        ("2026-10-25 02:30:00", "1792888200"),  # of the two, the first
        ("2026-03-29 02:30:00", "1774747800"),  # there is none: as if the clocks had not changed yet
        ("2026-11-20T10:00:00Z", "1795168800"),
        ("1795168800", "1795168800"),
    ],
)
def test_a_time_without_a_zone_is_in_that_of_the_settings(text: str, wanted: str) -> None:
    """A zone of its own, and seconds, stay what they are."""
    assert sent(EventTime(), text, BERLIN) == wanted


def test_a_zone_that_there_is_none_of_says_nothing() -> None:
    """A function whose settings name a zone that it does not know sends no time by another."""
    assert sent(EventTime(), "2026-11-20 11:00:00", Context(time_zone="Moon/Base")) == Code.TIME_WITHOUT_ZONE


FIRST, LAST = datetime(2001, 9, 10), datetime(2100, 1, 1)  # noqa: DTZ001  local times, which have no zone


@given(st.lists(st.datetimes(FIRST, LAST), min_size=1, max_size=40))
def test_times_in_a_column_are_what_the_zone_says(times: list[datetime]) -> None:
    """Whatever the hour and the season, a column of local times is converted as each of them is."""
    # Of an hour that comes twice, a text cannot say which is meant: the first.
    whole = [time.replace(microsecond=0, fold=0) for time in times]
    column = identify(field(EventTime()), pa.array([f"{time}" for time in whole]), BERLIN, hashed=False)
    zone = ZoneInfo("Europe/Berlin")
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    wanted = [str((time.replace(tzinfo=zone).astimezone(UTC) - epoch) // timedelta(seconds=1)) for time in whole]
    assert column.sent.to_pylist() == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("12.50", "12.50"),
        ("0", "0"),
        ("0.00", "0.00"),
        ("007", "7"),
        ("1e2", "100"),
        (".5", "0.5"),
        ("-0", "0"),
        ("-0.01", Code.NEGATIVE_VALUE),
        ("1,234.50", Code.NOT_AN_AMOUNT),
        ("12,50", Code.NOT_AN_AMOUNT),
        ("€12", Code.NOT_AN_AMOUNT),
        ("Infinity", Code.NOT_AN_AMOUNT),
    ],
)
def test_an_amount_is_a_plain_number_of_at_least_zero(text: str, wanted: str) -> None:
    """Nothing is guessed about commas and signs."""
    assert sent(EventValue(), text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("add to cart", "AddToCart"), ("PURCHASE", "Purchase"), ("other: Gift card", "Gift card"), ("purchse", None)],
)
def test_a_name_is_one_of_the_platform_s_or_said_to_be_one_s_own(text: str, wanted: str | None) -> None:
    """A misspelled name does not become an event of its own."""
    rule = event_names({"AddToCart": "AddToCart", "Purchase": "Purchase"})
    assert sent(rule, text) == (wanted or Code.UNKNOWN_EVENT_NAME)


def test_currencies_addresses_lists_and_texts() -> None:
    """Each is sent in the one form that the platform reads, and refused in any other."""
    assert (sent(CURRENCY, "eur"), sent(CURRENCY, "euro")) == ("EUR", Code.UNKNOWN_CURRENCY)
    assert (sent(URL, "https://shop.example/a?b=c"), sent(URL, "shop")) == (
        "https://shop.example/a?b=c",
        Code.NOT_ALLOWED,
    )
    items = json_list("ids", lambda item: isinstance(item, str))
    assert sent(items, '["a", "b"]') == '["a","b"]'
    assert {sent(items, text) for text in ("[]", "a", "[1]", "[NaN]", "[" * 400)} == {Code.NOT_A_LIST}
    assert sent(FreeText("text"), 'Mozilla/5.0 (X11) "q"') == 'Mozilla/5.0 (X11) "q"'
    assert sent(FreeText("text"), "Tom &amp; Co") == "Tom & Co"
