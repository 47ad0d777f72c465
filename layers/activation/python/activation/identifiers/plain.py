"""Values that travel as they are: the customer's own ids, and amounts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import ip_address

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.codes import Code
from activation.identifiers.rules import PerValue, Result
from activation.identifiers.table import Context
from activation.identifiers.text import BLANK_WORDS, marks_off, trim, unmarked, whole_number
from activation.identifiers.widths import only_of

# What names a person by itself, as a whole cell: an e-mail address, a telephone number with its plus.
_PERSONAL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|\+\d{8,15}", re.ASCII)
# What a spreadsheet's marks for text, a float column and an exponent begin with.
_MARKS = r"\A(?:'|=\"|[+-]?[0-9]+(?:[.,]|[eE]\+))"
_MARKED = re.compile(_MARKS)
_UNSURE = rf"{_MARKS}|\A[&'=]"  # what may be blank, or a word for "no value", behind its marks
# What ids are made of mostly: neither a spreadsheet's mark, nor a decimal number, nor an address.
_OF_IDS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-"
# 6.5E+12 of a spreadsheet, 6.512E12 of Java; 7E3 may be somebody's id.
_EXPONENT = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+[eE][+-]?|[eE]\+)[0-9]+", re.ASCII)
_DECIMAL = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,15})?(?:[eE][+-]?\d{1,2})?", re.ASCII)


@dataclass(frozen=True)
class Unchanged:
    """The cell as it stands: the id has to be the same, byte for byte, on every channel.

    Only what a spreadsheet or a float column added is removed: the marks for text, and the .0 of a whole number.
    Digits lost to an exponent cannot be restored. The cell is sent as plaintext, so an address or phone number,
    which many systems use as a user's id, is refused.
    """

    name: str = "unchanged"

    def value(self, text: str, context: Context) -> Result:
        """Return the text back, unless it names a person by itself."""
        if _MARKED.match(trim(text)):
            text = whole_number(marks_off(text))
            if _EXPONENT.fullmatch(text):
                return None, Code.NUMBER_AS_FLOAT
            if not trim(text):
                return None, Code.NOTHING_LEFT
        return (None, Code.PERSONAL_IN_CLEAR) if _PERSONAL.fullmatch(trim(text)) else (text, None)

    def clean(self, values: pa.Array, context: Context) -> pa.Array:
        """Return printable ASCII without spaces, @ and plus that is no word for "no value"."""
        words = pa.array(["", *sorted(BLANK_WORDS)], pa.string())
        if only_of(values, _OF_IDS):
            blank = pc.is_in(pc.ascii_lower(values), value_set=words)
            return pc.if_else(blank, pa.scalar(None, pa.string()), values) if pc.any(blank).as_py() else values
        fits = pc.and_not(
            pc.match_substring_regex(values, r"\A[!-*,-?A-~]+\z"),
            pc.or_(pc.is_in(pc.ascii_lower(values), value_set=words), pc.match_substring_regex(values, _UNSURE)),
        )
        return pc.if_else(pc.fill_null(fits, fill_value=False), values, pa.scalar(None, pa.string()))


def _amount(text: str, context: Context) -> Result:
    bare = unmarked(text)
    number = Decimal(bare) if _DECIMAL.fullmatch(bare) else Decimal(0)
    if number <= 0:
        return "0", None
    written = format(number, "f")
    return written.rstrip("0").rstrip(".") if "." in written else written, None


AMOUNT = PerValue("a number of at least 0; what is none, or is less, counts as 0", _amount)


def choice(name: str, *allowed: str) -> PerValue:
    """Take one of a few words, compared without their case."""

    def normalize(text: str, context: Context) -> Result:
        bare = unmarked(text).upper()
        return (bare, None) if bare in allowed else (None, Code.NOT_ALLOWED)

    return PerValue(name, normalize)


def token(name: str, shape: str) -> PerValue:
    """Take a value that the platform made, trimmed, of the shape it has there; its case matters and stays."""
    pattern = re.compile(shape, re.ASCII)

    def normalize(text: str, context: Context) -> Result:
        bare = unmarked(text)
        bare = bare if pattern.fullmatch(bare) else whole_number(bare)
        return (bare, None) if pattern.fullmatch(bare) else (None, Code.NOT_ALLOWED)

    return PerValue(name, normalize)


def _address(text: str, context: Context) -> Result:
    try:
        return str(ip_address(unmarked(text))), None
    except ValueError:
        return None, Code.NOT_ALLOWED


IP_ADDRESS = PerValue("an IPv4 or IPv6 address", _address)
