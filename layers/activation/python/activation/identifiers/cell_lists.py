"""Cells that hold several values of one person: a@b.example ::: c@d.example, as address books export them."""

from __future__ import annotations

import re
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.identify import Column, identify_value
from activation.identifiers.row_country import countries_for
from activation.identifiers.table import Context, Field

_SEPARATORS = r"\s*:::\s*|\s*[;,|\n]\s*"
_BETWEEN = re.compile(_SEPARATORS)


def with_lists(
    one: Field, values: pa.Array, found: Column, context: Context, countries: pa.Array | None = None
) -> tuple[Column, tuple[pa.Array, ...]]:
    """Return what is sent for a column of plain values, and the further values of cells that hold several.

    Only a cell that is no value as it stands is taken apart, and only where each part is a value; all others keep
    their code. `found` is what `identify` made of the column, `countries` say each row's country as there.
    """
    if not one.further or found.code.null_count == len(found.code):
        return found, ()
    listed = pc.and_(pc.is_valid(found.code), pc.match_substring_regex(values, _SEPARATORS))
    listed = pc.fill_null(listed, fill_value=False)
    if not pc.any(listed, min_count=0).as_py():
        return found, ()
    texts = values.filter(listed).cast(pa.string()).to_pylist()
    by_row = countries_for(one, countries, context)
    places = by_row.filter(listed).to_pylist() if isinstance(by_row, pa.Array) else [by_row.as_py()] * len(texts)
    rows = [
        _parts(one, text, replace(context, default_country=place))
        for text, place in zip(texts, places, strict=True)
    ]
    code = found.code.filter(listed).cast(pa.string())
    code = pc.if_else(pa.array([bool(row) for row in rows]), pa.scalar(None, pa.string()), code)
    first, *more = ([row[place] if place < len(row) else None for row in rows] for place in range(1 + one.further))
    sent = pc.replace_with_mask(found.sent, listed, pa.array(first, pa.string()))
    blank = pa.nulls(len(values), pa.string())
    further = tuple(pc.replace_with_mask(blank, listed, pa.array(each, pa.string())) for each in more if any(each))
    return Column(sent, pc.replace_with_mask(found.code, listed, code)), further


def _parts(one: Field, text: str, context: Context) -> list[str]:
    """Return what is sent for each value of a cell, each once; nothing where a part of it is none."""
    cells = [identify_value(one, part, context, hashed=False) for part in _BETWEEN.split(text) if part.strip()]
    sent = [cell.sent for cell in cells if cell.sent is not None]
    return list(dict.fromkeys(sent)) if len(sent) == len(cells) else []
