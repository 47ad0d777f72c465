"""What `plan` would warn of is in the report of normalize, whose hashes no plan can look into."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.normalize.exports import dropped, run, write_csv

GROUPED = {
    "group_by": ["customer"],
    "aggregates": {"phone": {"last": "phone"}, "mail": {"last": "email"}},
    "columns": {"mail": "email", "customer": "ignore"},
}


def warned(report: Any) -> dict[str, str]:
    """Return the sentences of a report's warnings by their codes."""
    return {one["code"]: one["sentence"] for one in report.document["warnings"]}


@pytest.mark.parametrize("grouped", [{}, GROUPED], ids=["rows", "groups"])
def test_phones_without_a_country_code_are_told(tmp_path: Path, grouped: dict[str, Any]) -> None:
    """Once hashed nobody sees it any more; with a default country there is nothing to tell."""
    rows = [(f"c{n}", f"p{n}@example.com", f"0301234{n:03}") for n in range(30)]
    write_csv(tmp_path / "people.csv", rows, ("customer", "email", "phone"))
    report = run(tmp_path, tmp_path / "people.csv", **grouped)
    assert "100% of the first 30 phone numbers" in warned(report)["phones_without_country_code"]
    written = json.loads((dropped(report, tmp_path / "out").folder / "_activation" / "report.json").read_text())
    assert written["warnings"] == report.document["warnings"]
    (tmp_path / "again").mkdir()
    told = run(tmp_path / "again", tmp_path / "people.csv", default_country="DE", **grouped)
    assert "phones_without_country_code" not in warned(told)


def test_rows_and_cells_that_are_not_used_are_told(tmp_path: Path) -> None:
    """By the shares of plan: a tenth of the rows, half of a field's cells."""
    rows = [(f"p{n}@example.com" if n % 5 else "nobody", "nowhere") for n in range(30)]
    write_csv(tmp_path / "people.csv", rows, ("email", "country"))
    found = warned(run(tmp_path, tmp_path / "people.csv"))
    assert {"rows_rejected", "cells_left_out"} <= set(found)
    assert "100% of the cells for COUNTRY" in found["cells_left_out"]


def test_an_encoding_that_gives_other_letters_is_named(tmp_path: Path) -> None:
    """Names in Latin letters become Cyrillic ones in the wrong encoding, and are left out."""
    lines = [f"p{n}@example.com,M\u00fcnchen" for n in range(30)]
    (tmp_path / "people.csv").write_bytes("\n".join(["email,city", *lines]).encode("windows-1252"))
    found = warned(run(tmp_path, tmp_path / "people.csv", input={"encoding": "koi8-r"}))
    assert "input.encoding koi8-r" in found["encoding_doubtful"]
    (tmp_path / "right").mkdir()
    right = run(tmp_path / "right", tmp_path / "people.csv", input={"encoding": "windows-1252"})
    assert "encoding_doubtful" not in warned(right)
