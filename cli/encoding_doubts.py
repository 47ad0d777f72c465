"""What in a file contradicts the encoding that is declared for it, where another would decode it as well.

Every byte is a character in most encodings of one byte, so that a wrong one is no error: names become unreadable
and match nobody. The signs are control characters, and letters and symbols that no name has side by side.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow.compute as pc
from activation.drops.encodings import codec_of
from activation.model import Cursor, RunWarning

if TYPE_CHECKING:
    from cli.dry_run import Content, DryRun

ROWS_LOOKED_AT = 100_000
_ROWS_PER_NAME = 200  # a name of another language, such as Catrìona, is less frequent than this
_UTF8 = "utf-8"
# Control characters in ISO 8859, and letters or quotes in the Windows code pages. A row with U+FFFD, the sign of
# what could not be decoded, is rejected anyway.
_CONTROL = r"[\x{80}-\x{9f}]"
# Symbols that are letters in another code page: Polish and Czech read as Western, or DOS and Macintosh as Windows.
# Not the feminine and masculine ordinals, the middle dot and the acute accent, which names have, and quotes.
_SYMBOL = (
    r"[\x{a1}-\x{a7}\x{a9}\x{ac}\x{ae}-\x{b3}\x{b6}\x{b8}\x{b9}\x{bc}-\x{bf}\x{d7}\x{f7}"
    r"\x{192}\x{2020}\x{2021}\x{2030}\x{20ac}]"
)
# Czech read as Western has i with a grave accent, and o with a stroke, beside letters that no Gaelic,
# Vietnamese or Norwegian word has beside them: other grave or acute accents.
_GRAVE_I = (r"\x{ec}", r"[\x{e1}\x{e8}\x{ed}\x{f8}\x{f9}\x{fd}]")
_STROKE = (r"\x{f8}", r"[\x{e1}\x{ec}\x{ed}\x{f9}\x{fd}]")
_IMPROBABLE = "|".join(
    (
        rf"\p{{L}}{_SYMBOL}",
        rf"{_SYMBOL}\p{{Ll}}",
        *(rf"{one}\p{{L}}*{other}|{other}\p{{L}}*{one}" for one, other in (_GRAVE_I, _STROKE)),
        r"[\x{430}-\x{44f}][\x{410}-\x{42f}]{2}",  # KOI8 and windows-1251 read as each other swap the cases
    )
)
_SIGNS = (("a control character", _CONTROL), ("improbable letters", _IMPROBABLE))


@dataclass(frozen=True)
class _Sign:
    """A sign that the encoding is another: where it is first, and what it is."""

    place: str
    column: str
    what: str


def encoding_doubts(run: DryRun, source: Content) -> list[RunWarning]:
    """Return a warning where the first rows of a file contradict its declared encoding; none without one.

    One control character does; of improbable letters it takes a cell in 200 rows, since real names have some.
    Names the row and the column of the first sign, and never the value. Raises what opening the drop raises.
    """
    codec = codec_of(run.encoding)
    reader = run.open(source)
    if codec in ("", _UTF8) or not re.match(r"csv|tsv|list", reader.format):
        return []
    used = {index for index, _ in run.mapped(reader).columns}
    signs: dict[str, list[_Sign]] = {}
    counts, rows_read = Counter[str](), 0
    for chunk in reader.chunks(Cursor()):
        for index, column in enumerate(chunk.columns.columns):
            for what, pattern in _SIGNS if index in used else _SIGNS[:1]:
                found = pc.fill_null(pc.match_substring_regex(column, pattern), fill_value=False)
                rows = chunk.rows.filter(found)
                counts[what] += len(rows)
                if len(rows):
                    place = chunk.spoken(rows[0].as_py())
                    signs.setdefault(what, []).append(_Sign(place, reader.header[index], what))
        rows_read += chunk.row_count
        if chunk.first_row + chunk.row_count > ROWS_LOOKED_AT:
            break
    (control, _), (improbable, _) = _SIGNS
    if not counts[control] and (not signs or counts[improbable] * _ROWS_PER_NAME < rows_read):
        return []
    count, (first, *_) = counts.total(), signs.get(control) or signs[improbable]
    more = f", and {count - 1:,} more cells" if count > 1 else ""
    return [
        RunWarning(
            "encoding_doubtful",
            f'the file is probably not {run.encoding}: {first.place}, column "{first.column}" has {first.what}'
            f"{more}; misread names match nobody. Try another one with `activation plan --encoding`, and --rows 3"
            " to see them",
        )
    ]
