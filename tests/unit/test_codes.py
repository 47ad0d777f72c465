"""The table of codes: it has every code that is raised and no other, and the pages are made of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from activation.codes import Who, explain, find, introduction, plain, rooms
from typer.testing import CliRunner

from cli.__main__ import app
from cli.codes import page
from tests.unit.parsed_commands import parsed
from tests.unit.raised_codes import raised_codes

ROOT = Path(__file__).resolve().parents[2]
TEXTS = [text for room in rooms() for text in room.codes]
LINK = re.compile(r"\]\(([^)]+)\)")
# What a command needs where the table has a placeholder that is no file or time of its own.
FILLED = {"TIME": "2026-11-30"}


def runner(*words: str) -> tuple[int, str, str]:
    """Return the exit code and what the program printed."""
    result = CliRunner().invoke(app, ["codes", *words])
    return result.exit_code, result.stdout, result.stderr


def test_the_search_finds_codes_of_each_kind() -> None:
    """Errors, refusals, outcomes, AWS errors, cells, rows, warnings and constants are all found."""
    some = {
        "bad_name",
        "html_page",
        "xml_document",
        "throttled",
        "invalid_entries",
        "ledger_denied",
        "not_a_number",
    }
    assert some | {"not_a_phone", "ragged_row", "no_identifier", "audience_small", "late_part"} <= raised_codes()


def test_every_code_that_is_raised_is_in_the_table() -> None:
    """Who meets a code can look it up."""
    assert sorted(raised_codes() - {text.code for text in TEXTS}) == []


def test_every_code_in_the_table_is_raised() -> None:
    """The table has none that nothing gives any more."""
    assert sorted({text.code for text in TEXTS} - raised_codes()) == []


def test_each_code_stands_once_in_a_room() -> None:
    """No group says two things of one code, and no two groups have one name."""
    assert len({(text.room, text.code) for text in TEXTS}) == len(TEXTS)
    assert len({room.name for room in rooms()}) == len(rooms())


def test_a_code_says_in_sentences_what_happened_and_what_to_do() -> None:
    """Both begin with a capital, a code or a name, and end as sentences do; no link is left in plain text."""
    for text in TEXTS:
        for sentence in (text.happened, text.do):
            assert re.fullmatch(r"(?:[A-Z`\[]|awswrangler).*\.", sentence), text
        assert "](" not in text.sentences


@pytest.mark.parametrize("command", sorted({text.command for text in TEXTS} - {""}))
def test_the_program_has_each_command(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command of the table can be typed once its placeholders are filled."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").write_text("")
    (tmp_path / "FOLDER").mkdir()
    parsed(" ".join(FILLED.get(word, word) for word in command.split()))


def test_the_page_is_current() -> None:
    """docs/codes.md is what `make codes` writes."""
    assert (ROOT / "docs/codes.md").read_text(encoding="utf-8") == page()


def test_the_links_of_the_table_lead_to_headings() -> None:
    """Each linked document exists and has the heading."""
    texts = [introduction(), *(room.intro for room in rooms()), *(f"{text.happened} {text.do}" for text in TEXTS)]
    for target in {target for text in texts for target in LINK.findall(text)}:
        name, _, heading = target.partition("#")
        document = page() if not name else (ROOT / "docs" / name).read_text(encoding="utf-8")
        headings = re.findall(r"^#+ (.*)$", document, flags=re.MULTILINE)
        anchors = {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}
        assert not heading or heading in anchors, target


def test_a_link_becomes_the_path_of_its_document() -> None:
    """On a terminal there is nothing to click."""
    text = "See [here](mirror.md#guard), [events.md](events.md), [rows](#cells-and-rows) and [a](../README.md)."
    shown = (
        "See here (docs/mirror.md#guard), docs/events.md, rows (docs/codes.md#cells-and-rows) and a (README.md)."
    )
    assert plain(text) == shown


def test_a_code_of_two_groups_is_explained_as_a_run_means_it() -> None:
    """Its other meaning is found too."""
    assert [text.room for text in find("tls")] == ["act", "ci360"]
    assert explain("tls") == find("tls")[0]


def test_a_code_of_another_release_is_said_to_be_one() -> None:
    """An old receipt can still be shown."""
    text = explain("no_such_code")
    assert (text.code, text.who, find("no_such_code")) == ("no_such_code", Who.OPERATOR, ())
    assert "another release" in text.happened


def test_a_code_is_explained_on_the_terminal() -> None:
    """What happened, what to do, who acts and the command."""
    status, out, _ = runner("needs_approval")
    assert status == 0
    for part in (
        "needs_approval: Somebody has to act",
        "what to do",
        "operator",
        "activation audiences approve RUN",
    ):
        assert part in out


def test_an_unknown_code_names_similar_ones() -> None:
    """A typing mistake is no dead end, and the exit code tells a program."""
    status, out, error = runner("not_a_fone")
    assert (status, out) == (1, "")
    assert "not_a_phone" in error


def test_the_codes_are_written_for_programs() -> None:
    """All of them, or the meanings of one."""
    assert [one["code"] for one in json.loads(runner("--json")[1])] == [text.code for text in TEXTS]
    (one,) = json.loads(runner("token_refused", "--json")[1])
    assert (one["room"], one["who"], one["command"]) == ("act", "operator", "activation secret set CONNECTOR")


def test_the_list_has_every_code() -> None:
    """Without an argument all codes are listed."""
    listed = runner()[1]
    assert [text.code for text in TEXTS if text.code not in listed] == []


def test_the_table_is_read_without_the_rest_of_the_library() -> None:
    """A function that shows one sentence loads neither Arrow nor boto3 for it."""
    program = (
        "import sys, activation.codes as c; c.explain('tls'); print([m for m in sys.modules if m in sys.argv])"
    )
    heavy = ["pyarrow", "boto3", "botocore", "rich", "typer", "msgspec", "activation.identifiers"]
    loaded = subprocess.run([sys.executable, "-c", program, *heavy], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_the_runbook_links_the_table() -> None:
    """Who reads the first page finds the codes."""
    assert "](codes.md" in (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
