"""Postal codes: ZIP, ZIP+4 and the rest of the world's."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.codes import Code
from activation.identifiers.postal_shapes import bare_codes, same_everywhere
from activation.identifiers.rules import Result
from activation.identifiers.table import Context
from activation.identifiers.text import foreign, is_float, unmarked, whole_number

_MAX_LENGTH = 12
_US_PLUS_4 = re.compile(r"(\d{5})-?\d{4}", re.ASCII)
# Where a code of digits begins with zeros that spreadsheets take off: the United States, and Puerto Rico and the
# Virgin Islands, which have codes from 006 to 009.
_ZIP_COUNTRIES = ("US", "PR", "VI")
_SHORT_ZIP = re.compile(r"[0-9]{3,4}|[0-9]{7,8}")
# What stands before a code in a labelled cell: z:94107, as Meta's lead forms write it.
_LABEL = re.compile(r"\A[^\W\d_]{1,12}\s*:\s*")
# Large customers of the French post: 77304 CEDEX, 75116 PARIS CEDEX 16.
_CEDEX = re.compile(r"(\d{5})\b.*\bcedex\b.*", re.ASCII | re.DOTALL)

# The country before a code, as people in Europe wrote it, which is no part of it; at Latvia's LV-1010 and others'
# it is. With as many digits as the country's codes have.
_COUNTRY = re.compile(
    r"\A(?:(?:de?|fr?|it?|es?)\s*[-\u2013]\s*(?=\d{5}(?:\s|\Z))|(?:at?|ch|lu?|be?)\s*[-\u2013]\s*(?=\d{4}(?:\s|\Z)))",
    re.ASCII,
)
_PERHAPS_COUNTRY = r"\A[a-z]{1,2}-[0-9]"
# The same before digits alone, which is how it is mostly written.
_SURELY_COUNTRY = r"\A(?:(?:de?|fr?|it?|es?)-[0-9]{5}|(?:at?|ch|lu?|be?)-[0-9]{4})\z"

# https://github.com/aws-solutions/amazon-marketing-cloud-uploader-from-aws, source/glue/library/zip_normalizer.py:
# shapes by country once white space and punctuation are gone; elsewhere five digits.
_CANADA = re.compile(r"(?:[a-z]\d){3}", re.ASCII)
_BRITAIN = re.compile(r"(?:[a-z]{1,2}\d{2,3}|[a-z]{1,2}\d[a-z]\d)[a-z]{2}", re.ASCII)
_LETTERS_OR_OTHER_DIGITS = ("CA", "GB", "IN", "JP")

Columns = Callable[[pa.Array, Context], pa.Array]


@dataclass(frozen=True)
class PostalCode:
    """A rule that depends on the country, a row's own before the default one, with kernels for plain codes.

    `columns` reads what is plain but not five digits, null where not sure. `five_everywhere` says that five digits
    stay as they are in every country.
    """

    name: str
    normalize: Callable[[str, Context], Result]
    columns: Columns
    five_everywhere: bool = True
    by_country: bool = True

    def value(self, text: str, context: Context) -> Result:
        """Normalise one code."""
        return self.normalize(text, context)

    def clean(self, values: pa.Array, context: Context) -> pa.Array:
        """Normalise five digits, and what else is plain; null where not sure."""
        others = _not_five_digits(values) if self.keeps_five_digits(context) else pc.is_valid(values)
        if not pc.any(others).as_py():
            return values
        return pc.replace_with_mask(values, others, self.columns(values.filter(others), context))

    def keeps_five_digits(self, context: Context) -> bool:
        """Return whether any five digits stay as they are in the context's country."""
        return self.five_everywhere or context.default_country not in _LETTERS_OR_OTHER_DIGITS

    def told_by_country(self, values: pa.Array) -> pa.Array:
        """Mask the codes that may have lost a zero, or every code where five digits may be none of a country's."""
        if not self.five_everywhere:
            return pc.is_valid(values)
        others = _not_five_digits(values)
        return (
            pc.fill_null(pc.and_not(others, same_everywhere(values)), fill_value=False)
            if others.true_count
            else others
        )

    def country_of_row(self, named: str | None, default: str) -> str:
        """Return the row's country, or one that is read like it, so that a column has few.

        A row that names one that nobody knows is not read by the default one.
        """
        country = default if named is None else named
        if country in _ZIP_COUNTRIES:
            return _ZIP_COUNTRIES[0]
        return country if country in _LETTERS_OR_OTHER_DIGITS and not self.five_everywhere else ""


def _not_five_digits(values: pa.Array) -> pa.Array:
    """Mask the cells that are neither null nor five digits alone."""
    five = pc.and_(pc.ascii_is_decimal(values), pc.equal(pc.binary_length(values), 5))
    return pc.invert(pc.fill_null(five, fill_value=True))


