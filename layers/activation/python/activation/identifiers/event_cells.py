"""Rules for the cells that describe an event: its name, value and contents. Its time is in event_times.py."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.codes import Code
from activation.identifiers.header_names import fold
from activation.identifiers.rules import PerValue, Result, matching
from activation.identifiers.table import Context
from activation.identifiers.text import BLANK_WORDS, unmarked, whole_number

_AMOUNT = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,6})?", re.ASCII)
_SURE_AMOUNT = r"\A(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,6})?\z"
_NOT_ZERO = bytes.maketrans(b"23456789", b"11111111")  # _SURE_AMOUNT tells no other digits apart than 0
_SIGNED = re.compile(r"[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,15})?|\.[0-9]{1,15})(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
_OWN_NAME = re.compile(r"(?i:other):\s*(\w[\w .-]{0,49})")
_URL = re.compile(r"https?://[^\s/]+\S*", re.IGNORECASE)


@dataclass(frozen=True)
class EventValue:
    """An amount of money of at least 0, as a JSON number."""

    name: str = "a number of at least 0, with a point for decimals"

    def value(self, text: str, context: Context) -> Result:
        """Return the number as JSON writes it."""
        bare = unmarked(text)
        if not _SIGNED.fullmatch(bare):
            return None, Code.NOT_AN_AMOUNT
        number = Decimal(bare)
        if number < 0:
            return None, Code.NEGATIVE_VALUE
        if _AMOUNT.fullmatch(bare) and (bare[0] != "0" or len(bare) == 1 or bare[1] == "."):
            return bare, None
        written = format(abs(number), "f")
        return written.rstrip("0").rstrip(".") if "." in written else written, None

    def clean(self, values: pa.Array, context: Context) -> pa.Array:
        """Return plain numbers as they are."""
        return matching(values, _SURE_AMOUNT, shape=_NOT_ZERO)


@dataclass(frozen=True)
class FreeText:
    """Text as it stands, of any length that its field allows; printable ASCII goes by columns."""

    name: str

    def value(self, text: str, context: Context) -> Result:
        """Return the text without a spreadsheet's marks."""
        bare = unmarked(text)
        return (bare, None) if bare else (None, Code.NOTHING_LEFT)

    def clean(self, values: pa.Array, context: Context) -> pa.Array:
        """Return what begins and ends with a letter or a closing bracket, and has no sign for an entity."""
        text = matching(values, r"\A[A-Za-z0-9](?:[ -%'-~]*[A-Za-z0-9)/=])?\z")
        # It keeps its case, by which a word for "no value" would be taken for a text.
        words = pc.is_in(pc.ascii_lower(text), value_set=pa.array(sorted(BLANK_WORDS), pa.string()))
        return pc.if_else(words, pa.scalar(None, pa.string()), text)


def event_names(known: Mapping[str, str]) -> PerValue:
    """Take the names in `known`, however they are spelled, as what they map to; other:NAME as NAME."""
    names = {fold(name): sent for name, sent in known.items()}

    def normalize(text: str, context: Context) -> Result:
        bare = unmarked(text)
        if own := _OWN_NAME.fullmatch(bare):
            return own[1], None
        sent = names.get(fold(bare))
        return (sent, None) if sent else (None, Code.UNKNOWN_EVENT_NAME)

    standard = ", ".join(dict.fromkeys(known.values()))
    return PerValue(f"{standard}, in any spelling, or other:NAME for an event of your own", normalize)


def words(name: str, known: Mapping[str, str], code: Code) -> PerValue:
    """Take the words in `known`, however they are spelled, as what they map to."""
    folded = {fold(word): sent for word, sent in known.items()}

    def normalize(text: str, context: Context) -> Result:
        sent = folded.get(fold(whole_number(unmarked(text))))
        return (sent, None) if sent else (None, code)

    return PerValue(name, normalize)


@cache
def _currencies() -> frozenset[str]:
    import pycountry

    return frozenset(one.alpha_3 for one in pycountry.currencies)


def _currency(text: str, context: Context) -> Result:
    bare = unmarked(text).upper()
    return (bare, None) if bare in _currencies() else (None, Code.UNKNOWN_CURRENCY)


CURRENCY = PerValue("an ISO 4217 code, upper case", _currency)


def _url(text: str, context: Context) -> Result:
    bare = unmarked(text)
    return (bare, None) if _URL.fullmatch(bare) else (None, Code.NOT_ALLOWED)


URL = PerValue("an http or https address", _url)


def json_list(name: str, fits: Callable[[Any], bool]) -> PerValue:
    """Take a JSON list whose every item fits; it is sent as JSON without spaces."""

    def normalize(text: str, context: Context) -> Result:
        try:
            items = json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            return None, Code.NOT_A_LIST
        if not isinstance(items, list) or not items or not all(map(fits, items)):
            return None, Code.NOT_A_LIST
        return json.dumps(items, ensure_ascii=False, separators=(",", ":")), None

    return PerValue(name, normalize)


def _refuse_constant(name: str) -> float:
    """Refuse NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(name)
