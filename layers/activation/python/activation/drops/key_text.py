"""Parts of keys in sentences: short, on one line, and of characters that SQS and a terminal take."""

from __future__ import annotations

_MOST = 80


def key_text(name: str) -> str:
    """Return the name of a file or folder as a sentence shows it; a long one is cut, and ends in "...".

    A key may hold characters that SQS refuses in an attribute, which is where a dead letter's reason is. They
    become escapes, as do those that move a terminal's cursor.
    """
    shown = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in name[:_MOST])
    return shown + ("..." if len(name) > _MOST else "")
