"""What looks wrong with an export's rows once they are counted, and what to do; refused if it is much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from activation.drops.sample import Sample
from activation.errors import Rejected
from activation.identifiers.codes import Code
from activation.model import RunWarning
from activation.platforms.discovery import fields_of
from activation.platforms.platform import Minimum, Platform
from activation.report.warnings import REJECTED_SHARE, Counts, Judged, warnings

from glue_scripts.normalize.cells import NOT_A_NUMBER
from glue_scripts.normalize.plan import Plan

CELLS_UNREAD = "cells_unread"
OTHER_LETTERS_SHARE = 0.01


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


def of_drop(
    plan: Plan,
    sample: Sample,
    sums: Mapping[str, Any],
    counts: Mapping[tuple[str, str], int],
    left_out: Mapping[str, Mapping[str, int]],
) -> list[RunWarning]:
    """Return what `plan` would warn of if it read the export: of hashed parts it cannot see it any more.

    `sums` are those of the rows, or of the groups that they became; `left_out` are cells by field and code.
    """
    platform = fields_of(plan.mapping.target.platform)
    fields = {one.key for one in plan.table.fields}
    found = Counts(
        rows=sums["made"] if plan.mapping.is_grouped else sums["read"],
        whole=True,
        sent=sums["written"],
        rejected=sums["rejected"],
        left_out={field: codes for field, codes in left_out.items() if field in fields},
        identifiers={field: count for (name, field), count in counts.items() if name == "filled"},
    )
    minimum = platform.minimum if isinstance(platform, Platform) else Minimum(0, "")
    judged = Judged(plan.table, minimum, plan.mapping.target.action, sample, found)
    return [*_of_encoding(plan, found), *warnings(judged)]


def _of_encoding(plan: Plan, found: Counts) -> Iterator[RunWarning]:
    """Yield a warning where a declared encoding gives letters that names are not written in."""
    encoding = plan.mapping.input.encoding
    cells = sum(codes.get(Code.NOT_LATIN, 0) for codes in found.left_out.values())
    if encoding and cells >= OTHER_LETTERS_SHARE * found.rows and cells:
        yield RunWarning(
            "encoding_doubtful",
            f"{cells:,} cells have letters that are not Latin as input.encoding {encoding} reads them; if the"
            " export's names are in Latin letters, it is in another encoding: correct input.encoding, or leave it"
            " out and export as UTF-8",
        )


def _cure(code: str) -> str:
    written = (
        'for amounts such as 1234,50 set "decimal": "," in the mapping\'s input, or "either" where some files '
        "have a point"
        if code == NOT_A_NUMBER
        else 'set "date_order" or "time_zone" in the mapping'
    )
    return f"{written}; list words that mean no value in input.null; correct other cells in the export"
