"""`activation normalize`: what it says, and that `drop`'s dry run takes what it has written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from cli.__main__ import app
from tests.unit.normalize.exports import mapping, write_csv

ROWS = [("ann@example.com", "Ann", "9"), ("nobody", "Bob", "1"), ("cy@example.com", "Cy", "x")]


def called(*arguments: str | Path, exit_code: int = 0) -> str:
    """Call the command; return its output."""
    result = CliRunner().invoke(app, ["normalize", *map(str, arguments)])
    assert result.exit_code == exit_code, result.output
    return result.output


def arguments(tmp_path: Path, **parts: Any) -> list[str]:
    """Write an export and a mapping, and return the options that name them."""
    write_csv(tmp_path / "people.csv", ROWS, ("Kontakt", "first_name", "points"))
    given = mapping(tmp_path / "m.json", **{"columns": {"Kontakt": "email", "points": "ignore"}, **parts})
    return ["--mapping", given, "--input", str(tmp_path / "people.csv"), "--output", str(tmp_path / "out")]


def test_a_plan_of_the_folder_reads_it_as_its_manifest_says(tmp_path: Path) -> None:
    """What normalize prints as JSON is the report; plan needs no --map for raw columns of other names."""
    told = json.loads(called(*arguments(tmp_path, output={"identifiers": "raw"}), "--json"))
    assert told["rows"]["written"] == 2
    assert told["rows"]["rejected"] == {"not_an_email": 1}
    options = ["--connector", "meta", "--audience", "VIP customers", "--json"]
    plan = CliRunner().invoke(app, ["plan", told["folder"], *options])
    assert plan.exit_code == 0, plan.output
    assert (json.loads(plan.output)["rows_sent"], json.loads(plan.output)["columns"]["Kontakt"]) == (2, "EMAIL")


def test_people_are_told_where_rows_went_and_what_to_do_next(tmp_path: Path) -> None:
    """The sums, the folder and the command that drops it."""
    told = called(*arguments(tmp_path), "--folder", "run-1")
    assert "rows read: 3" in told
    assert "1 not_an_email" in told
    assert "activation drop" in told
    assert "--identifiers hashed" in told
    assert (tmp_path / "out" / "meta" / "VIP customers" / "hashed" / "run-1" / "manifest.json").exists()


def test_every_mistake_is_a_line_and_the_exit_code_1(tmp_path: Path) -> None:
    """A mapping that cannot be used is refused with all of its mistakes, on the screen and as JSON."""
    given = arguments(tmp_path, columns={"Kontakt": "emial"}, date_order="dym")
    told = called(*given, exit_code=1)
    assert "2 to correct" in told
    assert [line.split(":")[0].strip() for line in told.splitlines()[1:]] == ["date_order", "columns"]
    refused = json.loads(called(*given, "--json", exit_code=1))["refused"]
    assert (refused["code"], len(refused["mistakes"])) == ("bad_mapping", 2)
    assert not (tmp_path / "out").exists()
