"""Text from files and keys, made safe to print on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def printable(text: str, *, most: int = 1024) -> str:
    """Escape control characters, invisible marks and lone surrogates; cut the text after `most` characters.

    A key may contain characters that move the cursor or colour a line, since an audience's name is any folder
    name.
    """
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:most])
    return shown + (f" ... ({len(text)} characters)" if len(text) > most else "")


def counted(count: int, noun: str) -> str:
    """Return "1 file" or "2,000 files" for a noun whose plural ends in s."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def console() -> Console:
    """Return a console that prints square brackets and colons in a cell literally."""
    from rich.console import Console

    return Console(markup=False, emoji=False, highlight=False)
