"""What every rule needs to know about text: its ends, its blanks, its letters."""

from __future__ import annotations

import html
import re
import unicodedata

# Copied cells carry marks nobody sees: byte order mark, zero-width characters, writing-direction marks, NUL.
_INVISIBLE = "\0\ufeff\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064" + "".join(
    chr(c) for c in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
)
# What str.isspace() knows of the whole of Unicode; to look for it takes a tenth of a second.
_WHITE = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\u00a0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_ENDS = _WHITE + _INVISIBLE

# Longest cell looked at, in UTF-8 bytes. An e-mail address has at most 254 (RFC 5321 with erratum 1690), a
# street address or a name in any script fits four times over; a longer cell is a broken quote or a payload.
MAX_CELL_BYTES = 1024

# How programs spell "no value": pandas, R, SQL, JavaScript, spreadsheets. "na" is not one: it is Namibia and a
# family name. Compared with the trimmed, case-folded cell.
BLANK_WORDS = frozenset(
    (
        *(
            "none",
            "nan",
            "null",
            "undefined",
            "unknown",
            "n/a",
            "n.a.",
            "n/d",
            "<na>",
            "<nan>",
            "<null>",
            "<none>",
        ),
        *("(null)", "(none)", "(blank)", "[null]", "\\n"),
        *("#n/a", "#null!", "#ref!", "#value!", "#name?", "#div/0!", "#num!", "#error!"),
        *("-", "--", "---", ".", "..", "...", "?", "??", "???", "_", "/", "*", "#"),
    )
)

# What is never hashed: its digest matches nobody and marks every row that holds it as the same person.
POISON_TEXTS = frozenset(("", "none", "nan", "null", "undefined", "0"))

# Ready for a connector's settings; applied only when configured, so that a real address is never taken away.
DEFAULT_PLACEHOLDERS = frozenset(("test@test.com", "test@example.com", "noreply@example.com", "no@email.com"))

# Letters that do not decompose into a base letter and a mark (Unicode NFKD leaves them whole).
ROMAN = {
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "ø": "o",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "ł": "l",
    "ħ": "h",
    "ŧ": "t",
} | {"ŋ": "n", "ĸ": "k", "ə": "e", "\N{LATIN SMALL LETTER DOTLESS I}": "i"}
_ROMAN = str.maketrans(ROMAN)


# What a web form or a page leaves in a cell: &amp; &#039; &eacute; and the like, closed as they are meant to be.
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});", re.ASCII)
# How a spreadsheet is told that digits are text: ="02134".
_AS_TEXT = re.compile(r'="((?:[^"]|"")*)"')
# Whole numbers of a column with gaps, as float columns are written; up to 15 digits, a double holds them exactly.
_WHOLE_FLOAT = re.compile(r"([+-]?[0-9]{1,15})[.,]0+", re.ASCII)


# A letter in UTF-8 that was read as Windows-1252: Ã and what no name has behind it. A closing quote or a dash may
# well be meant, so that the other letters stay as they are.
_TWICE = re.compile("\u00c3[\u00a1-\u00aa\u00ac\u00ae-\u00b6\u00b8-\u00ba\u00bc-\u00bf\u0153\u0178\u201e\u2030]")


def trim(text: str) -> str:
    """Take white space and invisible marks off both ends."""
    return text.strip(_ENDS)


def written(text: str) -> str:
    """Return what a cell says: trimmed, HTML entities as their letters, out of a spreadsheet's ="...".

    UTF-8 that was read as Windows-1252 becomes what it was, where that is certain.
    """
    bare, before = text.strip(_ENDS), None
    while bare != before:
        before = bare
        if quoted := _AS_TEXT.fullmatch(bare):
            bare = quoted[1].replace('""', '"')
        elif "&" in bare:
            bare = _ENTITY.sub(_letter, bare)
        bare = trim(_read_again(bare))
    return bare


def _read_again(text: str) -> str:
    """Read MÃ¼ller as Müller; a text that has any other letter that is not ASCII stays as it is."""
    if "\u00c3" not in text or not _TWICE.sub("", text).isascii():
        return text
    return _TWICE.sub(lambda pair: pair[0].encode("cp1252").decode(), text)


def _letter(entity: re.Match[str]) -> str:
    plain = html.unescape(entity[0])
    return entity[0] if "\ufffd" in plain else plain


def unmarked(text: str) -> str:
    """Return what a cell says without the apostrophe by which a spreadsheet marks text.

    For numbers, dates and ids; a name may begin with one ('t Hooft).
    """
    return marks_off(written(text))


def marks_off(text: str) -> str:
    """Return a cell without a spreadsheet's marks for text, trimmed where there are any."""
    bare, before = text, None
    while bare != before:
        before = bare
        trimmed = trim(bare)
        if quoted := _AS_TEXT.fullmatch(trimmed):
            bare = trim(quoted[1].replace('""', '"'))
        elif trimmed.startswith("'") and not trimmed.endswith("'", 1):
            bare = trim(trimmed[1:])
    return bare


def whole_number(bare: str) -> str:
    """Return a whole number without the .0 of a float column; anything else as it is."""
    found = _WHOLE_FLOAT.fullmatch(bare)
    return found[1] if found else bare


def too_long(text: str, most: int = MAX_CELL_BYTES) -> bool:
    """Return whether a cell exceeds `most` bytes; a lone surrogate counts as three."""
    if len(text) * 4 <= most:
        return False
    return len(text) > most or len(text.encode("utf-8", "surrogatepass")) > most


def damaged(text: str) -> bool:
    """Return whether a letter was lost in a conversion before: U+FFFD, or its UTF-8 read as Latin-1 once more.

    No kernel takes such a cell: kernels take ASCII, and in names the letters of Latin-1 as well.
    """
    return not text.isascii() and ("\ufffd" in text or "\u00ef\u00bf\u00bd" in text)


def composed(text: str) -> str:
    """Lower case in Unicode normal form C, the same bytes for the same letters."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())


def letters_and_digits(text: str) -> str:
    """Keep letters, their marks and digits of every script."""
    return "".join(c for c in text if unicodedata.category(c)[0] in "LMN")


def romanized(text: str) -> str:
    """Lower case with Latin letters reduced to a to z: São Paulo becomes sao paulo, Łódź lodz; others stay."""
    if text.isascii():
        return text.lower()
    lowered = unicodedata.normalize("NFKD", text).lower().translate(_ROMAN)
    return "".join(c for c in unicodedata.normalize("NFKD", lowered) if not unicodedata.combining(c))


def foreign(text: str) -> bool:
    """Return whether a letter or mark is left that is not plain ASCII."""
    return not text.isascii() and any(not c.isascii() and unicodedata.category(c)[0] in "LM" for c in text)


FLOAT = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]*)?[eE][+-]?[0-9]+|[+-]?[0-9]+[.,]0+", re.ASCII)


def is_float(text: str) -> bool:
    """Return whether a number looks written by a float: 4.15555E+10, 14155552671.0."""
    return FLOAT.fullmatch(text) is not None
