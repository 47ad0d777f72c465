"""Columns of a PostgreSQL selection by their types: cast to text explicitly, or refused.

The driver passes numeric and enum columns on in forms of its own, and an enum that is newer than the connection as
raw bytes. So the server writes every column as text, and the types are asked of the server, not of the driver.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lambdas.sync.extract.consent import check_answers, folded
from lambdas.sync.extract.postgres_session import Session
from lambdas.sync.source import (
    Consent,
    column_missing,
    column_not_understood,
    consent_missing,
    selection_failed,
    unreachable,
)

_TEXTS = frozenset({"text", "varchar", "bpchar", "name", "citext"})
_WHOLE = frozenset({"int2", "int4", "int8"})
_FRACTIONS = frozenset({"numeric", "float4", "float8"})
_TIMES = frozenset({"date", "timestamp", "timestamptz"})
_PLAIN = _TEXTS | _WHOLE | _FRACTIONS | _TIMES | {"bool", "uuid"}
# Each row is a column's position, its own type's name, the type under its domains, that one's kind, whether it is
# one of PostgreSQL's own or of its extension citext, and the labels of an enum.
# https://www.postgresql.org/docs/18/catalog-pg-type.html, read 2026-11-30
_TYPES = """
with recursive under as (
  select position, oid as declared, oid as reached
  from unnest(array[{types}]::oid[]) with ordinality as asked(oid, position)
  union all
  select position, declared, typbasetype
  from under join pg_catalog.pg_type t on t.oid = reached where typtype = 'd'
)
select position::int8, pg_catalog.format_type(declared, null)::text, t.typname::text, t.typtype::text,
  (t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace or t.typname = 'citext')::bool,
  (select string_agg(enumlabel, chr(10)) from pg_catalog.pg_enum where enumtypid = t.oid)::text
from under join pg_catalog.pg_type t on t.oid = reached where t.typtype <> 'd' order by position
"""


@dataclass(frozen=True)
class ColumnForm:
    """A column's type: its name for a person, that of the type under its domains, and an enum's labels."""

    column: str
    shown: str
    base: str
    labels: tuple[str, ...] = ()

    @property
    def cast(self) -> str:
        """Return the expression that writes the column as text; char(n) loses its padding."""
        return f"{quoted(self.column)}::text"

    @property
    def answer(self) -> str:
        """Return the same for a column of consent, of which 1.0 is the answer 1."""
        return f"{quoted(self.column)}::float8::text" if self.base in _FRACTIONS else self.cast


def quoted(name: str) -> str:
    """Return a name as SQL quotes it."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def column_forms(
    session: Session, selection: str, columns: Sequence[str], consent: Consent | None
) -> list[ColumnForm]:
    """Return the forms of a selection's columns, in their order, that of consent last if it is not among them.

    Raises ConfigError: column_missing, column_not_understood, consent_missing (absent, of a type that is not
    understood, or of one that never holds an allowed answer), selection_failed, source_denied; Retryable
    (source_unreachable) for a type that is newer than the transaction.
    """
    names = session.names(selection)
    asked = [*columns, *([consent.column] if consent and consent.column not in columns else [])]
    for column in asked:
        if column not in names:
            raise (
                consent_missing(column, "is not selected")
                if _is(column, consent)
                else column_missing(column, sorted(names))
            )
        if names.count(column) > 1:
            raise selection_failed(f"column {column!r} is selected twice")
    types = _types(session, selection, asked)
    if len(types) < len(asked):  # the catalogue is read as of the transaction's beginning, names as of now
        raise unreachable("a column's type was made while the selection was being read", after_s=5)
    forms = [_form(column, row, consent) for column, row in zip(asked, types, strict=True)]
    for form in forms:
        if consent and form.column == consent.column:
            _check_consent(consent, form)
    return forms


def _types(session: Session, selection: str, columns: Sequence[str]) -> list[tuple[object, ...]]:
    # A subquery without rows is a null of the column's type: nothing of the selection is executed.
    types = [
        f"pg_catalog.pg_typeof((select {quoted(column)} from (\n{selection}\n) as selection limit 0))::oid"
        for column in columns
    ]
    return session.rows(_TYPES.format(types=", ".join(types)))


def _form(column: str, row: tuple[object, ...], consent: Consent | None) -> ColumnForm:
    _, shown, base, kind, is_known, labels = row
    enum = kind == "e"
    if not enum and not (is_known and kind == "b" and base in _PLAIN):
        if _is(column, consent):
            raise consent_missing(column, f"has the type {shown}, which is not understood")
        raise column_not_understood(column, str(shown))
    return ColumnForm(column, str(shown), str(base), tuple(str(labels).split("\n")) if enum and labels else ())


def _check_consent(consent: Consent, form: ColumnForm) -> None:
    if form.base in _TEXTS:
        return
    if form.base == "bool":
        possible = ["true", "false"]
    elif form.base in _WHOLE | _FRACTIONS:
        possible = [one for one in consent.allow if _is_number(folded(one), whole=form.base in _WHOLE)]
    else:
        possible = list(form.labels)
    check_answers(consent, possible, form.shown)


def _is(column: str, consent: Consent | None) -> bool:
    return consent is not None and column == consent.column


def _is_number(text: str, *, whole: bool) -> bool:
    try:
        return bool(int(text) or True) if whole else math.isfinite(float(text))
    except ValueError:
        return False
