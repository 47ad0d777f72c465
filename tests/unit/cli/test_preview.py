"""`plan --rows`: the first rows cell by cell, on request only."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.__main__ import app

SECRET = "Grace.Hopper@example.com"
TEXT = (
    "Email,phone,first_name,zip,Hobby\n"
    f"{SECRET},+1 (415) 555-0100,Zo\u00eb,94046-1234,chess\n"
    "nobody,,,,\n"
    "bo@example.com,ask her,Bo,,[bold]go[/bold]\n"
    "cy@example.com,1,2,3,4,5\n"
    "di@example.com,,,,\n"
)


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return a file of five rows, in a folder without settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    found = tmp_path / "people.csv"
    found.write_text(TEXT, encoding="utf-8")
    return found


def planned(path: Path, *arguments: str, connector: str = "meta") -> Result:
    """Plan a file."""
    return CliRunner().invoke(app, ["plan", str(path), "--connector", connector, "--audience", "VIP", *arguments])


def previewed(path: Path, count: int, *arguments: str) -> list[dict[str, Any]]:
    """Return the preview as --json has it when it is asked for."""
    found: list[dict[str, Any]] = json.loads(planned(path, "--json", "--rows", str(count), *arguments).stdout)[
        "preview"
    ]
    return found


def cell(row: dict[str, Any], column: str) -> dict[str, str]:
    """Return one cell of a row."""
    (found,) = (one for one in row["cells"] if one["column"] == column)
    return dict(found)


def test_a_cell_is_shown_from_the_file_to_the_wire(path: Path) -> None:
    """As it stands, as it is normalised, and the digest of exactly that."""
    (row,) = previewed(path, 1)
    email = cell(row, "Email")
    assert (email["field"], email["raw"], email["normalized"]) == ("EMAIL", SECRET, SECRET.lower())
    assert email["sent"] == hashlib.sha256(SECRET.lower().encode()).hexdigest()
    assert cell(row, "phone")["normalized"] == "14155550100"
    assert cell(row, "zip")["normalized"] == "94046"


def test_a_cell_that_is_left_out_has_its_code(path: Path) -> None:
    """And one that is not used is shown as such."""
    row = previewed(path, 3)[2]
    assert row["code"] == ""
    assert cell(row, "phone")["code"] == "not_a_phone"
    assert cell(row, "phone")["sent"] == ""
    assert cell(row, "Hobby")["field"] == ""


def test_a_row_that_is_not_sent_says_why(path: Path) -> None:
    """Because of a cell, or of the row as a whole."""
    rows = previewed(path, 4)
    assert [row["row"] for row in rows] == [1, 2, 3, 4]
    assert [row["code"] for row in rows] == ["", "not_an_email", "", "ragged_row"]
    assert rows[3]["cells"] == []


def test_more_rows_than_there_are_is_all_of_them(path: Path) -> None:
    """Nothing is repeated or made up."""
    assert [row["row"] for row in previewed(path, 50)] == [1, 2, 3, 4, 5]


def test_hashed_cells_are_passed_on(path: Path) -> None:
    """A digest is what is normalised and what is sent."""
    digest = hashlib.sha256(b"ana@example.com").hexdigest()
    path.write_text(f"email\n{digest.upper()}\n", encoding="utf-8")
    (row,) = previewed(path, 1, "--identifiers", "hashed")
    assert cell(row, "email") == {
        "column": "email",
        "field": "EMAIL",
        "raw": digest.upper(),
        "normalized": digest,
        "sent": digest,
        "code": "",
    }


def test_a_refused_drop_is_shown_as_well(path: Path) -> None:
    """To find out why is what one looks at the cells for."""
    path.write_text("first_name,last_name,zip\nAda,Byron,94046\n", encoding="utf-8")
    result = planned(path, "--json", "--rows", "1")
    assert result.exit_code == 1
    (row,) = json.loads(result.stdout)["preview"]
    assert cell(row, "first_name")["normalized"] == "ada"


def test_the_table_shows_cells_as_they_are(path: Path) -> None:
    """Square brackets are no markup."""
    shown = planned(path, "--rows", "3").output
    assert SECRET in shown
    assert "[bold]go[/bold]" in shown
    assert "left out: not_a_phone" in shown
    assert "Row 2: not sent, not_an_email" in shown


@pytest.mark.parametrize("arguments", [(), ("--json",), ("--json", "--strict")])
def test_nothing_is_shown_unless_asked_for(path: Path, arguments: tuple[str, ...]) -> None:
    """Without --rows no cell is anywhere, in capitals or not."""
    shown = planned(path, *arguments).output
    assert "hopper" not in shown.casefold()
    assert "chess" not in shown
    assert "preview" not in shown
