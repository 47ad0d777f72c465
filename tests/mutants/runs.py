"""Mutants in a copy of the project: the tests of each run where its line is wrong, never in the working tree."""

from __future__ import annotations

import enum
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.mutants.mutants import Mutant
from tests.unit.line.effects import EVERY

TOO_LONG_S = 300.0  # a mutant may wait for ever; its tests take seconds
PASSED, FAILED = 0, 1  # pytest's exit codes; any other means that the tests could not be run


class Result(enum.StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    HANGS = "killed (hangs)"
    SURVIVED = "SURVIVED"
    EXPLAINED = "survives, as explained"
    UNEXPECTED = "KILLED, although it is said to survive"
    BROKEN = "NOT RUN: pytest could not run the tests"

    @property
    def is_as_listed(self) -> bool:
        """Return whether the list says so."""
        return self in (Result.KILLED, Result.HANGS, Result.EXPLAINED)


class Untrustworthy(Exception):
    """What the copy would show is not to be believed; the text says why."""


@dataclass(frozen=True)
class Copy:
    """A copy of the project in `folder`, without its history and its environment; the tests run with `python`."""

    folder: Path
    python: str = sys.executable

    @classmethod
    @contextmanager
    def of(cls, project: Path) -> Iterator[Copy]:
        """Copy what git tracks of a project, and files it does not know but would; delete the copy at the end."""
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=project, capture_output=True, text=True, check=True).stdout
        with TemporaryDirectory(prefix="mutants-") as folder:
            for name in filter(None, names.split("\0")):
                if (project / name).is_file():  # else it is deleted, and not yet committed
                    target = Path(folder, name)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(project / name, target)
            yield cls(Path(folder))

    def test(self, tests: Sequence[str]) -> tuple[int | None, str]:
        """Run tests until one fails; return pytest's exit code, None when it took too long, and its output."""
        # Compiled files are told from older ones by size and second alone, and a mutant may have both in common.
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", EVERY: "1"}
        options = ["-x", "-q", "--no-header", "-p", "no:cacheprovider"]
        try:
            done = subprocess.run(
                [self.python, "-m", "pytest", *options, *tests],
                cwd=self.folder,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=TOO_LONG_S,
            )
        except subprocess.TimeoutExpired:
            return None, ""
        return done.returncode, done.stdout + done.stderr

    def check(self, mutants: Sequence[Mutant]) -> None:
        """Raise Untrustworthy unless the tests pass without a mutant, and fail when a mutated file is broken.

        Otherwise every mutant would be killed; or survive, because the tests import another tree than the copy.
        """
        tests = sorted({test for one in mutants for test in one.tests})
        code, printed = self.test(tests)
        if code != PASSED:
            raise Untrustworthy(f"the tests fail without any mutant:\n{printed[-3000:]}")
        for one in {mutant.root: mutant for mutant in mutants}.values():
            with self._replaced(one.file, "raise RuntimeError\n"):
                code, _ = self.test(one.tests)
            if code == PASSED:
                raise Untrustworthy(f"the tests pass although {one.file} is broken: they test another tree")

    def run(self, mutant: Mutant) -> Result:
        """Return what becomes of a mutant; raises Stale."""
        with self._replaced(mutant.file, mutant.applied((self.folder / mutant.file).read_text(encoding="utf-8"))):
            code, _ = self.test(mutant.tests)
        if code == PASSED:
            return Result.EXPLAINED if mutant.survives else Result.SURVIVED
        if code not in (FAILED, None):
            return Result.BROKEN
        if mutant.survives:
            return Result.UNEXPECTED
        return Result.KILLED if code == FAILED else Result.HANGS

    @contextmanager
    def _replaced(self, file: str, text: str) -> Iterator[None]:
        path = self.folder / file
        before = path.read_text(encoding="utf-8")
        path.write_text(text, encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(before, encoding="utf-8")