def _plain(text: str, context: Context) -> tuple[str, str, str | None]:
    """Return a postal code in lower case, as written and as letters and digits, or the code that says why not."""
    spelled = _LABEL.sub("", unicodedata.normalize("NFKC", unmarked(text)).lower())
    spelled = whole_number(spelled)
    if is_float(spelled):
        return "", "", Code.NUMBER_AS_FLOAT
    if foreign(spelled):
        return "", "", Code.NOT_LATIN
    named = _COUNTRY.match(spelled)
    if named:
        spelled = spelled[named.end() :]
    if cedex := _CEDEX.fullmatch(spelled):
        spelled = cedex[1]
    kept = re.sub(r"[^a-z0-9]", "", spelled)
    if is_float(kept):
        return "", "", Code.NUMBER_AS_FLOAT
    if not named and context.default_country in _ZIP_COUNTRIES and _SHORT_ZIP.fullmatch(kept):
        spelled = kept = kept.zfill(5 if len(kept) < 5 else 9)
    return spelled, kept, None if kept else Code.NOTHING_LEFT


def _nothing(values: pa.Array, context: Context) -> pa.Array:
    return pa.nulls(len(values), pa.string())


def _without_country(lowered: pa.Array) -> pa.Array:
    """Return codes without the country that people in Europe wrote before their digits."""
    named = pc.fill_null(pc.match_substring_regex(lowered, _SURELY_COUNTRY), fill_value=False)
    if not pc.any(named).as_py():
        return lowered
    digits = pc.replace_substring_regex(lowered.filter(named), "[^0-9]", "")
    return pc.replace_with_mask(lowered, named, digits)


def _unsure(lowered: pa.Array, context: Context) -> pa.Array:
    """Mask codes that need a closer look: like a float, with a country, perhaps without their first zero."""
    pattern = r"\A[0-9]+e[0-9]+\z"
    if context.default_country in _ZIP_COUNTRIES:
        pattern += rf"|\A(?:{_SHORT_ZIP.pattern})\z"
    bare = pc.replace_substring(pc.replace_substring(lowered, " ", ""), "-", "")
    named = pc.match_substring_regex(lowered, _PERHAPS_COUNTRY)
    return pc.or_(named, pc.match_substring_regex(bare, pattern))


def _bare(values: pa.Array, context: Context) -> pa.Array:
    """Return plain codes of letters and digits without what stands between them; null where not sure."""
    return bare_codes(values, zip_country=context.default_country in _ZIP_COUNTRIES)


def _spaced(values: pa.Array, context: Context) -> pa.Array:
    """Return plain codes in upper case as they are written; null where not sure."""
    lowered = _without_country(pc.ascii_lower(pc.ascii_trim_whitespace(values)))
    fits = pc.match_substring_regex(lowered, r"\A[0-9a-z]{2,7}(?:[ -][0-9a-z]{1,4})?\z")
    fits = pc.and_(fits, pc.match_substring_regex(lowered, r"[0-9]"))
    sure = pc.and_not(fits, _unsure(lowered, context))
    return pc.if_else(sure, pc.ascii_upper(lowered), pa.scalar(None, pa.string()))


def postal_code(name: str) -> PostalCode:
    """Write it in lower case without white space and punctuation; of a ZIP+4 keep the first five digits."""

    def normalize(text: str, context: Context) -> Result:
        _, kept, code = _plain(text, context)
        if code:
            return None, code
        # Postal codes have digits; two letters are a British area.
        if len(kept) > _MAX_LENGTH or (len(kept) > 2 and not any(c.isdigit() for c in kept)):
            return None, Code.NOT_A_POSTAL_CODE
        plus_4 = _US_PLUS_4.fullmatch(kept)
        return (plus_4[1] if plus_4 else kept), None

    return PostalCode(name, normalize, _bare)


def shaped_postal_code(name: str) -> PostalCode:
    """Take a code of the shape its country uses: the connector's country, or else by the shape itself."""

    def normalize(text: str, context: Context) -> Result:
        _, kept, code = _plain(text, context)
        if code:
            return None, code
        found = _shaped(kept, context.default_country)
        return (found, None) if found else (None, Code.NOT_A_POSTAL_CODE)

    return PostalCode(name, normalize, _nothing, five_everywhere=False)


def _shaped(kept: str, default_country: str) -> str | None:
    digits = re.sub(r"\D", "", kept)
    if default_country == "CA":
        return kept if _CANADA.fullmatch(kept) else None
    if default_country == "GB":
        return kept if _BRITAIN.fullmatch(kept) else None
    if default_country in ("IN", "JP"):
        width = 6 if default_country == "IN" else 7
        return digits if len(digits) == width else None
    if _CANADA.fullmatch(kept) or _BRITAIN.fullmatch(kept):
        return kept
    if len(digits) == 9:
        return digits[:5]
    return digits if len(digits) in (5, 6, 7) else None


def spaced_postal_code(name: str) -> PostalCode:
    """Trim it and write it in upper case with its spaces and hyphens, where the platform takes it as plaintext."""

    def normalize(text: str, context: Context) -> Result:
        spelled, kept, code = _plain(text, context)
        if code:
            return None, code
        written = " ".join(spelled.upper().split())
        if re.fullmatch(r"[0-9]{9}", written):
            written = f"{written[:5]}-{written[5:]}"
        if not re.fullmatch(r"[A-Z0-9][A-Z0-9 -]{1,11}", written) or not any(c.isdigit() for c in kept):
            return None, Code.NOT_A_POSTAL_CODE
        return written, None

    return PostalCode(name, normalize, _spaced)
