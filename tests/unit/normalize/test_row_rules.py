"""Columns of consent of which a mapping says nothing: refused before anything is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from activation.errors import Rejected

from tests.unit.normalize.exports import TARGET, run, write_csv

GROUPED = {"group_by": ["customer"], "aggregates": {"email": {"last": "email"}}}


def export(tmp_path: Path, column: str, answers: tuple[str, ...]) -> Path:
    """Write an export of forty people with this column."""
    path = tmp_path / "people.csv"
    rows = [(f"c{n}", f"p{n}@example.com", answers[n % len(answers)]) for n in range(40)]
    write_csv(path, rows, ("customer", "email", column))
    return path


@pytest.mark.parametrize("grouped", [{}, GROUPED], ids=["rows", "groups"])
@pytest.mark.parametrize(
    ("column", "answers"),
    [
        ("Accepts Email Marketing", ("yes", "no")),
        ("unsubscribed", ("true", "false")),
        ("Werbung erlaubt", ("ja", "nein")),
    ],
)
def test_a_column_of_consent_that_nobody_spoke_of_is_refused(
    tmp_path: Path, column: str, answers: tuple[str, ...], grouped: dict[str, Any]
) -> None:
    """Nothing is written; the sentence names the column, the rule to write, and how to ignore it."""
    source = export(tmp_path, column, answers)
    with pytest.raises(Rejected) as refused:
        run(tmp_path, source, **grouped)
    assert refused.value.code == "consent_unmapped"
    assert f'"consent": {{"column": "{column}", "allow": [' in refused.value.sentence
    assert f'"columns": {{"{column}": "ignore"}}' in refused.value.sentence
    assert "settings" not in refused.value.sentence
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("grouped", [{}, GROUPED], ids=["rows", "groups"])
def test_what_a_mapping_says_of_the_column_settles_it(tmp_path: Path, grouped: dict[str, Any]) -> None:
    """A rule takes the others out, ignoring keeps all, and a filter on the column is an answer too."""
    source = export(tmp_path, "Werbung erlaubt", ("ja", "nein"))
    said: dict[str, tuple[dict[str, Any], int]] = {
        "rule": ({"consent": {"column": "Werbung erlaubt", "allow": [True]}}, 20),
        "ignored": ({"columns": {"Werbung erlaubt": "ignore"}}, 40),
        "filter": ({"filters": [{"column": "Werbung erlaubt", "equals": "ja"}]}, 20),
    }
    for name, (parts, written) in said.items():
        (tmp_path / name).mkdir()
        report = run(tmp_path / name, source, **parts, **grouped)
        assert report.document["groups" if grouped else "rows"]["written"] == written


def test_removing_people_asks_for_no_consent(tmp_path: Path) -> None:
    """As with a connector: who said no may leave an audience."""
    source = export(tmp_path, "unsubscribed", ("true", "false"))
    report = run(tmp_path, source, target={**TARGET, "action": "remove"})
    assert report.document["rows"]["written"] == 40


def test_a_column_of_deleted_rows_is_refused_too(tmp_path: Path) -> None:
    """What hashed output lacks, no connector could refuse later; the sentence proposes a filter."""
    source = export(tmp_path, "op", ("I", "U", "D"))
    with pytest.raises(Rejected) as refused:
        run(tmp_path, source)
    assert refused.value.code == "operation_unmapped"
    assert '{"column": "op", "not_in": ["D"]}' in refused.value.sentence
    assert not (tmp_path / "out").exists()
