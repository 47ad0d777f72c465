"""Postal codes of a column by shape: with all digits and all letters alike there are few."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from string import ascii_letters, ascii_uppercase, digits

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.widths import bytes_of, from_start, shapes, with_bytes

_WHITE = " \t\n\v\f\r"
_SHAPE = bytes.maketrans((ascii_letters + digits).encode(), b"a" * len(ascii_letters) + b"1" * len(digits))
_LOWER = bytes.maketrans(ascii_uppercase.encode(), ascii_uppercase.lower().encode())
_BETWEEN = f"{_WHITE}-"
_PLAIN = re.compile(r"[1a]{1,7}(?:[ -][1a]{1,4})?|1{9}")
_PLUS_4_DIGITS, _ZIP_DIGITS = 9, 5
_SHORT_ZIP = re.compile(r"1{3,4}|1{7,8}")
# The country before digits, as people in Europe wrote it, or something else that looks like it.
_WITH_COUNTRY = re.compile(r"aa?-1{4,5}")
_PERHAPS_COUNTRY = re.compile(r"aa?-1")
_PERHAPS_FLOAT = re.compile(r"1+a1+")
_ANY = re.compile(r"[1a -]+")
# The countries of Europe before as many digits as their codes have, in lower case without the hyphen.
_SURELY_COUNTRY = r"\A(?:(?:de?|fr?|it?|es?)[0-9]{5}|(?:at?|ch|lu?|be?)[0-9]{4})\z"


@dataclass(frozen=True)
class _Shape:
    """What all codes of one shape are.

    `length` is how many bytes are left without white space and hyphens. `plain` says that these are the code, but
    for what follows the five digits of a ZIP+4 (`plus_4`). `with_country` says that it is the digits after a
    country, if that is one. `short` says that a first zero may be missing. `alike` says that such codes are the
    same in every country.
    """

    length: int
    plain: bool = False
    plus_4: bool = False
    with_country: bool = False
    short: bool = False
    alike: bool = False


@lru_cache(maxsize=65_536)
def _read(shape: str) -> _Shape:
    trimmed = shape.strip(_WHITE)
    kept = trimmed.replace(" ", "").replace("-", "")
    length = sum(len(one.encode()) for one in shape if one not in _BETWEEN)
    perhaps_float = _PERHAPS_FLOAT.fullmatch(kept) is not None
    short = _SHORT_ZIP.fullmatch(kept) is not None
    fits = _PLAIN.fullmatch(trimmed) is not None and "1" in kept
    return _Shape(
        length,
        plain=fits and not perhaps_float and not _PERHAPS_COUNTRY.match(trimmed),
        plus_4=kept == "1" * _PLUS_4_DIGITS,
        with_country=_WITH_COUNTRY.fullmatch(trimmed) is not None,
        short=short,
        alike=_ANY.fullmatch(trimmed) is not None and not short and not perhaps_float,
    )


def same_everywhere(values: pa.Array) -> pa.Array:
    """Mask the codes that are read alike in every country; null for null."""
    known, shaped = _shapes(values)
    return pa.array([one.alike for one in known], pa.bool_()).take(shaped.indices)


def bare_codes(values: pa.Array, *, zip_country: bool) -> pa.Array:
    """Return plain codes in lower case without what stands between letters and digits; null where not sure.

    `zip_country` says that a code of digits may have lost its first zeros. No cell is null.
    """
    values = from_start(values)
    known, shaped = _shapes(values)

    def by_cell(found: Sequence[object], kind: pa.DataType) -> pa.Array:
        return pa.array(found, kind).take(shaped.indices)

    lengths = by_cell([one.length for one in known], pa.int32())
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths)])
    data = bytes_of(values).translate(_LOWER, _BETWEEN.encode())
    kept = with_bytes(values, data, offsets.buffers()[1])
    if any(one.plus_4 for one in known):
        plus_4 = by_cell([one.plus_4 for one in known], pa.bool_())
        kept = pc.if_else(plus_4, pc.utf8_slice_codeunits(kept, 0, _ZIP_DIGITS), kept)
    plain = by_cell([one.plain and not (one.short and zip_country) for one in known], pa.bool_())
    codes = pc.if_else(plain, kept, pa.scalar(None, pa.string()))
    if any(one.with_country for one in known):
        country = by_cell([one.with_country for one in known], pa.bool_())
        codes = pc.replace_with_mask(
            codes, country, _behind_country(kept.filter(country), zip_country=zip_country)
        )
    return codes


def _behind_country(codes: pa.Array, *, zip_country: bool) -> pa.Array:
    """Return the digits of codes that begin with a country's letters; null for other letters."""
    begun = pc.match_substring_regex(codes, _SURELY_COUNTRY)
    found = pc.ascii_ltrim(codes, ascii_letters)
    if zip_country:
        begun = pc.and_(begun, pc.equal(pc.binary_length(found), _ZIP_DIGITS))
    return pc.if_else(begun, found, pa.scalar(None, pa.string()))


def _shapes(values: pa.Array) -> tuple[list[_Shape], pa.DictionaryArray]:
    shaped = shapes(from_start(values), _SHAPE)
    return [_read(one) for one in shaped.dictionary.to_pylist()], shaped
