"""Telephone numbers: E.164 digits from what people type and spreadsheets leave of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.abroad import international, is_valid, repaired_bare, split
from activation.identifiers.codes import Code
from activation.identifiers.countries_of_cells import Countries
from activation.identifiers.dressed import typed_numbers
from activation.identifiers.national_numbers import national_columns
from activation.identifiers.numbering import (
    KEEPS_ZERO,
    has_numbers,
    has_numbers_of,
    national,
    read_two_ways,
)
from activation.identifiers.rules import Result
from activation.identifiers.table import Context
from activation.identifiers.typed_phones import typed_number
from activation.identifiers.unchanged import unchanged
from activation.identifiers.valid_numbers import surely_wrong

# ITU-T E.164: at most 15 digits, country code included.
_MAX_DIGITS = 15

_OPTIONAL_ZERO = re.compile(r"\(\s*0\s*\)")
# Bare digits that have the shape of a number of the North American Numbering Plan.
_NANP = r"[2-9][0-9]{2}[2-9][0-9]{6}"
# How to dial abroad from North America; elsewhere 011 is an area, so what follows has to be a valid number.
_NANP_ABROAD = "011"


class Bare(StrEnum):
    """What digits without a country code are worth when no default country is configured."""

    AS_IS = "as_is"  # the platform's rule takes the digits as they are, less leading zeros
    REFUSE = "refuse"  # never guess
    INTERNATIONAL = "international"  # a country code and its number without the plus, unless they begin with 0
    NANP = "nanp"  # as they are, but ten digits of North American shape get their 1


@dataclass(frozen=True)
class Phone:
    """Digits with country code and without trunk zero, `plus` in front or not, from `min_digits` to 15.

    A plus or 00 says that the country code is there; what is dialled before a number at home is taken off behind
    it. `(0)` is dropped where the country drops its trunk zero and kept where the zero is part of the number
    (Italy). Extensions, vanity letters and several numbers in one cell are refused, since their digits run
    together into somebody else's number. `any_length` keeps numbers of a length that their country does not have,
    where the platform's own examples are such. `by_country`: a number without its country code is one of the
    country that its row names, else of the default one.
    """

    name: str
    plus: bool
    bare: Bare
    min_digits: int = 7
    any_length: bool = False
    by_country: bool = True

    def value(self, text: str, context: Context) -> Result:
        """Normalise one number."""
        written, code = typed_number(text)
        if written is None:
            return None, code
        digits = re.sub(r"[^0-9]", "", written)
        if not digits.strip("0"):
            return None, Code.PHONE_ALL_ZEROS
        length = len(digits.lstrip("0"))
        if length < self.min_digits and not has_numbers_of(context.default_country, length):
            return None, Code.PHONE_LENGTH
        if written.startswith("+") or digits.startswith("00"):
            number = self._abroad(written, digits, context)
            code = Code.PHONE_LENGTH if length > _MAX_DIGITS else Code.PHONE_NOT_IN_PLAN
        elif context.default_country:
            number, code = national(digits, context.default_country), Code.PHONE_NOT_IN_COUNTRY
            if number is None and read_two_ways(digits, context.default_country):
                code = Code.PHONE_AMBIGUOUS
        else:
            number, code = self._bare(digits), Code.PHONE_NO_COUNTRY
        if number is None:
            return None, code
        if not self.min_digits <= len(number) <= _MAX_DIGITS:
            return None, Code.PHONE_LENGTH
        return f"+{number}" if self.plus else number, None

    def _abroad(self, written: str, digits: str, context: Context) -> str | None:
        """Read a number that carries its country code; None where no country has such numbers."""
        number = digits.lstrip("0")
        if _OPTIONAL_ZERO.search(written):
            without = re.sub(r"[^0-9]", "", _OPTIONAL_ZERO.sub("", written)).lstrip("0")
            if not re.match(KEEPS_ZERO, without) or (is_valid(without) and not is_valid(number)):
                number = without
        if split(number) is None and context.default_country:
            return national(digits, context.default_country)  # a plus before a number as it is dialled at home
        return international(number, strict=not self.any_length)

    def _bare(self, digits: str) -> str | None:
        """Read digits without a country code where no default country is configured."""
        if digits.startswith(_NANP_ABROAD) and is_valid(digits[len(_NANP_ABROAD) :]):
            return digits[len(_NANP_ABROAD) :]
        if self.bare is Bare.NANP and re.fullmatch(_NANP, digits):
            return f"1{digits}"
        if self.bare is Bare.REFUSE or (self.bare is Bare.INTERNATIONAL and digits.startswith("0")):
            return None
        if self.bare is Bare.INTERNATIONAL:
            return international(digits, strict=not self.any_length)
        number = digits.lstrip("0")
        return repaired_bare(number) or number

    def told_by_country(self, values: pa.Array) -> pa.Array:
        """Mask the numbers that do not begin with a plus."""
        begun = pc.ascii_ltrim_whitespace(values)
        alone = pc.or_(pc.starts_with(begun, "+"), pc.equal(begun, ""))
        return pc.invert(pc.fill_null(alone, fill_value=True))

    def country_of_row(self, named: str | None, default: str) -> str:
        """Return the row's country, the default one where the row names none that has telephone numbers."""
        return named if named and has_numbers(named) else default

    def clean(self, values: pa.Array, context: Context) -> pa.Array:
        """Normalise digits with what people put between them that carry a country code or need none."""
        return self.clean_or_refuse(values, context)[0]

    def clean_or_refuse(self, values: pa.Array, context: Context) -> tuple[pa.Array, pa.Array]:
        """Return the normalised numbers, and the codes of cells that are surely none; null where not sure."""
        return self.clean_or_refuse_each(values, Countries.one(context.default_country, len(values)))

    def clean_or_refuse_each(self, values: pa.Array, countries: Countries) -> tuple[pa.Array, pa.Array]:
        """Return the same for numbers of which each is read by a country of its own."""
        nothing = pa.scalar(None, pa.string())
        typed = typed_numbers(values)
        digits, abroad, stripped = typed.digits, typed.plus, typed.digits
        if pc.any(pc.starts_with(digits, "0")).as_py():
            stripped = pc.ascii_ltrim(digits, "0")
            abroad = pc.or_(abroad, pc.fill_null(pc.starts_with(digits, "00"), fill_value=False))
        code = _first_of(typed.code, self._too_short(stripped, countries))
        bare = pc.and_not(digits.is_valid(), abroad)
        if not pc.any(bare).as_py():
            number, sure = stripped, unchanged(stripped, None)
        else:
            number, at_home = pc.if_else(abroad, stripped, nothing), pc.if_else(bare, digits, nothing)
            number, sure, refused = self._with_bare(number, bare, at_home, countries)
            code = _first_of(code, refused)
        if not self.any_length:
            code = _first_of(
                code, _not_in_plan(stripped, pc.and_not(abroad, pc.fill_null(sure, fill_value=False)))
            )
        length = pc.binary_length(number)
        kept = pc.and_(pc.greater_equal(length, self.min_digits), pc.less_equal(length, _MAX_DIGITS))
        number = pc.if_else(pc.and_(kept, sure), number, nothing)
        return pc.binary_join_element_wise("+", number, "") if self.plus else number, code

    def _too_short(self, stripped: pa.Array, countries: Countries) -> pa.Array:
        """Return the codes of zeros alone, and of fewer digits than a number has; null for the rest."""
        length = pc.binary_length(stripped)
        short = pc.fill_null(pc.less(length, self.min_digits), fill_value=False)
        code = pa.nulls(len(stripped), pa.string())
        if not short.true_count:
            return code
        codes = [
            None if has_numbers_of(one, count) else Code.PHONE_LENGTH if count else Code.PHONE_ALL_ZEROS
            for one in countries.names
            for count in range(self.min_digits)
        ]
        begins = pc.multiply(countries.among(short).places, self.min_digits)
        found = pa.array(codes, pa.string()).take(pc.add(begins, length.filter(short)))
        return pc.replace_with_mask(code, short, found)

    def _without_country(self, digits: pa.Array) -> pa.Array:
        """Return the code of digits that are never sent where no country is configured; null for the rest."""
        nothing = pa.scalar(None, pa.string())
        if self.bare not in (Bare.REFUSE, Bare.INTERNATIONAL):
            return pa.nulls(len(digits), pa.string())
        refused = digits.is_valid() if self.bare is Bare.REFUSE else pc.starts_with(digits, "0")
        refused = pc.and_not(refused, pc.starts_with(digits, _NANP_ABROAD))
        return pc.if_else(refused, pa.scalar(Code.PHONE_NO_COUNTRY.value), nothing)

    def _with_bare(
        self, number: pa.Array, bare: pa.Array, at_home: pa.Array, countries: Countries
    ) -> tuple[pa.Array, pa.Array, pa.Array]:
        """Fill in the numbers without a plus: the numbers, a mask of the sure ones, and the codes of others."""
        nothing = pa.scalar(None, pa.string())
        code, named = pa.nulls(len(number), pa.string()), countries.named()
        unnamed = pc.and_not(bare, named)
        sure = pc.or_(pc.fill_null(unchanged(number, None), fill_value=False), bare)
        if unnamed.true_count:
            digits = pc.if_else(unnamed, at_home, nothing)
            found = self._bare_column(digits)
            number, code = pc.coalesce(number, found), self._without_country(digits)
            kept = unchanged(found, None if self.bare is Bare.INTERNATIONAL else unnamed)
            sure = pc.if_else(unnamed, pc.fill_null(kept, fill_value=False), sure)
        if unnamed.true_count < bare.true_count:
            long = pc.greater_equal(pc.binary_length(pc.ascii_ltrim(at_home, "0")), self.min_digits)
            digits = pc.if_else(pc.and_(long, named), at_home, nothing)
            found, refused = national_columns(digits, countries)
            number = pc.coalesce(number, found)
            code = _first_of(code, pc.if_else(refused, pa.scalar(Code.PHONE_NOT_IN_COUNTRY.value), nothing))
        return number, sure, code

    def _bare_column(self, digits: pa.Array) -> pa.Array:
        """Write digits without a country code as they are sent where nothing is repaired; null where not sure."""
        nothing = pa.scalar(None, pa.string())
        if self.bare is Bare.REFUSE:
            return pa.nulls(len(digits), pa.string())
        zero = pc.starts_with(digits, "0")
        stripped = digits
        if self.bare is Bare.INTERNATIONAL:
            unsure = zero
        else:
            stripped = pc.utf8_ltrim(digits, "0")
            unsure = pc.or_(pc.starts_with(digits, _NANP_ABROAD), pc.equal(stripped, ""))
        if self.bare is Bare.NANP:
            american = pc.match_substring_regex(digits, rf"\A{_NANP}\z")
            stripped = pc.if_else(american, pc.binary_join_element_wise("1", digits, ""), stripped)
        return pc.if_else(unsure, nothing, stripped)


def _not_in_plan(digits: pa.Array, among: pa.Array) -> pa.Array:
    """Return the error code of numbers in the mask `among` that fit no country's plan; null for others."""
    if not among.true_count:
        return pa.nulls(len(digits), pa.string())
    wrong = pc.replace_with_mask(among, among, surely_wrong(digits.filter(among)))
    long = pc.greater(pc.binary_length(digits), _MAX_DIGITS)
    code = pc.if_else(long, pa.scalar(Code.PHONE_LENGTH.value), pa.scalar(Code.PHONE_NOT_IN_PLAN.value))
    return pc.if_else(wrong, code, pa.scalar(None, pa.string()))


def _first_of(codes: pa.Array, others: pa.Array) -> pa.Array:
    """Return the first code of each cell, without a copy where one of the columns has none."""
    if others.null_count == len(others):
        return codes
    return others if codes.null_count == len(codes) else pc.coalesce(codes, others)
