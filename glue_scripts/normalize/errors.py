"""A mapping that cannot be used, with every mistake in it."""

from __future__ import annotations

from collections.abc import Sequence

from activation.errors import Rejected

MOST_SHOWN = 40


class BadMapping(Rejected):
    """The mapping file has mistakes: `mistakes` are sentences, each of which names the place."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        more = len(mistakes) - MOST_SHOWN
        shown = [*mistakes[:MOST_SHOWN], *([f"and {more} more"] if more > 0 else [])]
        super().__init__("bad_mapping", f"{len(mistakes)} to correct in the mapping: " + "; ".join(shown))
        self.mistakes = tuple(mistakes)
