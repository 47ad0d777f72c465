"""Texts that may be shown in an error or a receipt: names of columns, and nothing that can be anybody's data."""

from __future__ import annotations

import unicodedata

_MOST_SHOWN = 64
_DIGITS_SHOWN = 3
_SHOWABLE_SIGNS = frozenset(" .()/:_-+*#&',\u2019\u30fb\uff08\uff09\u3010\u3011")  # the Japanese brackets, too


def shown(text: str, instead: str) -> str:
    """Return a text as far as it cannot be anybody's data, else `instead`."""
    name = unicodedata.normalize("NFC", text.strip())
    return name if _is_showable(name) else instead


def _is_showable(text: str) -> bool:
    if not 0 < len(text) <= _MOST_SHOWN or not text[0].isalpha():
        return False
    digits = 0
    for letter in text:
        digits = digits + 1 if letter.isdigit() else 0
        if digits > _DIGITS_SHOWN:
            return False
        if not (letter.isalnum() or letter in _SHOWABLE_SIGNS or unicodedata.category(letter).startswith("M")):
            return False
    return True
