"""Why cells and rows are not sent, as a table, and counted for the receipt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from activation.ledger.units import FIRST_ROWS_KEPT, LeftOut, LeftOutCells

NO_IDENTIFIER = "no_identifier"
# Why a cell or row is not sent: the source row, the field's key ("" for the row itself), the code.
FINDINGS = pa.schema([("row", pa.int64()), ("field", pa.string()), ("code", pa.string())])

Place = Callable[[int], tuple[int, int]]  # of a row: the index of its file in a folder, and its number there


def cell_findings(rows: pa.Array, codes: Mapping[str, pa.Array], of: pa.Array) -> list[pa.Table]:
    """Return the coded cells of the rows in the mask `of`."""
    tables = []
    for key, code in codes.items():
        if code.null_count == len(code):
            continue
        here = pc.and_(of, pc.is_valid(code))
        numbers = rows.filter(here)
        if len(numbers):
            names = pa.array([key] * len(numbers), pa.string())
            tables.append(pa.table([numbers, names, code.filter(here).cast(pa.string())], schema=FINDINGS))
    return tables


def row_findings(
    rows: pa.Array, codes: Mapping[str, pa.Array], of: pa.Array, causes: Sequence[str]
) -> list[pa.Table]:
    """Return why the rows in the mask `of` are not sent, then their other coded cells.

    A row without a code under one of the `causes`, the keys that can be why, has nothing that names a person.
    """
    why = {key: codes[key] for key in causes if key in codes}
    explained = pa.repeat(pa.scalar(False), len(rows))
    for code in why.values():
        explained = pc.or_(explained, pc.is_valid(code))
    numbers = rows.filter(pc.and_not(of, explained))
    others = {key: code for key, code in codes.items() if key not in why}
    return [
        *cell_findings(rows, why, of),
        *([of_rows(numbers, NO_IDENTIFIER)] if len(numbers) else []),
        *cell_findings(rows, others, of),
    ]


def of_rows(rows: pa.Array, code: str) -> pa.Table:
    """Return the findings of whole rows that have one code."""
    return pa.table([rows, [""] * len(rows), [code] * len(rows)], schema=FINDINGS)


def by_row(tables: list[pa.Table]) -> pa.Table:
    """Return findings together, in row order."""
    return pa.concat_tables(tables).sort_by("row") if tables else FINDINGS.empty_table()


def row_reasons(rejected: pa.Table) -> dict[str, int]:
    """Return the rows counted by code, each row once: by its first finding, which is a cause of it."""
    if not rejected.num_rows:
        return {}
    first = rejected.group_by("row", use_threads=False).aggregate([("code", "first")])
    return dict(Counter(first["code_first"].to_pylist()))


def count_cells(left_out: pa.Table, place: Place | None = None) -> LeftOutCells:
    """Return the cells counted by field and code, with the first rows of each, in a folder also their places."""
    found: LeftOutCells = {}
    if left_out.num_rows:
        groups = left_out.group_by(["field", "code"], use_threads=False).aggregate([("row", "list")])
        counts = pc.list_value_length(groups["row_list"]).to_pylist()
        first = pc.list_slice(groups["row_list"], 0, FIRST_ROWS_KEPT).to_pylist()
        fields, codes = groups["field"].to_pylist(), groups["code"].to_pylist()
        for field, code, count, rows in zip(fields, codes, counts, first, strict=True):
            places = tuple(map(place, rows)) if place else ()
            found.setdefault(field, {})[code] = LeftOut(count, tuple(rows), places)
    return found
