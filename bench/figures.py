"""Figures as they are reported: medians with their spread, tables, and targets that are met or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Spread:
    """Repeated measurements of one thing."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """Return the middle one."""
        return median(self.values)

    def text(self, write: Callable[[float], str]) -> str:
        """Write the median, and the lowest and highest behind it."""
        if len(self.values) == 1:
            return write(self.values[0])
        return f"{write(self.median)} ({write(min(self.values))} to {write(max(self.values))})"


@dataclass(frozen=True)
class Target:
    """What was wanted of a figure, and what it came to."""

    wanted: str
    found: str
    met: bool


@dataclass(frozen=True)
class Table:
    """One part of the report. `about` says how it was measured, `notes` what has to be known to read it."""

    title: str
    about: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    targets: Sequence[Target] = ()
    notes: Sequence[str] = field(default=())


def whole(value: float) -> str:
    """Write a number without decimals, grouped."""
    return f"{value:,.0f}"


def seconds(value: float) -> str:
    """Write seconds to the hundredth."""
    return f"{value:.2f}"


def times(value: float) -> str:
    """Write a ratio."""
    return f"{value:.2f}"


def megabytes(value: float) -> str:
    """Write bytes as megabytes of 1,000,000."""
    return f"{value / 1e6:.0f}"
