"""The steps of a smoke run: one line each, with its seconds and what came of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console


class StepFailed(Exception):
    """A step did not end as it must; the text says how, for the person who runs it."""


@dataclass
class Outcome:
    """What a step says of itself at the end of its line."""

    says: str = ""


@dataclass
class Steps:
    """Print each step as it ends: `ok` or `FAIL`, the seconds it took, its name, and what it says."""

    console: Console = field(default_factory=lambda: Console(highlight=False, soft_wrap=True))
    began: float = field(default_factory=time.monotonic)

    @contextmanager
    def step(self, name: str) -> Iterator[Outcome]:
        """Run a block as a step; a StepFailed is printed and raised again."""
        outcome, began = Outcome(), time.monotonic()
        word = "FAIL"
        try:
            with self.console.status(name):
                yield outcome
            word = "ok"
        except StepFailed as error:
            outcome.says = str(error)
            raise
        except BaseException as error:
            outcome.says = type(error).__name__
            raise
        finally:
            said = f"  {outcome.says}" if outcome.says else ""
            line = f"{word:<4} {time.monotonic() - began:6.1f} s  {name}{said}"
            self.console.print(line, markup=False)

    @property
    def seconds(self) -> float:
        """Return the seconds since the first step could begin."""
        return time.monotonic() - self.began
