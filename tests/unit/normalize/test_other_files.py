"""Files beside an export that are no part of it, or not yet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from activation.errors import Rejected

from tests.unit.normalize.exports import run, write_csv


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a folder with one whole file."""
    folder = tmp_path / "in"
    folder.mkdir()
    write_csv(folder / "a.csv", [("a@example.com",)], ("email",))
    return folder


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("b.csv.crdownload", "export_incomplete"),
        ("b.csv.part", "export_incomplete"),
        ("b.csv.tmp", "export_incomplete"),
        ("B.CSV.FILEPART", "export_incomplete"),
        ("README.txt", "not_an_export_file"),
        ("Thumbs.db", "not_an_export_file"),
    ],
)
def test_a_file_that_is_no_part_is_refused_by_its_name(tmp_path: Path, source: Path, name: str, code: str) -> None:
    """Its content may look like a part; the sentence names it. A manifest that leaves it out settles it."""
    write_csv(source / name, [("b@example.com",)], ("email",))
    with pytest.raises(Rejected) as refused:
        run(tmp_path, source)
    assert refused.value.code == code
    assert name in refused.value.sentence
    (source / "manifest").write_text(json.dumps({"entries": [{"url": "s3://b/x/a.csv"}]}))
    assert run(tmp_path, source).document["rows"]["read"] == 1


def test_an_empty_folder_of_a_writer_is_refused(tmp_path: Path, source: Path) -> None:
    """A job that has begun and written no file yet leaves it."""
    (source / "_temporary" / "0").mkdir(parents=True)
    with pytest.raises(Rejected) as refused:
        run(tmp_path, source)
    assert refused.value.code == "export_incomplete"
