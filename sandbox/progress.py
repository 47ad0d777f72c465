"""Progress on standard error: each step with the time it takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Steps:
    """The steps of one command. On a terminal they tick; elsewhere each is printed when it is finished."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )

    def __enter__(self) -> Self:
        """Start the display."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the display; what was shown stays."""
        self._progress.stop()

    @contextmanager
    def step(self, description: str) -> Iterator[None]:
        """Show a step while the block runs; one that raises is not ticked off."""
        task = self._progress.add_task(description, total=1)
        yield
        self._progress.update(task, completed=1)
        if not self._console.is_terminal:
            elapsed_s = self._progress.tasks[self._progress.task_ids.index(task)].finished_time or 0.0
            self._console.print(f"  {description}: {elapsed_s:.1f} s", highlight=False)
