"""The order of a drop's dates: shown by its first rows, once for all of it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from activation.drops.date_orders import SAMPLE_ROWS, with_date_order
from activation.drops.open import open_drop
from activation.drops.reading import Reading
from activation.drops.source import BytesSource
from activation.identifiers.table import Context, Field

from lambdas.meta.fields import TABLE


def shown(rows: Sequence[str], context: Context, *, hashed: bool = False, header: str = "email,dob") -> str:
    """Return the order in which a drop with these dates is read, but for what its country says."""
    text = f"{header}\n" + "".join(f"a{at}@example.com,{row}\n" for at, row in enumerate(rows))
    reader = open_drop(BytesSource(text.encode()))
    by_index, _ = TABLE.columns(reader.header)
    fields: list[tuple[int, Field]] = [(index, one) for index, many in by_index.items() for one in many]
    return with_date_order(Reading(context), reader, fields, hashed=hashed).context.date_order


MONTHS_FIRST = ["05/06/1980", "", "not a date", "12/31/1979"]


@pytest.mark.parametrize(
    ("rows", "context", "order"),
    [
        (MONTHS_FIRST, Context(), "mdy"),
        (MONTHS_FIRST, Context("GB"), "mdy"),  # what is written down wins over what is usual
        (MONTHS_FIRST, Context("CA"), "mdy"),
        (MONTHS_FIRST, Context(date_order="dmy"), "dmy"),
        ([*MONTHS_FIRST, "31/12/1979"], Context(), ""),
        ([*MONTHS_FIRST, "31/12/1979"], Context("GB"), ""),
        (["05/06/1980"], Context("US"), ""),
        (["1980-06-05"], Context(), ""),
        ([], Context(), ""),
    ],
)
def test_the_rows_say_what_no_setting_says(rows: list[str], context: Context, order: str) -> None:
    """One day above 12 decides, dates that contradict each other decide nothing, and a setting wins over all."""
    assert shown(rows, context) == order


def test_only_the_first_rows_are_looked_at() -> None:
    """A drop of any size costs the same, and every reader of it comes to the same."""
    rows = ["05/06/1980"] * SAMPLE_ROWS
    assert shown([*rows, "12/31/1979"], Context()) == ""
    assert shown([*rows[1:], "12/31/1979"], Context()) == "mdy"


def test_the_rows_before_damage_decide() -> None:
    """A file that breaks off is reported by whoever sends it, not here."""
    assert shown(["31/12/1979", '"05/06/1980'], Context()) == "dmy"


def test_two_columns_that_differ_show_nothing() -> None:
    """One order holds for the whole drop."""
    rows = ["12/31/1979,31/12/1979"]
    assert shown(rows, Context(), header="email,birth_year,birth_month") == ""


def test_digests_and_drops_without_dates_are_not_read() -> None:
    """There is nothing to see in either."""
    assert shown(MONTHS_FIRST, Context(), hashed=True) == ""
    assert shown(MONTHS_FIRST, Context(), header="email,note") == ""
