"""The UNLOAD of an extraction: the declaration's SELECT, its parameters, casts, and consent as a partition.

https://docs.aws.amazon.com/athena/latest/ug/unload.html, read 2026-11-30.
"""

from __future__ import annotations

import re

from lambdas.sync.extract.column_forms import quoted
from lambdas.sync.extract.consent import folded
from lambdas.sync.parameters import Named, pieces
from lambdas.sync.source import Consent, Parameter, Scalar, Selection, not_configured

ALLOWED = "activation_allowed"  # the partition: 1 for who may be sent, 0 for who may not
_END = re.compile(r"[;\s]+\Z")


def unload_sql(selection: Selection, columns: list[str], target: str) -> str:
    """Return the statement that writes a selection's columns as texts below `target`, an S3 URL.

    Rows without consent are written as well, so that they are counted by the same scan, but into a partition of
    their own, and without any value.

    Raises ConfigError (source_not_configured) for a parameter without a value.
    """
    partition = "" if selection.consent is None else f", partitioned_by = array['{ALLOWED}']"
    return (
        f"unload ({texts_sql(selection, columns)}) to {_literal(target)}"
        f" with (format = 'PARQUET', compression = 'ZSTD'{partition})"
    )


def texts_sql(selection: Selection, columns: list[str]) -> str:
    """Return the SELECT of a selection's columns as texts, with ALLOWED at the end if consent is asked for.

    Rows without consent have no other value. Raises as `unload_sql` does.
    """
    texts = [(name, f"cast({quoted(name)} as varchar)") for name in columns]
    if selection.consent is not None:
        allowed = _allowed(selection.consent)
        texts = [(name, f"case when {allowed} then {text} end") for name, text in texts]
        texts.append((ALLOWED, f"case when {allowed} then '1' else '0' end"))
    chosen = ", ".join(f"{text} as {quoted(name)}" for name, text in texts)
    return f"select {chosen} from (\n{_selected(selection)}\n) as selection"


def _selected(selection: Selection) -> str:
    if not selection.sql:
        return "select * from " + ".".join(quoted(one) for one in selection.table.split("."))
    parts = [
        _value(selection, piece.name) if isinstance(piece, Named) else piece for piece in pieces(selection.sql)
    ]
    return _END.sub("", "".join(parts))


def _allowed(consent: Consent) -> str:
    """Return the condition under which a row may be sent; of a null it is neither true nor an error."""
    answers = ", ".join(_literal(folded(one)) for one in consent.allow)
    return f"lower(trim(cast({quoted(consent.column)} as varchar))) in ({answers})"


def _value(selection: Selection, name: str) -> str:
    if name not in selection.params:
        raise not_configured(f"the SQL names the parameter :{name}, which has no value: write it under `params`")
    value: Parameter = selection.params[name]
    if isinstance(value, tuple):
        return f"({', '.join(map(_scalar, value))})"
    return _scalar(value)


def _scalar(value: Scalar) -> str:
    if isinstance(value, str):
        return _literal(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if value >= 0 else f"({value!r})"


def _literal(text: str) -> str:
    # Trino knows one sign in a text, the quote, and no escapes: https://trino.io/docs/current/language/types.html,
    # read 2026-11-30. A bound parameter of Athena's is put in as such a text as well.
    doubled = text.replace("'", "''")
    return f"'{doubled}'"
