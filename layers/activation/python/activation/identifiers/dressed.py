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
from activation.identifiers.widths import bytes_of, from_start, shapes, with_bytes

# Each 1 of a shape stands for any digit: a zero would look like the end of a float.
_DIGITS = b"0123456789"
_SHAPE = bytes.maketrans(_DIGITS, b"1" * 10)
_NOT_DIGITS = bytes(set(range(256)) - set(_DIGITS))
_WHITE = " \t\n\v\f\r"
_LONGEST = 31  # a longer cell may be a digest
_SHORT = 9  # digits; some platforms take numbers from 8
_WORDS = frozenset(word.translate(str.maketrans("023456789", "1" * 9)) for word in BLANK_WORDS)
# Cells whose digits decide, and cells with a spreadsheet's artefacts: a float, an HTML entity, ="...".
_UNSURE = re.compile(r"[&'=\"]|\A[+-]?1+[.,]1+\Z")
_IN_BRACKETS = re.compile(r"\( *1 *\)")
_OPTIONAL_ZERO = r"\( *0 *\)"


@dataclass(frozen=True)
class _Shape:
    """What all cells of one shape are: a number of so many digits, a code, or neither where not sure.

    `plus` says that a plus stands before the number, `optional` that it has a digit in brackets besides, which
    counts as none where it is a zero.
    """

    digits: int = 0
    plus: bool = False
    code: str | None = None
    optional: bool = False


@dataclass(frozen=True)
class Typed:
    """A column of telephone numbers as typed: arrays of its length.

    `digits` are those of each number and `plus` masks those with a plus, `code` says why a cell is none. Digits
    and code are null where not sure.
    """

    digits: pa.Array
    plus: pa.Array
    code: pa.Array


def typed_numbers(values: pa.Array) -> Typed:
    """Return the numbers of cells as typed; a cell is given a code for its shape alone, whatever its digits."""
    values = from_start(values)
    shaped = shapes(values, _SHAPE)
    texts = shaped.dictionary.to_pylist()
    known = [_read(one.strip(_WHITE)) for one in texts]

    def by_cell(found: list[object], kind: pa.DataType) -> pa.Array:
        return pa.array(found, kind).take(shaped.indices)

    code = by_cell([one.code for one in known], pa.string())
    counts = by_cell([one.digits or None for one in known], pa.int32())
    plus = by_cell([one.plus for one in known], pa.bool_())
    if values.null_count:
        plus = pc.fill_null(plus, fill_value=False)
    # Digits of cells that are not sure would stand among the others'.
    alone = not values.null_count and all(
        one.digits or "1" not in text for one, text in zip(known, texts, strict=True)
    )
    sure = values if alone else values.filter(counts.is_valid())
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(pc.fill_null(counts, 0))])
    data = bytes_of(sure).translate(None, _NOT_DIGITS)
    digits = with_bytes(counts, data, offsets.buffers()[1])
    if any(one.optional for one in known):
        optional = by_cell([one.optional for one in known], pa.bool_())
        optional = pc.fill_null(optional, fill_value=False)
        digits = pc.replace_with_mask(digits, optional, _without_zero(values.filter(optional)))
    return Typed(digits, plus, code)


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
    return _Shape(shape.count("1"), plus=plus, optional=optional)


def _without_zero(typed: pa.Array) -> pa.Array:
    """Return the digits of numbers without their zero in brackets; null where it may be part of the number."""
    without = pc.replace_substring_regex(pc.replace_substring_regex(typed, _OPTIONAL_ZERO, ""), "[^0-9]", "")
    # With its zero, a shorter number may be long enough to be one.
    keeps = pc.or_(
        pc.less(pc.binary_length(without), _SHORT),
        pc.match_substring_regex(pc.ascii_ltrim(without, "0"), KEEPS_ZERO),
    )
    return pc.if_else(keeps, pa.scalar(None, pa.string()), without)
