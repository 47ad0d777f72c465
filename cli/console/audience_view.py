"""An audience as the console shows it: whether it can be used, and its size over time as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from activation.platforms.discovery import platforms
from activation.report.drawing import trend
from activation.report.html import Html

if TYPE_CHECKING:
    from cli.known_audiences import KnownAudience


UNKNOWN_YET = "unknown yet:"  # the next examination tells


@dataclass(frozen=True)
class AudienceView:
    """A `known` audience: whether it is `usable`, in a word, and `why`; the `trend` of its size, None for none.

    `examines` says that an examination would tell its size.
    """

    known: KnownAudience
    usable: str
    why: str
    trend: Html | None
    trend_words: str
    written: str
    connector: str
    last_run: str
    owned: str
    examines: bool


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
        usable == UNKNOWN_YET or bool(known.no_size_on),
    )


def _usable(known: KnownAudience) -> tuple[str, str]:
    """Return whether ads can reach an audience by what is known here: by its size and by who works on it.

    Where the examination has noted no size, what the newest receipt says of matched members counts.
    """
    platform = platforms().get(known.platform)
    minimum = platform.minimum if platform else None
    size = known.estimated_sizes[-1] if known.estimated_sizes else known.matched
    if known.problem:
        return "unclear:", f"its mirror cannot be read ({known.problem})"
    if known.state.pending or known.holder:
        return "changing:", "a run is working on it"
    if size is None or minimum is None:
        least = f"at least {minimum.people:,} people are needed; " if minimum else ""
        if platform and known.no_size_on:
            why = f"{platform.title} gave no number on {known.no_size_on}, as of an audience that is small or new"
            return "not told:", f"{least}{why}"
        if platform and platform.notes_sizes:
            return UNKNOWN_YET, f"{least}no examination has noted its size"
        return "unknown:", f"{least}see the platform's own pages for the size"
    matched = f"{size} members matched on {size.day}; " if size is known.matched else ""
    word = "no:" if size.high < minimum.people else "yes:"
    return word, f"{matched}at least {minimum.people:,} people are needed"
