"""An audience as the console shows it: whether it can be used, and its size over time as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from activation.platforms.discovery import platforms
from activation.report.drawing import trend
from activation.report.html import Html

if TYPE_CHECKING:
    from cli.known_audiences import KnownAudience


@dataclass(frozen=True)
class AudienceView:
    """A `known` audience: whether it is `usable`, in a word, and `why`; the `trend` of its size, None for none."""

    known: KnownAudience
    usable: str
    why: str
    trend: Html | None
    trend_words: str
    written: str
    connector: str
    last_run: str
    owned: str


def audience_view(known: KnownAudience) -> AudienceView:
    """Return an audience with its verdict and its picture."""
    sizes, told = known.estimated_sizes, known.described
    usable, why = _usable(known)
    words = ""
    if sizes:
        first, last = sizes[0], sizes[-1]
        words = f"{first} on {first.day}, {last} on {last.day}" if len(sizes) > 1 else f"{last} on {last.day}"
    return AudienceView(
        known,
        usable,
        why,
        trend([one.high for one in sizes], f"people: {words}") if len(sizes) > 1 else None,
        words,
        told["last_written_at"],
        told["connector"],
        told["last_run"],
        told["owned"],
    )


def _usable(known: KnownAudience) -> tuple[str, str]:
    """Return whether ads can reach an audience by what is known here: by its size and by who works on it."""
    minimum = platforms()[known.platform].minimum if known.platform in platforms() else None
    sizes = known.estimated_sizes
    if known.problem:
        return "unclear:", f"its mirror cannot be read ({known.problem})"
    if known.state.pending or known.holder:
        return "changing:", "a run is working on it"
    if not sizes or minimum is None:
        least = f"; it needs {minimum.people:,} people at least" if minimum else ""
        return "not told", f"by the platform{least}"
    if sizes[-1].high < minimum.people:
        return "no:", f"{minimum.people:,} people at least are needed"
    return "yes:", f"at least {minimum.people:,} people are needed"
