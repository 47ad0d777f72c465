"""Telephone numbers of a column by shape: with one digit in place of every digit, there are a few dozen."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.numbering import KEEPS_ZERO
from activation.identifiers.text import BLANK_WORDS
from activation.identifiers.typed_phones import typed_number
from activation.identifiers.widths import bytes_of, shapes, with_bytes

# Each 1 of a shape stands for any digit: a zero would look like the end of a float.
_DIGITS = b"0123456789"
_SHAPE = bytes.maketrans(_DIGITS, b"1" * 10)
_NOT_DIALLED = bytes(set(range(256)) - set(_DIGITS + b"+"))
_LONGEST = 31  # a longer cell may be a digest
_SHORT = 9  # digits; some platforms take numbers from 8
_WORDS = frozenset(word.translate(str.maketrans("023456789", "1" * 9)) for word in BLANK_WORDS)
# Cells whose digits decide, and cells with a spreadsheet's artefacts: a float, an HTML entity, ="...".
_UNSURE = re.compile(r"[&'=\"]|\A[+-]?1+[.,]1+\Z")
_IN_BRACKETS = re.compile(r"\( *1 *\)")
_OPTIONAL_ZERO = r"\( *0 *\)"


@dataclass(frozen=True)
class _Shape:
    """What all cells of one shape are: a number of so many characters, a code, or neither where not sure.

    `optional` says that the number has its plus and a digit in brackets, which counts as none where it is a zero.
    """

    length: int = 0
    code: str | None = None
    optional: bool = False


def undressed(typed: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Return the numbers of typed cells, digits with their plus if they have one, and the codes of cells without.

    Both are null where not sure. A cell is given a code for its shape alone, whatever its digits are.
    """
    shaped = shapes(typed, _SHAPE)
    known = [_read(one) for one in shaped.dictionary.to_pylist()]
    code = pa.array([one.code for one in known], pa.string()).take(shaped.indices)
    lengths = pa.array([one.length or None for one in known], pa.int32()).take(shaped.indices)
    kept = lengths.is_valid()
    sure = typed.filter(kept)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths.drop_null())])
    number = with_bytes(sure, bytes_of(sure).translate(None, _NOT_DIALLED), offsets.buffers()[1])
    if any(one.optional for one in known):
        optional = pa.array([one.optional for one in known], pa.bool_()).take(shaped.indices).filter(kept)
        number = pc.replace_with_mask(number, optional, _without_zero(sure.filter(optional)))
    return pc.replace_with_mask(pa.nulls(len(typed), pa.string()), kept, number), code


@lru_cache(maxsize=65_536)
def _read(shape: str) -> _Shape:
    """Read a shape as if it were a cell."""
    if not 0 < len(shape) <= _LONGEST or not (shape.isascii() and shape.isprintable()):
        return _Shape()
    if _UNSURE.search(shape) or shape.casefold() in _WORDS:
        return _Shape()
    number, code = typed_number(shape)
    if number is None:
        return _Shape(code=code)
    plus, optional = number.startswith("+"), bool(_IN_BRACKETS.search(shape))
    # Without its plus a number may begin with 00, so that a zero in brackets is none of its digits either.
    if shape.count("+") != plus or (optional and not plus):
        return _Shape()
    return _Shape(plus + shape.count("1"), optional=optional)


def _without_zero(typed: pa.Array) -> pa.Array:
    """Return numbers with a plus without their zero in brackets; null where it may be part of the number."""
    without = pc.replace_substring_regex(pc.replace_substring_regex(typed, _OPTIONAL_ZERO, ""), "[^0-9]", "")
    number = pc.binary_join_element_wise("+", without, "")
    # With its zero, a shorter number may be long enough to be one.
    keeps = pc.or_(
        pc.less(pc.binary_length(without), _SHORT),
        pc.match_substring_regex(pc.ascii_ltrim(without, "0"), KEEPS_ZERO),
    )
    return pc.if_else(keeps, pa.scalar(None, pa.string()), number)
