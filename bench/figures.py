"""Figures for the report: medians with their spread, tables, and targets."""

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
        """Return the median."""
        return median(self.values)

    def text(self, write: Callable[[float], str]) -> str:
        """Return the median, then the lowest and highest value."""
        if len(self.values) == 1:
            return write(self.values[0])
        return f"{write(self.median)} ({write(min(self.values))} to {write(max(self.values))})"


@dataclass(frozen=True)
class Target:
    """What was wanted of a figure, what was measured, and whether the target was met."""

    wanted: str
    found: str
    met: bool


@dataclass(frozen=True)
class Table:
    """One part of the report. `about` says how it was measured, `notes` what the reader has to know."""

    title: str
    about: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    targets: Sequence[Target] = ()
    notes: Sequence[str] = field(default=())


def whole(value: float) -> str:
    """Return a number without decimals, grouped."""
    return f"{value:,.0f}"


def seconds(value: float) -> str:
    """Return seconds with two decimals."""
    return f"{value:.2f}"


def times(value: float) -> str:
    """Return a ratio."""
    return f"{value:.2f}"


def megabytes(value: float) -> str:
    """Return bytes as megabytes of 1,000,000."""
    return f"{value / 1e6:.0f}"
