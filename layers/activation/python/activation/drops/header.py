"""The header line: delimiter, columns' names, and whether it is a header at all."""

from __future__ import annotations

import csv
import re

from activation.drops.codes import refused

DELIMITERS = ",;\t|"
SPOKEN = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}

# What can only be a value: an address, a hash in hex, a UUID, a long number as phones are written. A header
# must not hold one, since its names are shown in receipts.
_VALUE = re.compile(
    r"""\s*(?:
        [^@\s]+@[^@\s]+\.[^@\s]+
      | [0-9a-f]{32} | [0-9a-f]{40} | [0-9a-f]{64} | [A-Za-z0-9+/]{43}=
      | [0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}
      | \+?[\d\s().-]*(?:\d[\s().-]*){7,}
    )\s*""",
    re.VERBOSE | re.IGNORECASE,
)
# No column is called by more; what looks for values in a cell takes time that grows with the square of its length.
_MAX_NAME_CHARACTERS = 256
_QUOTED_CELL = re.compile(rb'(?:(?<=[,;\t|\r\n])|\A)"[^"]*+(?:""[^"]*+)*+"')
_LINE_END = re.compile(rb"[\r\n]")
# The words a single-column list's header is made of, beside those of its own identifier type.
_LIST_HEADERS = """
    email emails e mail mails address phone phones mobile cell telephone number numbers msisdn hash hashed
    sha256 sha 256 sha1 md5 id ids identifier identifiers external extern device advertising ad maid maids
    madid idfa gaid aaid user customer member value values raw plain
"""
_LIST_WORDS = frozenset(_LIST_HEADERS.split())


def looks_like_value(cell: str) -> bool:
    """Return whether a cell can only be somebody's data, not a column's name; one too long for a name is data."""
    return len(cell) > _MAX_NAME_CHARACTERS or _VALUE.fullmatch(cell) is not None


def detect_delimiter(head: bytes) -> str:
    """Return the delimiter that occurs most often in the first line outside quotes; a comma when none does."""
    bare = _QUOTED_CELL.sub(b"", head.lstrip(b"\r\n"))
    line = _LINE_END.split(bare, maxsplit=1)[0]
    return max(DELIMITERS, key=lambda delimiter: line.count(delimiter.encode()))


def column_names(line: str, delimiter: str, columns_cap: int) -> tuple[str, ...]:
    """Take the header line apart, cells without the white space around them; raises Rejected when unusable.

    Several columns may have no name (spreadsheets leave such at the end), or the same name.
    """
    try:
        cells = next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error:
        raise refused("header_unusable", why="its quotes are not balanced") from None
    return checked_names([cell.strip() for cell in cells], delimiter, columns_cap)


def checked_names(cells: list[str], delimiter: str, columns_cap: int) -> tuple[str, ...]:
    """Return the names, or raise Rejected with header_missing or header_unusable."""
    if len(cells) > columns_cap:
        raise refused("header_unusable", why=f"it has more than {columns_cap} columns")
    for index, cell in enumerate(cells, 1):
        if looks_like_value(cell):
            raise refused("header_missing", column=index)
    if not any(any(letter.isalpha() for letter in cell) for cell in cells):
        raise refused("header_unusable", why="it has no letter in it")
    if len(cells) == 1:
        seen = next((one for one in DELIMITERS if one != delimiter and one in cells[0]), None)
        if seen is not None:
            raise refused(
                "header_unusable",
                why=f"read with the delimiter declared it is one column, but it holds a {SPOKEN[seen]}",
            )
    return tuple(cells)


def is_list_header(line: str, single: str) -> bool:
    """Return whether a single-column list's first line names the column.

    It does when every word of it is one that identifier types are called by ("Email Address", "hashed_email",
    "SHA256", the type's own name) and it is no value. Raises Rejected when it names several columns.
    """
    cells = [cell.strip().strip('"') for cell in re.split(f"[{re.escape(DELIMITERS)}]", line)]
    named = [_is_name(cell, single) for cell in cells if cell]
    if len(named) > 1 and all(named):
        raise refused("header_unusable", why="a single-column list is expected, and it names several columns")
    return len(named) == 1 and named[0]


def _is_name(cell: str, single: str) -> bool:
    words = [word for word in re.split(r"[^a-z0-9]+", cell.casefold()) if word]
    own = frozenset(re.split(r"[^a-z0-9]+", single.casefold()))
    return bool(words) and not looks_like_value(cell) and all(word in _LIST_WORDS | own for word in words)
