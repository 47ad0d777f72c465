"""The one SELECT of an extraction: the declaration's statement, its parameters, and casts around it."""

from __future__ import annotations

import re

from activation.errors import ConfigError

from lambdas.sync.extract.column_forms import ColumnForm, quoted
from lambdas.sync.extract.postgres_session import Session
from lambdas.sync.parameters import Named, pieces
from lambdas.sync.source import Consent, Parameter, Scalar, Selection, not_configured

# The semicolon of the end, with white space, is accepted; any other statement's is not.
_END = re.compile(r"[;\s]+\Z")


def selection_sql(session: Session, selection: Selection) -> str:
    """Return the selection as one SELECT with the values of its parameters in it.

    The values are quoted by the server that reads them (quote_literal), so that none can end its literal, whatever
    the server's settings are. They cannot be bound: the driver knows no lists, and a statement with bound values
    is not streamed, but held in memory as a whole.

    Raises ConfigError (source_not_configured) for a parameter without a value.
    """
    if not selection.sql:
        return "select * from " + ".".join(quoted(one) for one in selection.table.split("."))
    literals = _literals(session, selection)
    parts = [literals(piece.name) if isinstance(piece, Named) else piece for piece in pieces(selection.sql)]
    return _END.sub("", "".join(parts))


def extraction_sql(selection: str, forms: list[ColumnForm], consent: Consent | None) -> str:
    """Return the statement whose columns are all texts, by their names in the selection."""
    columns = [
        f"{form.answer if consent and form.column == consent.column else form.cast} as {quoted(form.column)}"
        for form in forms
    ]
    return f"select {', '.join(columns)} from (\n{selection}\n) as selection"


class _Literals:
    """The literals of parameters, by name."""

    def __init__(self, selection: Selection, texts: dict[str, str]) -> None:
        self._selection = selection
        self._texts = texts

    def __call__(self, name: str) -> str:
        if name not in self._selection.params:
            raise _without_value(name)
        value = self._selection.params[name]
        if not isinstance(value, tuple):
            return self._one(value)
        return f"({', '.join(self._one(one) for one in value)})"

    def _one(self, value: Scalar) -> str:
        if isinstance(value, str):
            return self._texts[value]
        if isinstance(value, bool):
            return "true" if value else "false"
        # A negative number in brackets: `x -:y` must not become a comment.
        return repr(value) if value >= 0 else f"({value!r})"


def _literals(session: Session, selection: Selection) -> _Literals:
    texts = sorted({one for value in selection.params.values() for one in _scalars(value) if isinstance(one, str)})
    if not texts:
        return _Literals(selection, {})
    quotes = ", ".join(f"pg_catalog.quote_literal(${number}::text)" for number in range(1, len(texts) + 1))
    (row,) = session.rows(f"select {quotes}", texts)
    return _Literals(selection, {text: str(literal) for text, literal in zip(texts, row, strict=True)})


def _scalars(value: Parameter) -> tuple[Scalar, ...]:
    return value if isinstance(value, tuple) else (value,)


def _without_value(name: str) -> ConfigError:
    return not_configured(f"the SQL names the parameter :{name}, which has no value: write it under `params`")
