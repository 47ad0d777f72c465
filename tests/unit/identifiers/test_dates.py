"""The order of a column's dates, found in its own rows and never guessed.

Cases after https://github.com/dannymcc/may/issues/250 and the dates of Meta's own sample list
(https://github.com/facebook/facebook-python-business-sdk/issues/278).
"""

from __future__ import annotations

import pyarrow as pa
import pytest
from activation.identifiers.dates import ORDERS, date_order, order_of, read_date
from activation.identifiers.months import months
from activation.identifiers.table import Context
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("rows", "order"),
    [
        (["04/05/1971", "04/30/1971", None, ""], "mdy"),
        (["04/05/1971", "30/04/1971 00:00"], "dmy"),
        (["04.05.71", "30.04.71"], "dmy"),
        (["04/05/06", "71/04/30", "01/02/03"], "ymd"),
        (["04/05/1971", "05/06/1972"], ""),
        (["04/30/1971", "30/04/1971"], ""),
        (["1971-04-30", "04/05/1971"], ""),
        (["30APR1971", "not a date", "99/99/1971"], ""),
        ([], ""),
    ],
)
def test_the_order_is_that_in_which_all_rows_are_dates(rows: list[str | None], order: str) -> None:
    """One row that can be read one way decides for all; rows that contradict each other decide nothing."""
    assert date_order(pa.array(rows, pa.string())) == order
    assert date_order(pa.array(rows, pa.string()).dictionary_encode()) == order


def test_the_setting_comes_before_the_default_country() -> None:
    """Who sets an order means it; a country that writes several says none."""
    assert order_of(Context("US", date_order="dmy")) == "dmy"
    assert (order_of(Context("US")), order_of(Context("GB")), order_of(Context("CA"))) == ("mdy", "dmy", "")


@given(
    day=st.integers(1, 28),
    month=st.integers(1, 12),
    year=st.integers(1927, 1999),
    order=st.sampled_from(ORDERS),
    separator=st.sampled_from("/-. "),
    short=st.booleans(),
)
def test_a_date_in_a_known_order_is_read_in_it(
    day: int, month: int, year: int, order: str, separator: str, *, short: bool
) -> None:
    """Whatever the numbers are, and with a year of two digits as well."""
    if order != "ymd" or short:
        written = {"d": f"{day:02}", "m": f"{month:02}", "y": f"{year % 100:02}" if short else str(year)}
        parts, code = read_date(separator.join(written[letter] for letter in order), order)
        assert code is None
        assert parts is not None
        assert (parts.year, parts.month, parts.day) == (str(year), f"{month:02}", f"{day:02}")


def test_names_of_months_are_twelve() -> None:
    """Each name is of one month, and every language has all twelve of its abbreviations or names."""
    assert set(months().values()) == set(range(1, 13))
    for language in (
        "jan feb mar apr may jun jul aug sep oct nov dec",
        "januar februar marz april mai juni juli august september oktober november dezember",
        "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        "janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro",
        "januari februari maart april mei juni juli augustus september oktober november december",
    ):
        assert [months()[name] for name in language.split()] == list(range(1, 13))
