r"""How a text writes a quote within a quoted cell: doubled (RFC 4180), or after a backslash.

Spark and Glue (https://spark.apache.org/docs/latest/sql-data-sources-csv.html, options `quote` and `escape`),
Hive's OpenCSVSerde (https://docs.aws.amazon.com/athena/latest/ug/csv-serde.html) and MySQL's INTO OUTFILE
(https://dev.mysql.com/doc/refman/8.4/en/load-data.html, ESCAPED BY), all read 2026-11-29, write \" and \\ there.
In RFC 4180 a backslash is a letter like any other, and "C:\" is a whole cell. Nothing declares which it is.

A text without a backslash before a quote reads the same both ways. Where one occurs, the two readings are
compared: a closing quote ends its cell, so the wrong one breaks off, or its rows have another number of cells than
the header. Whichever reads the file's first part with fewer such faults is taken for the whole file; where the
first part does not tell, each record decides for itself. Either way the answer follows from the file's first part
and the record's own bytes alone, so every reader of any part of the file comes to the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from activation.drops.limits import MIB

QUOTE, LF, CR, BACKSLASH = 0x22, 0x0A, 0x0D, 0x5C
# A backslash before a quote, without which there is nothing to decide.
ESCAPED_QUOTE = b'\\"'
_PAIR = re.compile(rb'\\["\\]')


class Escape(StrEnum):
    """What a backslash before a quote means within a quoted cell."""

    DOUBLED = "doubled"  # nothing: quotes are doubled
    BACKSLASH = "backslash"  # the quote is part of the cell
    OPEN = "open"  # each record tells


@dataclass(frozen=True)
class Quotes:
    """What it takes to tell quotes that end a cell from those that do not.

    `columns` is the header's number of cells and `record_bytes` the cap on a record; `Escape.OPEN` needs both.
    `wide` matches runs of characters of several bytes in an encoding where one of these may look like ASCII
    (the second byte of 表 in Shift-JIS is a backslash); None where none can.
    """

    escape: Escape = Escape.DOUBLED
    columns: int = 0
    record_bytes: int = MIB
    wide: re.Pattern[bytes] | None = None

    def plain(self, block: bytes, delimiter: str) -> bytes:
        """Return the block with letters for what is part of a wide character, each byte in its place."""
        if self.wide is None or (delimiter in "\t,;\x1f" and ESCAPED_QUOTE not in block):
            return block
        return self.wide.sub(lambda run: b"x" * len(run[0]), block)


DOUBLED = Quotes()


def without_escapes(plain: bytes) -> bytes:
    r"""Return a text with letters for \\ and \", each byte in its place: what is left reads as RFC 4180 does."""
    return plain.replace(b"\\\\", b"xx").replace(ESCAPED_QUOTE, b"xx")


def doubled(block: bytes, plain: bytes, delimiter: str, spans: Iterable[tuple[int, int]]) -> bytes:
    r"""Rewrite the records in `spans` from \" to "" and from \\ to \, within quoted cells only."""
    border = re.escape(delimiter.encode()) + rb"\r\n"
    # The quote comes first, so that the search is for one byte.
    quoted = re.compile(rb'"(?<=[' + border + rb']")[^"\\]*+(?:(?:\\.|"")[^"\\]*+)*+"', re.DOTALL)
    behind_line_end = b"\n" + plain  # a quote at the beginning is like one after a line end
    pieces, at = [], 0
    for begin, end in spans:
        for cell in quoted.finditer(behind_line_end, begin + 1, end + 1):
            if b"\\" not in cell[0]:
                continue
            for pair in _PAIR.finditer(behind_line_end, *cell.span()):
                pieces += [block[at : pair.start() - 1], b'""' if pair[0] == ESCAPED_QUOTE else b"\\"]
                at = pair.end() - 1
    return b"".join([*pieces, block[at:]])
