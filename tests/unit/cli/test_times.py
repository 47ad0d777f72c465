"""Times on the command line: read in UTC, or refused with an example."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import typer

from cli.times import utc_time


@pytest.mark.parametrize(
    "text", ["2026-11-30T06:00:00", "2026-11-30T06:00:00Z", "2026-11-30T07:00:00+01:00", " 2026-11-30 06:00 "]
)
def test_a_time_is_read_in_utc(text: str) -> None:
    """Without an offset it is in UTC; with one it is converted, and never taken to be UTC."""
    assert utc_time(text) == datetime(2026, 11, 30, 6, tzinfo=UTC)


def test_a_day_begins_at_midnight() -> None:
    """A date alone is its first second in UTC."""
    assert utc_time("2026-11-30") == datetime(2026, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize("text", ["yesterday", "", "1764482400", "30.11.2026", "2026-13-01"])
def test_another_text_is_refused_with_an_example(text: str) -> None:
    """The error says how to write a time; a bare number is none."""
    with pytest.raises(typer.BadParameter, match="2026-11-30T06:00:00"):
        utc_time(text)
