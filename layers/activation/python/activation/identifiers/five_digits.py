"""Codes of five digits: there are a hundred thousand, so a worker hashes each once, whatever the file's length."""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol, runtime_checkable

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.digest import digests
from activation.identifiers.table import Context, Digest, Field
from activation.identifiers.widths import even_hex

_WIDTH, _ALL = 5, 100_000
_DIGITS = b"0123456789"
# Of a smaller column the distinct codes are hashed sooner than all that there are.
_WORTH_ROWS = 16_384
_WORTH_SHARE = 0.8


@runtime_checkable
class KeepsFiveDigits(Protocol):
    """A rule that may leave any five digits as they are."""

    def keeps_five_digits(self, context: Context) -> bool:
        """Return whether it does, by this context."""
        ...


def five_digits(
    field: Field, values: pa.Array, context: Context, nobody: pa.Array
) -> tuple[pa.Array, pa.Array] | None:
    """Return what is sent for the cells of a string array that are five digits, null for others, and their mask.

    None where the field is none of such codes, or the column has too few of them. `nobody` are the values that are
    never sent.
    """
    rule = field.rule
    if len(values) < _WORTH_ROWS or field.digest is Digest.PLAIN or not isinstance(rule, KeepsFiveDigits):
        return None
    if not rule.keeps_five_digits(context) or _holds_nobody(nobody):
        return None
    if even_hex(values, _WIDTH, _DIGITS):
        return _digests(field.digest).take(values.cast(pa.int32())), pa.repeat(pa.scalar(True), len(values))
    five = pc.and_(pc.equal(pc.binary_length(values), _WIDTH), pc.ascii_is_decimal(values))
    five = pc.fill_null(five, fill_value=False)
    if (pc.sum(five).as_py() or 0) < _WORTH_SHARE * len(values):
        return None
    numbers = pc.if_else(five, values, pa.scalar(None, pa.string())).cast(pa.int32())
    return _digests(field.digest).take(numbers), five


@lru_cache(maxsize=4)
def _digests(kind: Digest) -> pa.Array:
    """Return the digests of all codes, in order."""
    return digests(kind, _codes())


def _codes() -> pa.Array:
    return pc.utf8_lpad(pa.arange(0, _ALL).cast(pa.string()), _WIDTH, "0")


def _holds_nobody(nobody: pa.Array) -> bool:
    """Return whether a code of five digits is among the values that are never sent."""
    return any(len(text) == _WIDTH and text.isdecimal() for text in nobody.to_pylist())
