"""A mapping that cannot be used, with every mistake in it; and readers' refusals in the words of exports."""

from __future__ import annotations

from collections.abc import Sequence

from activation.errors import Rejected

MOST_SHOWN = 40
# What drops/codes.py says of a connector's drop, and what is so of an export.
_OF_EXPORTS = (
    ("the connector's encoding", "the mapping's input.encoding"),
    ("the connector or the drop declares", "the mapping's input.encoding declares"),
    (" (for one file: `activation drop --encoding`)", ""),
    ("Nothing was sent.", "Nothing was written."),
    (", or drop ", ", or normalise "),
)


def in_words_of_exports(error: Rejected) -> Rejected:
    """Return a reader's refusal with what to write in a mapping, in place of a connector's settings."""
    sentence = error.sentence
    for of_drops, of_exports in _OF_EXPORTS:
        sentence = sentence.replace(of_drops, of_exports)
    return Rejected(error.code, sentence)


class BadMapping(Rejected):
    """The mapping file has mistakes: `mistakes` are sentences, each of which names the place."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        more = len(mistakes) - MOST_SHOWN
        shown = [*mistakes[:MOST_SHOWN], *([f"and {more} more"] if more > 0 else [])]
        super().__init__("bad_mapping", f"{len(mistakes)} to correct in the mapping: " + "; ".join(shown))
        self.mistakes = tuple(mistakes)
