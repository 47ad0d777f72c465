"""Columns to the JSON of an upload, without a Python object per cell.

https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/custom-audience/users
(read 2026-09-12)
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
from activation.audience_options import LimitedDataUse
from activation.identifiers.table import Digest, Field
from activation.identifiers.widths import texts_of

from lambdas.meta.fields import TABLE
from lambdas.meta_graph.json_texts import escaped

# Columns that say in each row how its data may be used, and the same in every row of a request:
# https://developers.facebook.com/documentation/ads-commerce/marketing-api/overview/data-processing-options
# (read 2026-09-12)
OPTIONS, COUNTRY, STATE = (f"DATA_PROCESSING_OPTIONS{end}" for end in ("", "_COUNTRY", "_STATE"))


def payload(
    columns: pa.Table | pa.RecordBatch, *, keep_blank: bool = False, limited: LimitedDataUse | None = None
) -> Sequence[bytes | memoryview]:
    """Return the `payload` object in parts: a list schema and one array of texts per row, "" for a null cell.

    The parts are sent as they are: each copy of a body takes as much memory as its hashes. A column without any
    value is left out, its schema key included: it adds nothing, and Meta refuses a blank EXTERN_ID. With
    `keep_blank` it stays, since all requests of a replace need the same schema. `limited` limits the use of the
    data of every row.
    """
    names = columns.schema.names
    kept = [name for name in names if keep_blank or columns.column(name).null_count < len(columns)]
    said, cells = _limits(limited) if limited else ([], "")
    schema = json.dumps([*kept, *said], separators=(",", ":"))
    head = b'{"schema":' + schema.encode() + b',"is_raw":true,"data":['
    if not kept or not len(columns):
        return head, b"]}"
    between = f'"{cells}],["'
    batches = columns.to_batches() if isinstance(columns, pa.Table) else [columns]
    rows = [
        _rows([_cells(TABLE.field(name), one.column(name)) for name in kept], between=between)
        for one in batches
        if len(one)
    ]
    rows[-1] = rows[-1][: -len(between)]
    return head, b'["', *rows, f'"{cells}]]}}'.encode()


def _limits(limited: LimitedDataUse) -> tuple[list[str], str]:
    """Return the keys that limit the use of a row's data, and their cells as the end of its JSON."""
    if limited == LimitedDataUse():
        return [OPTIONS], ',["LDU"]'
    return [OPTIONS, COUNTRY, STATE], f',["LDU"],{limited.country},{limited.state}'


def _cells(field: Field, column: pa.Array) -> pa.Array:
    """Return a column as texts that can be put between quotation marks, as digests can."""
    texts = pc.fill_null(column.cast(pa.string()), "")
    return escaped(texts) if field.digest is Digest.PLAIN else texts


def _rows(cells: list[pa.Array], *, between: str) -> memoryview:
    """Join cells to rows, and rows to one text with `between` after each of them.

    Each row is joined together with the separator that follows it. The rows then lie in one buffer, in the form in
    which they are sent, and need no further copy.
    """
    last = pc.binary_join_element_wise(cells[-1], between, "")
    return texts_of(pc.binary_join_element_wise(*cells[:-1], last, '","'))
