"""What people type into a cell for a telephone number: its digits, and a plus before them, or why it is none."""

from __future__ import annotations

import re
import unicodedata

from activation.identifiers.codes import Code
from activation.identifiers.text import is_float, trim, unmarked, whole_number

_LABEL = r"(?:tel(?:e?phone|efon)?|phone|ph|mobile|mob|cell|home|work|office|fax|main|whatsapp|[hmwotc])"
_LEADING_LABEL = re.compile(rf"\A{_LABEL}[^\w+(]*(?=[+(\d])", re.IGNORECASE)
# Any word with a colon: tel:, Tél. :, p: (as Meta's own lead forms write numbers).
_LEADING_WORD = re.compile(r"\A[^\W\d_][^\d+:]{0,30}:[\s/]*(?=[+(\d])")
_TRAILING_LABEL = re.compile(rf"(?<=\d)(?:\s+|\s*[(\[])\s*{_LABEL}\W*\Z", re.IGNORECASE)
_EXTENSION = re.compile(
    r"\d[\s,;.()-]*(?:e?xt(?:ension|n)?|x|#|poste|anexo|ramal|int(?:erno)?|dw|durchwahl|toestel|wewn?|доб)\W*"
    r"\d{1,7}\W*\Z",
    re.IGNORECASE,
)
# Behind a slash a few digits are another line of the same house; more are a number behind its area code.
_SEVERAL = re.compile(r"[0-9]\W*[,;|&]\W*[0-9]|[0-9]\s*/\s*[0-9]{1,3}\Z")
# A number with digits behind its point: they are not part of it.
_FRACTION = re.compile(r"\+?[0-9]{9,}[.,][0-9]{1,3}")
_ONLY_DIALLED = re.compile(r"[0-9+ ().-]+")


def typed_number(text: str) -> tuple[str | None, str | None]:
    """Return the number as typed with ASCII digits and without labels, or the code that says why it is none."""
    written = whole_number(_ascii(unmarked(text)))
    if is_float(written) or _FRACTION.fullmatch(written):
        return None, Code.NUMBER_AS_FLOAT
    if not _ONLY_DIALLED.fullmatch(written):
        if _EXTENSION.search(written):
            return None, Code.PHONE_EXTENSION
        written = _TRAILING_LABEL.sub("", _LEADING_LABEL.sub("", _LEADING_WORD.sub("", written)))
    first_digit = re.search(r"[0-9]", written)
    start = first_digit.start() if first_digit else len(written)
    # A second plus, or what stands for "or" between digits, separates two numbers or a pause from an extension.
    if not first_digit or "+" in written[start:] or _SEVERAL.search(written):
        return None, Code.NOT_A_PHONE
    if any(c.isalpha() for c in written):
        return None, Code.PHONE_LETTERS
    if "+" in written:
        return "+" + written[start:], None
    return written[start - 1 if start and written[start - 1] == "(" else start :], None


def _ascii(typed: str) -> str:
    """Write digits of every script as 0 to 9, and leave out what cannot be seen."""
    if typed.isascii() and typed.isprintable():
        return typed
    plain = unicodedata.normalize("NFKC", typed)
    seen = (c for c in plain if c.isspace() or unicodedata.category(c) not in ("Cf", "Cc"))
    return trim("".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in seen))
