"""Text from files and keys as it may stand on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def printable(text: str, *, most: int = 1024) -> str:
    """Spell out control characters, invisible marks and lone surrogates; at most `most` characters of them all.

    A key may hold what moves a cursor or colours a line: an audience's name is whatever somebody called a folder.
    """
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:most])
    return shown + (f" ... ({len(text)} characters)" if len(text) > most else "")


def console() -> Console:
    """Return a console that takes square brackets and colons in a cell for what they are."""
    from rich.console import Console

    return Console(markup=False, emoji=False, highlight=False)
