"""Columns of texts as they stand between the quotation marks of JSON, without a Python object per cell."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.compute as pc
from activation.identifiers.widths import texts_of
from stringzilla import find_first_of

# Characters that must be escaped in a JSON string; non-ASCII text may stay, in UTF-8.
ESCAPED = bytes((0x22, 0x5C, *range(0x20)))
ESCAPED_PATTERN = r'["\\\x00-\x1f]'


def escaped(texts: pa.Array) -> pa.Array:
    """Return texts with the characters escaped that JSON wants escaped; a null cell stays one."""
    if find_first_of(texts_of(texts), ESCAPED) < 0:  # once over the whole column, at memory speed
        return texts
    special = pc.fill_null(pc.match_substring_regex(texts, ESCAPED_PATTERN), fill_value=False)
    found = [json.dumps(text, ensure_ascii=False)[1:-1] for text in texts.filter(special).to_pylist()]
    return pc.replace_with_mask(texts, special, pa.array(found, pa.string()))
