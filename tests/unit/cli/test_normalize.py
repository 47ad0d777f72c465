"""`activation normalize`: what it says, and that `drop`'s dry run takes what it has written."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from cli.__main__ import app
from cli.local_files import local_files
from tests.unit.normalize.exports import mapping, write_csv

DOCS = Path(__file__).parents[3] / "docs"
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


def dropped(told: str) -> list[str]:
    """Return the arguments of `drop` in the last line, as a shell reads them; the program's name comes first."""
    words = shlex.split(told.splitlines()[-1].removeprefix("next: "))
    return words[words.index("drop") + 1 :]


def test_a_plan_of_the_folder_reads_it_as_its_manifest_says(tmp_path: Path) -> None:
    """What normalize prints as JSON is the report; plan needs no --map for raw columns of other names."""
    told = json.loads(called(*arguments(tmp_path, output={"identifiers": "raw"}), "--json"))
    assert told["rows"]["written"] == 2
    assert told["rows"]["rejected"] == {"not_an_email": 1}
    options = ["--connector", "meta", "--audience", "VIP customers", "--json"]
    plan = CliRunner().invoke(app, ["plan", told["folder"], *options])
    assert plan.exit_code == 0, plan.output
    assert (json.loads(plan.output)["rows_sent"], json.loads(plan.output)["columns"]["Kontakt"]) == (2, "EMAIL")


def test_a_folder_of_hashed_parts_is_read_as_one(tmp_path: Path) -> None:
    """Its manifest says what the files hold; another kind is refused, since hashes would be hashed again."""
    folder = json.loads(called(*arguments(tmp_path), "--json"))["folder"]
    options = ["--connector", "meta", "--audience", "VIP customers", "--json"]
    plan = CliRunner().invoke(app, ["plan", folder, *options])
    assert plan.exit_code == 0, plan.output
    assert (json.loads(plan.output)["rows_sent"], json.loads(plan.output)["rejected"]) == (2, {})
    raw = CliRunner().invoke(app, ["plan", folder, *options, "--identifiers", "raw"])
    assert raw.exit_code == 2
    assert "the folder's manifest says" in raw.output


def test_the_folder_above_a_drop_is_not_the_drop(tmp_path: Path) -> None:
    """Who gives the output's root is told which folder to give."""
    folder = json.loads(called(*arguments(tmp_path), "--folder", "run-1", "--json"))["folder"]
    with pytest.raises(typer.BadParameter) as caught:
        local_files([tmp_path / "out"])
    assert caught.value.message.endswith(f": give {folder}")


def test_no_drop_is_proposed_for_a_platform_without_connectors(tmp_path: Path) -> None:
    """A command with its name as the connector would be refused."""
    target = {"platform": "google", "connector": "google", "audience": "VIP"}
    told = called(*arguments(tmp_path, target=target))
    assert told.splitlines()[-1].startswith("no connector of this app sends to google")
    assert "next:" not in told


def test_people_are_told_where_rows_went_and_what_to_do_next(tmp_path: Path) -> None:
    """The sums, the folder and the command that drops it."""
    told = called(*arguments(tmp_path), "--folder", "run-1")
    assert "rows read: 3" in told
    assert "1 not_an_email" in told
    assert (tmp_path / "out" / "meta" / "VIP customers" / "hashed" / "run-1" / "_manifest.json").exists()


def test_every_mistake_is_a_line_and_the_exit_code_1(tmp_path: Path) -> None:
    """A mapping that cannot be used is refused with all of its mistakes, on the screen and as JSON."""
    given = arguments(tmp_path, columns={"Kontakt": "emial"}, date_order="dym")
    told = called(*given, exit_code=1)
    assert "2 to correct" in told
    assert [line.split(":")[0].strip() for line in told.splitlines()[1:]] == ["date_order", "columns"]
    done = CliRunner().invoke(app, ["normalize", *given])
    assert (done.stdout, done.stderr) == ("", told)
    refused = json.loads(called(*given, "--json", exit_code=1))["error"]
    assert (refused["code"], len(refused["mistakes"])) == ("bad_mapping", 2)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("identifiers", ["raw", "hashed"])
