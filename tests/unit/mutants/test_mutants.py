"""The list of mutants fits the code, and what is said of a mutant is what its tests do."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mutants.__main__ import PROJECT
from tests.mutants.mutants import Mutant, Stale, load
from tests.mutants.runs import Copy, Result, Untrustworthy

CODE = "def half(number):\n    if number < 0:\n        return 0\n    return number // 2\n"
TESTS = "import code_of_it\n\n\ndef test_half():\n    assert code_of_it.half(4) == 2\n"
MUTANT = Mutant("a half is whole", "src/code_of_it.py", "return number // 2", "return number", ("test_it.py",))
UNSEEN = replace(MUTANT, line="if number < 0:", becomes="if False:")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a small project with one test."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src/code_of_it.py").write_text(CODE)
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = src\n")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


@pytest.mark.parametrize("mutant", load(), ids=lambda one: one.what)
def test_each_entry_of_the_list_fits_the_code(mutant: Mutant) -> None:
    """Its line stands in its file once, and its tests are there."""
    mutant.check(PROJECT)


def test_an_entry_that_no_longer_fits_is_refused(project: Path) -> None:
    """A line that is gone, one that stands there twice, and a test that is gone would all prove nothing."""
    MUTANT.check(project)
    for changed, says in [
        ({"line": "return number // 3"}, "0 lines"),
        ({"becomes": MUTANT.line}, "the same"),
        ({"tests": ()}, "no test"),
        ({"tests": ("test_it.py::test_other",)}, "there is no test_it.py::test_other"),
        ({"tests": ("gone.py",)}, "there is no gone.py"),
    ]:
        with pytest.raises(Stale, match=says):
            replace(MUTANT, **changed).check(project)  # type: ignore[arg-type]  # each value is its field's
    (project / "src/code_of_it.py").write_text(CODE * 2)
    with pytest.raises(Stale, match="2 lines"):
        MUTANT.check(project)


@pytest.mark.parametrize(
    ("mutant", "result"),
    [
        (UNSEEN, Result.SURVIVED),
        (replace(UNSEEN, survives="nobody halves debts"), Result.EXPLAINED),
        (replace(MUTANT, survives="nobody halves debts"), Result.UNEXPECTED),
        (replace(MUTANT, becomes="return number ("), Result.BROKEN),
    ],
    ids=["survived", "explained", "unexpected", "broken"],
)
def test_a_mutant_is_killed_when_a_test_fails(project: Path, mutant: Mutant, result: Result) -> None:
    """Whatever comes of it, the working tree is as before, and so is the copy that the next mutant gets."""
    with Copy.of(project) as copy:
        assert copy.run(mutant) is result
        assert (copy.folder / mutant.file).read_text() == CODE
    assert (project / mutant.file).read_text() == CODE


def test_mutants_are_run_where_the_tests_pass_and_see_the_copy(project: Path) -> None:
    """A file that is not committed yet is in the copy too."""
    with Copy.of(project) as copy:
        copy.check([MUTANT])
        assert copy.run(MUTANT) is Result.KILLED


def test_nothing_is_said_of_mutants_when_the_tests_fail_anyway(project: Path) -> None:
    """Each would be killed."""
    (project / "test_it.py").write_text(TESTS.replace("== 2", "== 3"))
    with Copy.of(project) as copy, pytest.raises(Untrustworthy, match="without any mutant"):
        copy.check([MUTANT])


def test_nothing_is_said_of_mutants_when_the_tests_import_another_tree(project: Path) -> None:
    """Each would survive."""
    (project / "pytest.ini").write_text(f"[pytest]\npythonpath = {project / 'src'}\n")
    with Copy.of(project) as copy, pytest.raises(Untrustworthy, match="another tree"):
        copy.check([MUTANT])
