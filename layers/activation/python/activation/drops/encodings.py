"""The encodings an export can be declared to have, and what their characters of several bytes look like.

All have ASCII's delimiters, quotes and line ends as single bytes that are part of no other character, so records
are found before anything is decoded. In some the second byte of a character may be a letter, a backslash or a bar.
"""

from __future__ import annotations

import re

# By the names people know them by. What says Latin-1, Shift-JIS, GB2312 or ISO-8859-9 is the Windows code page in
# practice (https://encoding.spec.whatwg.org/#names-and-labels, read 2026-11-29).
_NAMES = {
    "utf-8": "utf-8 utf8",
    "cp1252": "latin-1 latin1 iso-8859-1 windows-1252 cp1252",
    "iso8859-15": "iso-8859-15 latin-9",
    "cp1250": "windows-1250 cp1250",
    "iso8859-2": "iso-8859-2 latin-2",
    "cp1251": "windows-1251 cp1251",
    "koi8-r": "koi8-r",
    "koi8-u": "koi8-u",
    "iso8859-5": "iso-8859-5",
    "cp866": "ibm866 cp866",
    "cp1253": "windows-1253 cp1253",
    "iso8859-7": "iso-8859-7",
    "cp1254": "windows-1254 cp1254 iso-8859-9 latin-5",
    "cp1255": "windows-1255 cp1255",
    "cp1256": "windows-1256 cp1256",
    "cp1257": "windows-1257 cp1257",
    "iso8859-13": "iso-8859-13",
    "cp1258": "windows-1258 cp1258",
    "cp874": "windows-874 cp874 tis-620",
    "cp850": "ibm850 cp850",
    "mac-roman": "mac-roman macintosh macroman",
    "mac-latin2": "mac-latin2 mac-centeuro",
    "mac-cyrillic": "mac-cyrillic x-mac-cyrillic",
    "mac-greek": "mac-greek",
    "mac-turkish": "mac-turkish",
    "cp932": "shift-jis shiftjis sjis windows-31j ms932 cp932",
    "euc_jp": "euc-jp eucjp",
    "gb18030": "gb18030 gbk gb2312 cp936 windows-936",
    "big5hkscs": "big5 big5-hkscs",
    "cp950": "cp950 windows-950",
    "cp949": "euc-kr euckr cp949 uhc ks-c-5601-1987 windows-949",
}
_CODECS = {name: codec for codec, names in _NAMES.items() for name in names.split()}

# Characters of two bytes or four whose second may be ASCII's, by lead and trail bytes: Shift_JIS, gb18030 and Big5
# in https://encoding.spec.whatwg.org, read 2026-11-29; a test holds them against Python's codecs.
_WIDE = {
    "cp932": rb"[\x81-\x9f\xe0-\xfc][\x40-\x7e\x80-\xfc]",
    "gb18030": rb"[\x81-\xfe](?:[\x40-\x7e\x80-\xfe]|[0-9][\x81-\xfe][0-9])",
    "big5hkscs": rb"[\x81-\xfe][\x40-\x7e\xa1-\xfe]",
    "cp950": rb"[\x81-\xfe][\x40-\x7e\xa1-\xfe]",
}


def declarable() -> list[str]:
    """Return every name an encoding can be declared by."""
    return list(_CODECS)


def codec_of(name: str) -> str:
    """Return Python's name of a declared encoding, case and underscores aside; "" for one that is not known."""
    return _CODECS.get(name.strip().lower().replace("_", "-"), "")


def wide(codec: str) -> re.Pattern[bytes] | None:
    """Return what matches characters of several bytes of which one may look like ASCII; None where none can."""
    pattern = _WIDE.get(codec)
    return re.compile(rb"(?:" + pattern + rb")+") if pattern else None


def fits(line: bytes, codec: str) -> bool:
    """Return whether a line is valid in a codec."""
    try:
        line.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


# Letters that follow on each other are never valid UTF-8 in most single-byte encodings. In these they may be by
# chance, so it takes some lines to tell.
_LIKE_UTF8 = frozenset(("cp866", "cp874", "cp932", "euc_jp", "gb18030", "big5hkscs", "cp950", "cp949"))
_LINES_TO_TELL = 5


def surely_utf8(lines: list[bytes], codec: str) -> bool:
    """Return whether lines with special characters are UTF-8 although another codec is declared."""
    enough = _LINES_TO_TELL if codec in _LIKE_UTF8 else 1
    return codec != "utf-8" and len(lines) >= enough and all(fits(line, "utf-8") for line in lines)