def test_the_next_command_can_be_pasted(identifiers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However narrow the terminal, the command is one line, and a shell reads the names out of it."""
    monkeypatch.setenv("COLUMNS", "40")
    target = {"platform": "meta", "connector": "meta", "audience": 'the "$HOME" list', "action": "remove"}
    told = called(*arguments(tmp_path, target=target, output={"identifiers": identifiers}), "--folder", "run 1")
    folder, *options = dropped(told)
    assert Path(folder, "_manifest.json").exists()
    assert options[:4] == ["--connector", "meta", "--audience", target["audience"]]
    hashed = ["--identifiers", "hashed"] if identifiers == "hashed" else []
    assert options[4:] == [*hashed, "--action", "remove"]


def test_what_the_connector_would_refuse_is_not_written(tmp_path: Path) -> None:
    """A replace for Meta with a customer number beside other fields is refused, as the drop would be."""
    target = {"platform": "meta", "connector": "meta", "audience": "VIP", "action": "replace"}
    columns = {"Kontakt": "email", "points": "external_id"}
    told = called(*arguments(tmp_path, target=target, columns=columns), exit_code=1)
    assert told.startswith("replace_with_extern_id: ")
    assert not (tmp_path / "out").exists()


def test_a_drop_by_the_example_of_the_docs_is_accepted(tmp_path: Path) -> None:
    """What the first JSON of docs/glue.md makes of an export is a folder that `plan` would send."""
    text = (DOCS / "glue.md").read_text().split("```json\n")[1].split("```")[0]
    (tmp_path / "m.json").write_text(text)
    header = "customer_id|email|phone|order_date|status|opt_in|amount"
    (tmp_path / "orders.csv").write_text(f"{header}\n7|ann@example.com|+14155550100|2026-11-02|paid|yes|600.00\n")
    told = called(
        "--mapping", tmp_path / "m.json", "--input", tmp_path / "orders.csv", "--output", tmp_path / "out"
    )
    plan = CliRunner().invoke(app, ["plan", *dropped(told), "--json"])
    assert plan.exit_code == 0, plan.output
    assert json.loads(plan.output)["rows_sent"] == 1


def test_a_folder_for_another_platform_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no settings are, the manifest names the platform, and plan refuses it for a connector of another."""
    monkeypatch.chdir(tmp_path)
    target = {"platform": "tiktok", "connector": "meta", "audience": "VIP customers"}
    folder = json.loads(called(*arguments(tmp_path, target=target), "--json"))["folder"]
    options = ["--connector", "meta", "--audience", "VIP customers", "--json"]
    plan = CliRunner().invoke(app, ["plan", folder, *options])
    assert (plan.exit_code, json.loads(plan.output)["refused"]["code"]) == (1, "other_platform")


def test_settings_say_which_platform_a_connector_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they are there, a mapping for another platform is refused before anything is written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cdk.context.json").write_text(
        json.dumps({"audience_activation": {"connectors": [{"name": "meta", "platform": "meta"}]}})
    )
    target = {"platform": "tiktok", "connector": "meta", "audience": "VIP customers"}
    told = called(*arguments(tmp_path, target=target), exit_code=1)
    assert "target.platform must be meta" in told
    assert not (tmp_path / "out").exists()
    assert "rows read: 3" in called(*arguments(tmp_path))


def test_mended_rows_are_told(tmp_path: Path) -> None:
    """A row that lacks a blank cell at its end is used, and counted."""
    given = arguments(tmp_path)
    (tmp_path / "people.csv").write_text("Kontakt,first_name,points\nann@example.com,Ann,9\nbob@example.com,Bob\n")
    assert "rows mended: 1" in called(*given)
