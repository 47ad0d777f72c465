"""Telephone numbers in a column without the spaces, dots, hyphens and brackets between their digits."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.widths import bytes_of, shapes, with_bytes

# Numbers as people put them, in shapes: each 0 stands for any digit. Odd are what may be a zero in brackets or a
# float.
_AS_PEOPLE_PUT = re.compile(r"\+?\(?0(?:[ ().-]{0,2}0){6,14}")
_ODD = re.compile(r"\( *0 *\)|\A\+?0+\.0+\Z")
_MARKS = b" -()."
_NO_MARKS = str.maketrans("", "", _MARKS.decode())
_SHAPE = bytes.maketrans(b"123456789", b"0" * 9)


def undressed(typed: pa.Array) -> pa.Array:
    """Take spaces, hyphens, brackets and dots off numbers; null where they do not stand as people put them.

    Judged by shape: with 0 for every digit, a column has a few dozen different numbers.
    """
    shaped = shapes(typed, _SHAPE)
    known = shaped.dictionary.to_pylist()
    fits = pa.array([bool(_AS_PEOPLE_PUT.fullmatch(one)) and not _ODD.search(one) for one in known], pa.bool_())
    kept = pc.fill_null(fits.take(shaped.indices), fill_value=False)
    lengths = pa.array([len(one.translate(_NO_MARKS)) for one in known], pa.int32()).take(shaped.indices)
    sure = typed.filter(kept)
    ends = pc.cumulative_sum(lengths.filter(kept))
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
    bare = with_bytes(sure, bytes_of(sure).translate(None, _MARKS), offsets.buffers()[1])
    return pc.replace_with_mask(pa.nulls(len(typed), pa.string()), kept, bare)
