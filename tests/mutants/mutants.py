"""The list of mutants: one line of the code each, made wrong, with the tests that are to fail then."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

LIST = Path(__file__).parent / "mutants.toml"


class Stale(Exception):
    """An entry of the list does not fit the code; the text says how."""


@dataclass(frozen=True)
class Mutant:
    """One entry: in `file`, `line` is replaced by `becomes`, and one of `tests` has to fail.

    `what` says what the line guards against. `file` and `tests` are paths from the project's folder, and a test
    may be one function (`path::name`). `line` stands without its indentation, which is kept. `survives` is why no
    test can fail, "" for a mutant that has to be killed.
    """

    what: str
    file: str
    line: str
    becomes: str
    tests: tuple[str, ...]
    survives: str = ""

    @property
    def root(self) -> str:
        """Return the project's top folder that holds the file."""
        return self.file.partition("/")[0]

    def applied(self, text: str) -> str:
        """Return a file's text with the line replaced; raises Stale unless the line stands there exactly once."""
        lines = text.splitlines(keepends=True)
        places = [at for at, one in enumerate(lines) if one.strip() == self.line]
        if len(places) != 1:
            raise Stale(f"{self.file} has {len(places)} lines that read `{self.line}`, and needs one")
        if self.line == self.becomes:
            raise Stale(f"{self.file}: `{self.line}` becomes the same")
        (at,) = places
        lines[at] = lines[at].replace(self.line, self.becomes)
        return "".join(lines)

    def check(self, folder: Path) -> None:
        """Raise Stale unless the line and the tests are in the project in `folder`."""
        self.applied((folder / self.file).read_text(encoding="utf-8"))
        for test in self.tests:
            path, _, name = test.partition("::")
            if not (folder / path).is_file() or f"def {name}" not in (folder / path).read_text(encoding="utf-8"):
                raise Stale(f"{self.file}: there is no {test}")
        if not self.tests:
            raise Stale(f"{self.file}: `{self.line}` names no test")


def load(path: Path = LIST) -> list[Mutant]:
    """Read a list of mutants."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]
    return [Mutant(**one | {"tests": tuple(one["tests"])}) for one in entries]
