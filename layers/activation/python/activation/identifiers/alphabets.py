"""Letters that a column's kernels read as `str` does: one by one, the same in every normal form that is used."""

# ruff: noqa: RUF001, RUF003  letters of several alphabets look alike

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.text import ROMAN
from activation.identifiers.widths import only_with

# Left out: İ and ŉ, which become two characters; Œ, œ, Ÿ, which may be the second half of a letter read in a wrong
# encoding; ſ. Of CJK the ideographs that every version of Unicode has.
LATIN = "A-Za-zÀ-ÖØ-öø-ÿĀ-įı-ňŊ-őŔ-ŷŹ-ž"
_CYRILLIC = "Ѐ-џ"
_GREEK = "ΆΈ-ΊΌΎ-ΡΤ-ώ"
_SIGMA = "Σ"  # in lower case σ or ς, by what stands around it; σ where nothing stands before it
_EAST_ASIAN = "ぁ-ゖァ-ヺー一-龥가-힣"
_OTHERS = _CYRILLIC + _GREEK + _EAST_ASIAN
BETWEEN = r"[ '’.-]"
_ANY = LATIN + _OTHERS
_BARE = rf"\A[{_ANY}{_SIGMA}][{_ANY}]*\z"
_DRESSED = rf"\A[{_ANY}{_SIGMA}](?:{BETWEEN}{{0,2}}[{_ANY}])*[ .']?\z"
_DRESSED_LATIN = rf"\A[{LATIN}](?:{BETWEEN}{{0,2}}[{LATIN}])*[ .']?\z"
LETTERS = b"abcdefghijklmnopqrstuvwxyz"
_FEW = 4  # a kernel runs on a part of a column where that is less than one in so many
_LONGEST_ASCII = 31  # a longer text of ASCII may be a digest


def lower_letters(names: pa.Array) -> pa.Array:
    """Return the letters of names of several alphabets in lower case; null where not sure."""
    bare = _short(names, pc.match_substring_regex(names, _BARE))
    lowered = pc.utf8_lower(names)
    dressed = pc.invert(pc.fill_null(bare, fill_value=True))
    if not pc.any(dressed).as_py():
        return lowered
    others = names.filter(dressed)
    fits = _short(others, pc.match_substring_regex(others, _DRESSED))
    without = pc.replace_substring_regex(pc.utf8_lower(others), BETWEEN, "")
    return pc.replace_with_mask(lowered, dressed, pc.if_else(fits, without, pa.scalar(None, pa.string())))


def roman_letters_of(names: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Return the letters a to z of Latin names, and a mask of names with letters of other alphabets.

    The letters are null where not sure, and for null.
    """
    fits_latin = pc.match_substring_regex(names, _DRESSED_LATIN)
    latin = _short(names, fits_latin)
    plain = pc.utf8_lower(pc.if_else(latin, names, pa.scalar(None, pa.string())))
    accented = pc.invert(pc.fill_null(pc.string_is_ascii(plain), fill_value=True))
    if pc.any(accented).as_py():
        spelled = pc.utf8_normalize(plain.filter(accented), "NFKD")
        plain = pc.replace_with_mask(plain, accented, _spelled(spelled))
    # A name of the letters of all these alphabets that is not Latin has one of another.
    others = pc.invert(pc.fill_null(fits_latin, fill_value=True))
    foreign = _of_few(names, others, lambda some: pc.match_substring_regex(some, _DRESSED), others)
    return only_with(plain, LETTERS), pc.and_(others, foreign)


def _spelled(names: pa.Array) -> pa.Array:
    """Return names with letters that have no base letter as the letters that they are written with."""
    whole = pc.match_substring_regex(names, f"[{''.join(ROMAN)}]")
    if not whole.true_count:
        return names
    spelled = names.filter(whole)
    for letter, roman in ROMAN.items():
        spelled = pc.replace_substring(spelled, letter, roman)
    return pc.replace_with_mask(names, whole, spelled)


def _of_few(names: pa.Array, among: pa.Array, kernel: Callable[[pa.Array], pa.Array], rest: pa.Array) -> pa.Array:
    """Return what a kernel makes of the names in a mask, beside the rest, of which it makes the same."""
    if not among.true_count:
        return rest
    if among.true_count * _FEW > len(names):
        return kernel(names)
    return pc.replace_with_mask(rest, among, kernel(names.filter(among)))


def _short(names: pa.Array, fits: pa.Array) -> pa.Array:
    """Mask the names that fit and are no digest."""
    return pc.and_(
        fits, pc.or_(pc.less_equal(pc.binary_length(names), _LONGEST_ASCII), pc.invert(pc.string_is_ascii(names)))
    )
