"""What looks wrong with an export's rows once they are counted, and what to do; refused if it is much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from activation.errors import Rejected
from activation.model import RunWarning
from activation.report.warnings import REJECTED_SHARE

from glue_scripts.normalize.cells import NOT_A_NUMBER

CELLS_UNREAD = "cells_unread"


def of_unread(counts: Mapping[tuple[str, str], int]) -> Iterator[RunWarning]:
    """Yield a warning for each column of which cells that are summed or compared could not be read.

    Raises Rejected (cells_unread) where these are a large share of all rows: then the export is most often written
    in another way than the mapping says. Only grouped rows have such counts.
    """
    rows = counts.get(("rows_read", ""), 0)
    for (name, column), cells in sorted(counts.items()):
        if not name.startswith("unread:"):
            continue
        code = name.partition(":")[2]
        sentence = f"{cells:,} of {rows:,} rows have a cell in {column} that cannot be read ({code})"
        if cells >= REJECTED_SHARE * rows:
            raise Rejected(CELLS_UNREAD, f"{sentence}; nothing was written: {_cure(code)}")
        yield RunWarning(CELLS_UNREAD, f"{sentence}, and their groups are not written: {_cure(code)}")


def _cure(code: str) -> str:
    written = (
        'for amounts such as 1234,50 set "decimal": "," in the mapping\'s input, or "either" where some files '
        "have a point"
        if code == NOT_A_NUMBER
        else 'set "date_order" or "time_zone" in the mapping'
    )
    return f"{written}; list words that mean no value in input.null; correct other cells in the export"
