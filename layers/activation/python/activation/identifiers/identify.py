"""From a column of a file to what is sent for it: normalised, checked, hashed, or left out with a code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.codes import Code
from activation.identifiers.constant import encoded
from activation.identifiers.countries_of_cells import Countries
from activation.identifiers.declared import declared_column, declared_value, looks_hashed
from activation.identifiers.digest import digest, digests
from activation.identifiers.five_digits import five_digits
from activation.identifiers.rules import Result
from activation.identifiers.table import Context, Digest, Field, Refuses, RefusesEach, Rule
from activation.identifiers.text import (
    BLANK_WORDS,
    MAX_CELL_BYTES,
    POISON_TEXTS,
    damaged,
    too_long,
    trim,
    unmarked,
)

# A column is worth a dictionary when its first rows hold fewer distinct values than this share of them: what
# comes twice in a hundred there comes many times in a chunk of tens of thousands.
_REPEATS = 0.98
_SAMPLE_ROWS = 1024


@dataclass(frozen=True)
class Column:
    """What became of a column: string arrays of its length.

    `sent` is the wire value, null where nothing is sent. `code` says why nothing is sent; it is null where a
    value is sent and where the cell was blank.
    """

    sent: pa.Array
    code: pa.Array


@dataclass(frozen=True)
class Cell:
    """What became of one cell: the normalised text, the wire value, or the code; nothing at all when blank."""

    normalized: str | None = None
    sent: str | None = None
    code: str | None = None


def identify(field: Field, values: pa.Array, context: Context, *, hashed: bool) -> Column:
    """Return what is sent for a column: a string array, plain or dictionary-encoded, null for blank.

    `hashed` says that the drop declares its values as digests already: they are checked by shape and passed on.
    Never raises for what a cell holds.
    """
    if pa.types.is_dictionary(values.type):
        return _spread(field, values, context, hashed=hashed)
    if values.type != pa.string():
        values = values.cast(pa.string())
    if not hashed and (found := five_digits(field, values, context, _nobody(context.placeholders))):
        return _beside(field, values, context, *found)
    if _repeats(values):
        return _spread(field, encoded(values), context, hashed=hashed)
    return _each(field, values, context, hashed=hashed)


def identify_each(field: Field, values: pa.Array, countries: Countries, context: Context) -> Column:
    """Return the same for plain cells of which each is read by a country of its own; the rule is a RefusesEach."""
    if not _repeats(values):
        return _each(field, values, context, hashed=False, countries=countries)
    # Each value once with each of its countries.
    encoded = values.dictionary_encode()
    count = pa.scalar(len(countries.names), pa.int64())
    known = pc.fill_null(encoded.indices.cast(pa.int64()), -1)
    pairs = pc.add(pc.multiply(known, count), countries.places).dictionary_encode()
    place = pc.index_in(pc.unique(pairs.indices), value_set=pairs.indices)
    distinct = _each(field, values.take(place), context, hashed=False, countries=countries.take(place))
    return Column(distinct.sent.take(pairs.indices), distinct.code.take(pairs.indices))


def identify_value(field: Field, text: str, context: Context, *, hashed: bool) -> Cell:
    """Return what is sent for one cell: `identify` for a single text, and the oracle it is tested against."""
    most = field.max_bytes or MAX_CELL_BYTES
    trimmed = "" if too_long(text, most) else _said(text)
    code = _refused(text, trimmed, most)
    if code or not trimmed:
        return Cell(code=code)
    if field.digest is not Digest.PLAIN:
        if hashed:
            sent, code = declared_value(field.digest, trimmed, context.placeholders)
            return Cell(normalized=sent, sent=sent, code=code)
        if looks_hashed(trimmed):
            return Cell(code=Code.LOOKS_HASHED)
    normalized, code = _normalized(field, text, context)
    if normalized is None:
        return Cell(code=code)
    return Cell(normalized=normalized, sent=digest(field.digest, normalized))


def _said(text: str) -> str:
    """Return what a cell says, trimmed: "no value" and digests are told behind a spreadsheet's marks as well."""
    trimmed = trim(text)
    return unmarked(trimmed) if trimmed[:1] in ("'", "=", "&") else trimmed


def _normalized(field: Field, text: str, context: Context) -> Result:
    """Apply the field's rule, and refuse what comes out of it and stands for nobody."""
    normalized, code = field.rule.value(text, context)
    if normalized in context.placeholders:
        return None, Code.PLACEHOLDER
    if field.digest is not Digest.PLAIN and normalized in POISON_TEXTS:
        return None, Code.BLANK_WORD
    return normalized, code


def _refused(text: str, trimmed: str, most: int) -> str | None:
    """Return the code for what no field takes; None for the rest, blank cells included."""
    if too_long(text, most):
        return Code.TOO_LONG
    if not trimmed.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        return Code.BAD_UNICODE
    if damaged(text):
        return Code.DAMAGED_TEXT
    return Code.BLANK_WORD if trimmed.casefold() in BLANK_WORDS else None


def _repeats(values: pa.Array) -> bool:
    """Guess from the first rows whether values repeat so often that a dictionary pays.

    Blank cells do not count: they cost nothing as they are.
    """
    head = values.slice(0, _SAMPLE_ROWS)
    blank: int = pc.equal(head, "").true_count
    return len(pc.unique(head)) - (blank > 0) < _REPEATS * (len(head) - blank)


