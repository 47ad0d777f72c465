"""Names of people and cities."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.alphabets import lower_letters, roman_letters_of
from activation.identifiers.codes import Code
from activation.identifiers.rules import PerValue, Result
from activation.identifiers.table import Context
from activation.identifiers.text import (
    BLANK_WORDS,
    composed,
    foreign,
    letters_and_digits,
    romanized,
    trim,
    written,
)


def _letters(text: str) -> str:
    """Lower case, letters and digits of every script, without white space and punctuation."""
    lowered = composed(written(text))
    if lowered.isalnum() and lowered.isascii():
        return lowered
    return unicodedata.normalize("NFC", letters_and_digits(lowered))


@dataclass(frozen=True)
class Letters:
    """Letters and digits of every script in lower case, as many as `first` says; None means all."""

    name: str
    first: int | None = None

    def value(self, text: str, context: Context) -> Result:
        """Normalise one name."""
        kept = unicodedata.normalize("NFC", _letters(text)[: self.first])
        return (kept, None) if kept else (None, Code.NOTHING_LEFT)

    def clean(self, values: pa.Array, context: Context) -> pa.Array:
        """Normalise names of several alphabets, with spaces, hyphens and apostrophes in them."""
        lowered = pc.ascii_lower(values)
        plain = pc.and_(pc.ascii_is_alpha(values), pc.less(pc.binary_length(values), 32))
        plain = pc.fill_null(plain, fill_value=True)
        if not pc.all(plain, min_count=0).as_py():
            # Most names are bare already; the costly kernels run on those that are not.
            others = pc.invert(plain)
            lowered = pc.replace_with_mask(lowered, others, lower_letters(_known(values.filter(others))))
        if self.first is not None:
            # What is left of a word for "no value" no longer looks like one.
            words = pc.is_in(lowered, value_set=pa.array(sorted(BLANK_WORDS), pa.string()))
            initial = pc.utf8_slice_codeunits(lowered, 0, self.first)
            return pc.if_else(words, pa.scalar(None, pa.string()), initial)
        return lowered


def _known(values: pa.Array) -> pa.Array:
    """Return names; null for words for "no value", which n.a. is before its dots are taken off."""
    words = pc.is_in(pc.ascii_lower(values), value_set=pa.array(sorted(BLANK_WORDS), pa.string()))
    return pc.if_else(words, pa.scalar(None, pa.string()), values)


@dataclass(frozen=True)
class RomanLetters(PerValue):
    """The letters a to z: see `roman_letters`. Its kernels read Latin letters, and know other alphabets."""

    def clean(self, values: pa.Array, context: Context) -> pa.Array:
        """Normalise names of Latin letters, with spaces, hyphens and apostrophes in them."""
        return self.clean_or_refuse(values, context)[0]

    def clean_or_refuse(self, values: pa.Array, context: Context) -> tuple[pa.Array, pa.Array]:
        """Return the letters of Latin names, and the code of names that have letters of other alphabets."""
        letters, foreign = roman_letters_of(_known(values))
        return letters, pc.if_else(foreign, pa.scalar(Code.NOT_LATIN.value), pa.scalar(None, pa.string()))


def roman_letters(name: str) -> RomanLetters:
    """Keep a to z: accents come off, digits, white space and punctuation go, other scripts are refused."""

    def normalize(text: str, context: Context) -> Result:
        plain = romanized(written(text))
        if foreign(plain):
            return None, Code.NOT_LATIN
        kept = re.sub(r"[^a-z]", "", plain)
        return (kept, None) if kept else (None, Code.NOTHING_LEFT)

    return RomanLetters(name, normalize)


def _is_punctuation(character: str) -> bool:
    # Accents by themselves are how some keyboards write an apostrophe.
    return unicodedata.category(character)[0] == "P" or character in "`\u00b4"


def trimmed_name(name: str, affix: re.Pattern[str]) -> PerValue:
    """Trim, lower, reduce inner white space to single spaces, take off titles and the like, and punctuation.

    "All lowercase, with no punctuation": https://developers.google.com/data-manager/api/reference/rest/v1/UserData,
    AddressInfo, read 2026-11-29.
    """

    def normalize(text: str, context: Context) -> Result:
        kept, before = composed(written(text)), None
        while kept != before:
            before, kept = kept, affix.sub("", trim(kept))
            if kept == before:
                kept = " ".join("".join(c for c in kept if not _is_punctuation(c)).split())
        return (kept, None) if letters_and_digits(kept) else (None, Code.NOTHING_LEFT)

    return PerValue(name, normalize)


TITLES = re.compile(r"\A(?:mr|mrs|ms|miss|mx|dr|prof)\.(?:\s+|\Z)|\A(?:mr|mrs|ms|dr|prof)\s+")
SUFFIXES = re.compile(r",?\s+(?:jr|sr|2nd|3rd|ii|iii|iv|phd|md|esq)\.?\Z")

# https://github.com/aws-solutions/amazon-marketing-cloud-uploader-from-aws, source/glue/normalizers/
_GERMANIC = str.maketrans({"ß": "ss", "ä": "ae", "ö": "oe", "ü": "ue", "ø": "o", "æ": "ae"})


def germanic_letters(name: str) -> PerValue:
    """Keep a to z and digits, umlauts spelled out (ä as ae); what then is no ASCII letter is dropped."""

    def normalize(text: str, context: Context) -> Result:
        plain = written(text)
        kept = re.sub(r"[^a-z0-9]", "", composed(plain).translate(_GERMANIC))
        if kept:
            return kept, None
        return None, Code.NOT_LATIN if foreign(plain) else Code.NOTHING_LEFT

    return PerValue(name, normalize)
