"""A file that another encoding of the same family would decode, too, and what it says against the declared one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.__main__ import app

POLISH = ("Paweł,Łódź", "Łukasz,Gdańsk")
CZECH = ("Jiří,Plzeň", "Němeček,Brno", "Dvořáková,Třebíč")
RUSSIAN = ("Иванов,Москва",)
GERMAN = ("Jürgen,Köln", "Günther,Münster")
WESTERN = (
    "Jürgen,Köln",
    "Mª José,Logroño",
    "Hélène,Besançon",
    "Søren,Århus",
    "D\u00b4Angelo,Forlì",
    "Zoë,Al·lota",
)
SELDOM = ("Catrìona,Glasgow", "Bình,Hannover", "Løkèn,Oslo", *("Jürgen,Köln",) * 1_000)
QUOTED = ("«Иванов»,«Москва»",)
FEW = ("Catrìona,Inbhir Nis", "Mìcheal,Ìle", "Sìne,Løkèn", "Bình,Kraków")  # the rows are too few for a share
pytestmark = pytest.mark.usefixtures("alone")


def warnings(path: Path, lines: tuple[str, ...], is_in: str, declared: str) -> list[dict[str, str]]:
    """Return what a plan of a file warns of its encoding."""
    text = "email,Vorname,Ort\n" + "".join(f"p{at}@example.com,{line}\n" for at, line in enumerate(lines))
    path.write_bytes(text.encode(is_in, "ignore"))
    arguments = ["plan", str(path), "--connector", "meta", "--audience", "VIP", "--encoding", declared, "--json"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return [one for one in json.loads(done.stdout)["warnings"] if one["code"] == "encoding_doubtful"]


@pytest.mark.parametrize(
    ("lines", "is_in", "declared", "says"),
    [
        (POLISH, "cp1250", "windows-1252", 'row 1, column "Vorname" has improbable letters'),
        (CZECH, "cp1250", "windows-1252", 'row 1, column "Vorname" has improbable letters'),
        (POLISH, "cp1250", "iso-8859-2", "has a control character"),
        (GERMAN, "cp850", "iso-8859-15", "has a control character"),
        (RUSSIAN, "cp1251", "koi8-r", 'row 1, column "Vorname" has improbable letters'),
        (RUSSIAN, "koi8-r", "windows-1251", "improbable letters, and 1 more cells"),
        (GERMAN, "mac-roman", "iso-8859-15", "has a control character"),
    ],
)
def test_a_file_speaks_against_a_wrong_encoding(
    tmp_path: Path, lines: tuple[str, ...], is_in: str, declared: str, says: str
) -> None:
    """Row and column are named, and no value is."""
    (found,) = warnings(tmp_path / "people.csv", lines, is_in, declared)
    assert f"the file is probably not {declared}: " in found["sentence"]
    assert says in found["sentence"]
    assert found["sentence"].isascii()


@pytest.mark.parametrize(
    ("lines", "encoding"),
    [
        (WESTERN, "windows-1252"),
        (SELDOM, "windows-1252"),
        (QUOTED, "windows-1251"),
        (WESTERN[:4], "iso-8859-15"),
        (POLISH, "windows-1250"),
        (CZECH, "windows-1250"),
        (RUSSIAN, "windows-1251"),
        (RUSSIAN, "koi8-r"),
        (FEW, "windows-1252"),
        (GERMAN, "cp850"),
    ],
)
def test_names_in_the_right_encoding_pass(tmp_path: Path, lines: tuple[str, ...], encoding: str) -> None:
    """Also those with accents, ordinal marks and apostrophes."""
    is_in = {"windows-1252": "cp1252", "windows-1250": "cp1250", "windows-1251": "cp1251"}.get(encoding, encoding)
    assert warnings(tmp_path / "people.csv", lines, is_in, encoding) == []
