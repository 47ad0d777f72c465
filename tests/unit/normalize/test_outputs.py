"""Where a drop is written on this machine: bad names, folders that are there, places that refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
from activation.errors import Rejected

from glue_scripts.normalize.report import Report
from glue_scripts.normalize.run import normalize
from tests.unit.normalize.exports import mapping, write_csv

KEY = "meta/VIP customers/hashed"


def run(tmp_path: Path, output: str, folder: str = "f") -> Report:
    """Run a mapping over one person."""
    write_csv(tmp_path / "people.csv", [("ann@example.com",)], ("email",))
    return normalize(mapping(tmp_path / "mapping.json"), str(tmp_path / "people.csv"), output, folder=folder)


def refusal(tmp_path: Path, output: Path, folder: str = "f") -> str:
    """Return the code with which a run is refused."""
    with pytest.raises(Rejected) as refused:
        run(tmp_path, str(output), folder)
    return refused.value.code


@pytest.mark.parametrize("name", [".", "..", ".hidden", "_temporary", "a/b", "a\nb", "a\0b", " ", "x" * 201])
def test_a_folder_that_no_reader_would_find_is_refused(tmp_path: Path, name: str) -> None:
    """A name that leads elsewhere, or under which readers pass over a drop, is refused and nothing is made."""
    assert refusal(tmp_path, tmp_path / "out", name) == "bad_folder"
    assert not (tmp_path / "out").exists()


def test_an_output_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A file in the place of a folder is refused with a code; no part of the drop is left beside it."""
    output = tmp_path / "out"
    output.mkdir()
    (output / "meta").write_text("a file")
    assert refusal(tmp_path, output) == "output_not_written"
    assert [path.name for path in output.rglob("*")] == ["meta"]


def test_a_folder_with_nothing_but_folders_is_there_too(tmp_path: Path) -> None:
    """A drop is never moved onto a folder that is there."""
    (tmp_path / "out" / KEY / "f" / "sub").mkdir(parents=True)
    assert refusal(tmp_path, tmp_path / "out") == "output_exists"
