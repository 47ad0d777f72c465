"""Fields whose cells depend on a country: read with the one that their row names before the default one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.assign import Use
from activation.identifiers.countries import country_code
from activation.identifiers.countries_of_cells import Countries
from activation.identifiers.country_of_row import COUNTRY_OF_ROW
from activation.identifiers.header_names import senses
from activation.identifiers.headers import Meaning
from activation.identifiers.identify import Column, identify, identify_each
from activation.identifiers.table import Context, Digest, Field, RefusesEach
from activation.identifiers.text import trim


@runtime_checkable
class ByCountry(Protocol):
    """A rule that may depend on the country: national telephone numbers, short ZIP codes, Amazon's states."""

    @property
    def by_country(self) -> bool:
        """Whether it does."""
        ...

    def told_by_country(self, values: pa.Array) -> pa.Array:
        """Mask the cells that may come out differently in different countries; null cells are not among them."""
        ...

    def country_of_row(self, named: str | None, default: str) -> str:
        """Return the country by which a cell is read, ISO alpha-2 or "", or another that gives the same.

        `named` is the one that its row names: None where that cell is blank, "" where it names none that is known.
        """
        ...


def country_column(
    fields: Sequence[tuple[int, Field]], header: Sequence[str], taken: Collection[int] = ()
) -> int | None:
    """Return the index of the column that says each row's country, None where there is none.

    It is the column of the platform's country field, else the one that is best named like it: a platform without
    that field has national telephone numbers all the same. `taken` are the indexes of columns that are to be
    ignored or mean something else, whatever their names.
    """
    for index, one in fields:
        if _is_country(one):
            return index
    ranks = {index: _country_rank(name) for index, name in enumerate(header) if index not in taken}
    named = [(rank, index) for index, rank in ranks.items() if rank is not None]
    return min(named)[1] if named else None


def countries_of_rows(
    fields: Sequence[tuple[int, Field]],
    several: Mapping[str, Sequence[Use]],
    columns: pa.RecordBatch,
    ignored: Collection[int] = (),
) -> pa.DictionaryArray | None:
    """Return the raw cells that say each row's country, null where blank; None where nothing says it.

    They are those of `country_column`, and of the field's other columns where that is blank; `several` has these,
    by wire key; the columns of `country_of_row` there are what was said of the country, or the header settled.
    `ignored` are the indexes of columns that people said to ignore.
    """
    if COUNTRY_OF_ROW in several:
        return _cells(several[COUNTRY_OF_ROW], columns)
    used = {index for index, _ in fields} | {use.index for uses in several.values() for use in uses}
    first = country_column(fields, columns.schema.names, used.union(ignored))
    if first is None:
        return None
    uses = next((several[one.key] for _, one in fields if _is_country(one) and one.key in several), (Use(first),))
    return _cells(uses, columns)


def _cells(uses: Sequence[Use], columns: pa.RecordBatch) -> pa.DictionaryArray:
    """Return the cells of the first of several columns that has one, constants included."""
    cells = [
        pa.repeat(pa.scalar(use.constant), columns.num_rows) if use.constant else columns.column(use.index)
        for use in uses
    ]
    if len(cells) > 1:
        blank = pa.scalar(None, pa.string())
        cells = [
            pc.coalesce(*(pc.if_else(pc.equal(pc.utf8_trim_whitespace(one), ""), blank, one) for one in cells))
        ]
    return cells[0].dictionary_encode()


def _is_country(one: Field) -> bool:
    names = (one.key, *one.synonyms)
    return Meaning.COUNTRY in one.means or any(_country_rank(name) is not None for name in names)


def _country_rank(name: str) -> int | None:
    """Return the rank of a column that names the person's country, the lowest preferred; None for any other."""
    found = (one for one in senses(name) if one.meaning is Meaning.COUNTRY and one.sure and not one.person)
    return next((one.rank for one in found), None)


def names_country(countries: pa.Array) -> pa.Array:
    """Mask the raw cells that name a known country."""
    named, encoded = _named(countries)
    return pc.fill_null(pa.array([bool(one) for one in named], pa.bool_()).take(encoded.indices), fill_value=False)


def depends_on_country(field: Field) -> bool:
    """Return whether what is sent for a cell may depend on its row's country."""
    return isinstance(field.rule, ByCountry) and field.rule.by_country


def identify_by_country(
    field: Field, values: pa.Array, countries: pa.Array | None, context: Context, *, hashed: bool
) -> Column:
    """Return what is sent for a column beside the column that says each row's country, both as long.

    `countries` are raw cells, strings or a dictionary of them, None where no column says them. Where the field's
    rule depends on the country, a row's own counts, and the default one where its cell is blank. Other fields come
    out as by `identify`.
    """
    rule = field.rule
    digests = hashed and field.digest is not Digest.PLAIN
    if countries is None or not isinstance(rule, ByCountry) or not rule.by_country or digests:
        return identify(field, values, context, hashed=hashed)
    values = values.cast(pa.string())
    matters = rule.told_by_country(values)
    if not pc.any(matters).as_py():
        return identify(field, values, context, hashed=hashed)
    default = rule.country_of_row(None, context.default_country)
    rows = pc.if_else(matters, countries_for(field, countries, context), default)
    by_row = Countries.of(rows)
    if len(by_row.names) == 1:
        return identify(field, values, replace(context, default_country=by_row.names[0]), hashed=hashed)
    if isinstance(rule, RefusesEach):
        return identify_each(field, values, by_row, context)
    order = pc.sort_indices(by_row.places).cast(pa.int64())  # each country's rows side by side
    counts = pc.value_counts(by_row.places.take(order)).field("counts").to_pylist()
    sorted_values, begin = values.take(order), 0
    sent, code = [], []
    for name, count in zip(by_row.names, counts, strict=True):
        own = replace(context, default_country=name)
        column = identify(field, sorted_values.slice(begin, count), own, hashed=hashed)
        sent.append(column.sent)
        code.append(column.code)
        begin += count
    back = pc.inverse_permutation(order)
    return Column(pa.concat_arrays(sent).take(back), pa.concat_arrays(code).take(back))


def countries_for(field: Field, countries: pa.Array | None, context: Context) -> pa.Array | pa.Scalar:
    """Return the country by which each row's cell is read: a string array, or one string for all rows."""
    rule, default = field.rule, context.default_country
    if countries is None or not isinstance(rule, ByCountry) or not rule.by_country:
        return pa.scalar(default)
    named, encoded = _named(countries)
    codes = pa.array([rule.country_of_row(one, default) for one in named], pa.string())
    return pc.fill_null(codes.take(encoded.indices), rule.country_of_row(None, default))


def _named(countries: pa.Array) -> tuple[list[str | None], pa.DictionaryArray]:
    """Return the country that each distinct cell names, as rules are asked with it, and the cells, encoded."""
    encoded = countries if pa.types.is_dictionary(countries.type) else countries.dictionary_encode()
    names = encoded.dictionary.cast(pa.string()).to_pylist()
    return [(country_code(name) or "") if name is not None and trim(name) else None for name in names], encoded
