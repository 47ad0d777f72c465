"""A run's state, times and counts as text for a terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cli.runs.rows import OPEN, RunRow

if TYPE_CHECKING:
    from rich.text import Text

    from cli.runs.undone import Undos

RUN_DIGITS_SHOWN = 12  # enough digits to find exactly one run
RUN_ID_DIGITS = 32
STYLES = {
    "applied": "green",
    "failed": "bold red",
    "blocked": "bold red",
    "superseded": "yellow",
    "stopped": "yellow",
    "discarded": "yellow",
    "empty": "yellow",
}
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))

GOOD = frozenset({"applied", "empty"})
ENDED_BADLY, RUNNING, UNKNOWN = 1, 3, 4  # exit codes; 2 is a usage error


def exit_code(state: str) -> int:
    """Return the exit code that tells a run's state: 0 well ended, 1 not sent as it should be, 3 still running."""
    return RUNNING if state in OPEN else 0 if state in GOOD else ENDED_BADLY


def no_run(run_id: str) -> str:
    """Return that no run has an id or the beginning of one, and what may be so of it."""
    from cli.typed import typed

    says = f"no run has this id; list the runs: {typed('runs')}"
    if len(run_id) >= RUN_ID_DIGITS:
        return says
    whole = typed("status", "--state", "ignored", "--json")
    return f"{says}; an object under no connector's prefix is found by its whole id alone: {whole}"


def state_style(state: str) -> str:
    """Return the style of a state; a console leaves it out where NO_COLOR is set or nobody looks."""
    return STYLES.get(state, "cyan")


def utc(seconds: float) -> str:
    """Return a time to the second, without its zone."""
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")


def spoken(seconds: float) -> str:
    """Return a duration in its largest unit and the next one, in at most 11 characters up to 999 days."""
    left, parts = int(seconds), []
    for size, name in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {name}")
        if parts and (not count or len(parts) == 2):
            break
    return " ".join(parts) or "0 s"


def why(row: RunRow, now: float) -> str:
    """Return until when a run waits, and why it waits or stopped; "" for neither."""
    until = ""
    if row.waits_until is not None:
        until = f"until {utc(row.waits_until)} UTC (in {spoken(max(row.waits_until - now, 0))})"
    return ": ".join(filter(None, (until, row.code, row.sentence)))


def progress(row: RunRow) -> str:
    """Return how far a run is, with its share where the drop's rows are known."""
    share = f" of {row.rows_whole:,}" if row.rows_whole is not None and row.rows_read != row.rows_whole else ""
    rate = f", {row.rows_per_s:,.0f} rows/s" if row.rows_per_s is not None else ""
    rejected = f", {row.rows_rejected:,} rejected" if row.rows_rejected else ""
    left_in = f", {row.rows_left_in:,} left in" if row.rows_left_in else ""
    return f"{row.rows_read:,}{share} rows{left_in}{rejected}{rate}"


def listed(rows: tuple[RunRow, ...], now: float, undos: Undos) -> Text:
    """Return runs as text: a line of figures for each, below it what it fills from which file, and why it waits.

    Of those that were undone, and of their undos, it says so and who asked for it.

    The figures fit into 80 columns; the lines below them are never cut, so that a name or code can be copied.
    """
    from rich.text import Text

    from cli.printable import printable

    text = Text(
        f"{'run':<12} {'state':<10} {'start (UTC)':<16} {'took':>11} {'rows':>10} {'rejects':>8} {'rows/s':>7}\n"
    )
    for row in rows:
        rate = f"{row.rows_per_s:,.0f}" if row.rows_per_s is not None else ""
        text.append(f"{row.run_id[:RUN_DIGITS_SHOWN]:<12} ")
        text.append(f"{row.state_word:<10}", state_style(row.state_word))
        text.append(f" {utc(row.started_at)[:16]} {spoken(row.duration_s(now)):>11} {row.rows_read:>10,}")
        text.append(f" {row.rows_rejected:>8,} {rate:>7}\n")
        text.append(f"  {printable(', '.join(filter(None, (row.fills, row.file))))}\n", "dim")
        if reason := why(row, now):
            text.append(f"  {printable(reason)}\n")
        if undo := undos.by.get(row.run_id):
            text.append(f"  {printable(undo.of_undo)}\n")
        if undone := undos.of.get(row.run_id):
            text.append(f"  {printable(undone.of_undone)}\n", "yellow")
    return text
