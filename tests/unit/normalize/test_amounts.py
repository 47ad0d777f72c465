"""Amounts that cannot be read: no group is written without them, and a decimal comma can be said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from activation.errors import Rejected

from glue_scripts.normalize.cells import numbers
from glue_scripts.normalize.mapping import DecimalSign
from tests.unit.normalize.exports import dropped, run, write_csv

SUMS: dict[str, Any] = {
    "group_by": ["customer"],
    "aggregates": {"email": {"last": "email"}, "spend": {"sum": "amount"}},
    "columns": {"customer": "ignore", "spend": "ignore"},
}


def export(tmp_path: Path, amounts: list[str]) -> Path:
    """Write two rows for each of some customers, the first of 10 or 10,00, the second of an amount."""
    rows = []
    for number, amount in enumerate(amounts):
        rows += [(f"c{number}", f"p{number}@example.com", one) for one in ("10", amount)]
    write_csv(tmp_path / "people.csv", rows, ("customer", "email", "amount"))
    return tmp_path / "people.csv"


def test_a_group_with_an_amount_that_is_not_read_is_not_written(tmp_path: Path) -> None:
    """It is rejected as a whole and counted, the cell is in the rejects, and the report says what to do."""
    report = run(tmp_path, export(tmp_path, ["1.50"] * 9 + ["855,63"]), **SUMS)
    assert report.document["groups"]["rejected"] == {"incomplete_group": 1}
    assert (report.document["groups"]["written"], report.document["rows"]["grouped"]) == (9, 20)
    assert dropped(report, tmp_path / "out").rejects == [
        ("19", "", "incomplete_group", "people.csv", "19"),
        ("20", "amount", "not_a_number", "people.csv", "20"),
    ]
    warning = report.document["warnings"][0]
    assert warning["code"] == "cells_unread"
    assert "1 of 20 rows have a cell in amount" in warning["sentence"]
    assert '"decimal": ","' in warning["sentence"]


def test_a_filter_that_cannot_be_judged_takes_the_group_out(tmp_path: Path) -> None:
    """Nobody knows whether such a row belongs to the group."""
    filters = [{"column": "amount", "above": 0}]
    count = {**SUMS, "aggregates": {"email": {"last": "email"}, "spend": {"count": "*"}}}
    report = run(tmp_path, export(tmp_path, ["1.50"] * 9 + ["855,63"]), filters=filters, **count)
    assert report.document["groups"]["rejected"] == {"incomplete_group": 1}


def test_many_amounts_that_are_not_read_refuse_the_export(tmp_path: Path) -> None:
    """A tenth of the rows is enough; the sentence names the column and the cure, and nothing is written."""
    with pytest.raises(Rejected) as refused:
        run(tmp_path, export(tmp_path, ["1.50"] * 8 + ["855,63"] * 2), **SUMS)
    assert refused.value.code == "cells_unread"
    assert "2 of 20 rows have a cell in amount" in refused.value.sentence
    assert '"decimal": ","' in refused.value.sentence
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_a_decimal_comma_is_read_once_it_is_said(tmp_path: Path) -> None:
    """Sums and the conditions on them are the same as with a point."""
    source = export(tmp_path, ["1,50"] * 8 + ["855,63", "855,64"])
    having = [{"column": "spend", "above": 865.63}]
    report = run(tmp_path, source, input={"decimal": ","}, having=having, **SUMS)
    assert report.document["groups"]["written"] == 1
    assert "cells_unread" not in {one["code"] for one in report.document["warnings"]}


@pytest.mark.parametrize(
    ("sign", "cells", "values"),
    [
        (".", ["1.5", "1,5", "1,234"], ["1.5", None, None]),
        (",", ["-1,5", "7", "1.5", "1.234,50", "1,234", "1,2,3"], ["-1.5", "7", None, None, "1.234", None]),
        (
            "either",
            ["1,5", "1.25", "1,234", "1.234", "1234,567", "1.2,3"],
            ["1.5", "1.25", None, None, "1234.567", None],
        ),
    ],
)
def test_what_is_a_number_with_each_sign(sign: str, cells: list[str], values: list[str | None]) -> None:
    """What could be two numbers is none."""
    found = numbers(pa.array(cells), DecimalSign(sign))
    assert [None if one is None else format(one.normalize(), "f") for one in found.values.to_pylist()] == values
    assert [one is None for one in values] == [one == "not_a_number" for one in found.codes.to_pylist()]