def _beside(field: Field, values: pa.Array, context: Context, sent: pa.Array, known: pa.Array) -> Column:
    """Return the column of which some cells are known already."""
    if pc.all(known, min_count=0).as_py():
        return Column(sent, pa.nulls(len(values), pa.string()))
    unknown = pc.invert(known)
    rest = _spread(field, values.filter(unknown).dictionary_encode(), context, hashed=False)
    code = pa.nulls(len(values), pa.string())
    if rest.code.null_count < len(rest.code):
        code = pc.replace_with_mask(code, unknown, rest.code)
    if rest.sent.null_count < len(rest.sent):
        sent = pc.replace_with_mask(sent, unknown, rest.sent)
    return Column(sent, code)


def _spread(field: Field, cells: pa.DictionaryArray, context: Context, *, hashed: bool) -> Column:
    """Work on each distinct value once."""
    distinct = _each(field, cells.dictionary.cast(pa.string()), context, hashed=hashed)
    sent = distinct.sent.take(cells.indices)
    if distinct.code.null_count == len(distinct.code):
        return Column(sent, pa.nulls(len(sent), pa.string()))
    return Column(sent, distinct.code.take(cells.indices))


def _each(
    field: Field, values: pa.Array, context: Context, *, hashed: bool, countries: Countries | None = None
) -> Column:
    """Work on every value: with kernels where they are sure, one by one where not."""
    if hashed and field.digest is not Digest.PLAIN:
        sent, unsure = declared_column(field.digest, values, context.placeholders)
        return _with_rest(field, values, context, sent, unsure, hashed=True)
    clean, code = _by_rule(field.rule, values, context, countries)
    if clean is None:
        return _one_by_one(field, values, context, hashed=hashed)
    length, most = pc.fill_null(pc.binary_length(values), 0), field.max_bytes or MAX_CELL_BYTES
    kept = pc.and_not(clean.is_valid(), pc.greater(length, most))
    kept = _without_nobody(clean, kept, context.placeholders)
    sure = clean if kept.true_count == len(kept) else pc.if_else(kept, clean, pa.scalar(None, pa.string()))
    unsure = pc.and_not(pc.greater(length, 0), kept)  # an empty cell is blank, whatever the rule
    if code is not None and code.null_count < len(code):
        code = pc.if_else(pc.greater(length, most), pa.scalar(None, pa.string()), code)
        unsure = pc.and_not(unsure, code.is_valid())
    sent = digests(field.digest, sure)
    return _with_rest(field, values, context, sent, unsure, hashed=False, code=code, countries=countries)


def _without_nobody(clean: pa.Array, kept: pa.Array, placeholders: frozenset[str]) -> pa.Array:
    """Return the mask `kept` without the normalised values that stand for nobody, which are mostly short."""
    short = pc.less_equal(pc.binary_length(clean), _longest_nobody(placeholders))
    if not pc.any(short).as_py():
        return kept
    return pc.and_not(kept, pc.is_in(clean, value_set=_nobody(placeholders)))


def _by_rule(
    rule: Rule, values: pa.Array, context: Context, countries: Countries | None
) -> tuple[pa.Array | None, pa.Array | None]:
    """Return what a rule's kernels are sure of: normalised texts, and codes; None where it has none."""
    if countries is not None and isinstance(rule, RefusesEach):
        return rule.clean_or_refuse_each(values, countries)
    return (
        rule.clean_or_refuse(values, context) if isinstance(rule, Refuses) else (rule.clean(values, context), None)
    )


def _one_by_one(
    field: Field, values: pa.Array, context: Context, *, hashed: bool, countries: Countries | None = None
) -> Column:
    texts = values.to_pylist()
    contexts = [context] * len(texts)
    if countries is not None:
        by_place = [replace(context, default_country=one) for one in countries.names]
        contexts = [by_place[place] for place in countries.places.to_pylist()]
    cells = [
        Cell() if text is None else identify_value(field, text, own, hashed=hashed)
        for text, own in zip(texts, contexts, strict=True)
    ]
    return Column(
        pa.array([cell.sent for cell in cells], pa.string()), pa.array([cell.code for cell in cells], pa.string())
    )


@lru_cache(maxsize=64)
def _nobody(placeholders: frozenset[str]) -> pa.Array:
    """Return what no normalised value may be: placeholders and words for "no value"."""
    return pa.array(sorted(BLANK_WORDS | POISON_TEXTS | placeholders), pa.string())


@lru_cache(maxsize=64)
def _longest_nobody(placeholders: frozenset[str]) -> int:
    """Return how many bytes the longest of these values has."""
    length: int = pc.max(pc.binary_length(_nobody(placeholders))).as_py()
    return length


def _with_rest(
    field: Field,
    values: pa.Array,
    context: Context,
    sent: pa.Array,
    unsure: pa.Array,
    *,
    hashed: bool,
    code: pa.Array | None = None,
    countries: Countries | None = None,
) -> Column:
    """Fill in, one by one, the cells that the kernels were not sure of; `code` are the codes that they were."""
    code = pa.nulls(len(values), pa.string()) if code is None else code
    if not unsure.true_count:
        return Column(sent, code)
    cells = values.filter(unsure)
    if countries is not None:
        column = _one_by_one(field, cells, context, hashed=hashed, countries=countries.among(unsure))
    else:
        cells = cells.dictionary_encode()
        column = _one_by_one(field, cells.dictionary, context, hashed=hashed)
        column = Column(column.sent.take(cells.indices), column.code.take(cells.indices))
    return Column(pc.replace_with_mask(sent, unsure, column.sent), pc.replace_with_mask(code, unsure, column.code))
