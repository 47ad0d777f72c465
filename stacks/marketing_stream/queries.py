"""Athena SQL that aggregates landed records correctly, as text.

Each line of the landed files is one column of the table, `line`, so that no field can be lost to a schema. A view
parts lines that hold several records, and the others read the fields from its rows. Amazon's advice, read
2026-11-22: keep one record of each idempotency_id, then sum, late and negative records included
(https://advertising.amazon.com/API/docs/en-us/guides/amazon-marketing-stream/querying-data).
"""

from __future__ import annotations

from dataclasses import dataclass

from stacks.marketing_stream.catalogue import Counting
from stacks.marketing_stream.fields import dataset_fields
from stacks.marketing_stream.record_fields import Fields

# Where a record ends and the next begins in one line, as Firehose wrote them without line ends: `}` and `{"` with
# the first letter of a name. Inside a text a quote that follows a brace ends the text, and no letter follows it.
_NEXT_RECORD = r'\}\s*\{\s*"([A-Za-z_])'
# Wide enough for a year's spend to a millionth; sums of decimals are exact, sums of doubles are not.
_NUMBER = "decimal(24, 6)"


@dataclass(frozen=True)
class Query:
    """One saved query: the view it creates, its name and its purpose."""

    name: str
    purpose: str
    sql: str


def table_name(dataset_id: str) -> str:
    """Return the name of the table, which is also the prefix of its views' names."""
    return dataset_id.replace("-", "_")


def queries(dataset_id: str, counting: Counting) -> tuple[Query, ...]:
    """Return the queries that create a dataset's views, in the order in which they must run."""
    fields, table = dataset_fields(dataset_id, counting), table_name(dataset_id)
    made = [_lines(table), _unreadable(dataset_id, table, fields)]
    if counting is Counting.DELTAS:
        made += [_records(dataset_id, table, fields), _hourly(table, fields)]
    elif counting is Counting.VERSIONS and fields.key:
        made += [_current(dataset_id, table, fields)]
    else:
        made += [_notices(dataset_id, table, fields)]
    return tuple(made)


def _lines(table: str) -> Query:
    # https://trino.io/docs/current/functions/regexp.html, read 2026-11-30
    return Query(
        f"{table}_lines",
        "Every landed record as a line of its own, also of files in which records stand back to back.",
        f'create or replace view {table}_lines as\nselect piece as line, "$path" as object\nfrom {table}\n'
        f"cross join unnest(split(regexp_replace(line, '{_NEXT_RECORD}', '}}' || chr(10) || '{{\"$1'), chr(10)))"
        " as pieces (piece)",
    )


def _records(dataset_id: str, table: str, fields: Fields) -> Query:
    # Records without an identifier must not count as copies of each other.
    same = f"coalesce({_text('idempotency_id')}, line)"
    return Query(
        f"{table}_records",
        "Every record once, with its fields; delivery is at least once.",
        _ranked_view(
            f"{table}_records",
            dataset_id,
            table,
            about=("idempotency_id", *fields.about),
            fields=fields,
            same=same,
            order="line",
        ),
    )


def _hourly(table: str, fields: Fields) -> Query:
    about = ", ".join(_column(one) for one in fields.about)
    sums = "".join(f",\n  sum({_column(one)}) as {_column(one)}" for one in fields.counted)
    return Query(
        f"{table}_hourly",
        "Totals per hour, including late and negative corrections.",
        f"create or replace view {table}_hourly as\n"
        f"select {about}{sums},\n  count(*) as records\nfrom {table}_records\ngroup by {about}",
    )


def _current(dataset_id: str, table: str, fields: Fields) -> Query:
    newest = _number("version") if fields.newest == "version" else _text(fields.newest)
    same = ", ".join(_text(one) for one in fields.key)
    return Query(
        f"{table}_current",
        "The newest known state of each entity: the highest version, whatever order they arrived in.",
        _ranked_view(
            f"{table}_current",
            dataset_id,
            table,
            about=fields.about,
            fields=fields,
            same=same,
            order=f"{newest} desc nulls last, line",
        ),
    )


def _notices(dataset_id: str, table: str, fields: Fields) -> Query:
    same = ", ".join(_text(one) for one in fields.key) or "line"
    return Query(
        f"{table}_notices",
        "Every notice once; Amazon may send a notice twice.",
        _ranked_view(
            f"{table}_notices", dataset_id, table, about=fields.about, fields=fields, same=same, order="line"
        ),
    )


def _unreadable(dataset_id: str, table: str, fields: Fields) -> Query:
    wrong = "".join(f"\n  or ({_text(one)} is not null and {_number(one)} is null)" for one in fields.counted)
    return Query(
        f"{table}_unreadable",
        "Lines that the other views omit or read only in part; it should be empty.",
        f"create or replace view {table}_unreadable as\nselect line, object\nfrom {table}_lines\n"
        f"where coalesce({_text('dataset_id')}, '') <> '{dataset_id}'{wrong}",
    )


def _ranked_view(
    view: str, dataset_id: str, table: str, *, about: tuple[str, ...], fields: Fields, same: str, order: str
) -> str:
    """Return a view that keeps the first of equal records, in `order`."""
    columns = [
        *(f"{_text(one)} as {_column(one)}" for one in about),
        *(f"{_number(one)} as {_column(one)}" for one in fields.counted),
        *(f"json_format(json_extract(line, '$.{one}')) as {_column(one)}" for one in fields.nested),
    ]
    names = ", ".join(_column(one) for one in (*about, *fields.counted, *fields.nested))
    inner = ",\n    ".join((*columns, f"row_number() over (partition by {same} order by {order}) as nth"))
    return (
        f"create or replace view {view} as\nselect {names}\nfrom (\n  select\n    {inner}\n  from {table}_lines\n"
        f"  where {_text('dataset_id')} = '{dataset_id}'\n)\nwhere nth = 1"
    )


def _text(field: str) -> str:
    return f"json_extract_scalar(line, '$.{field}')"


def _number(field: str) -> str:
    return f"try_cast({_text(field)} as {_NUMBER})"


def _column(field: str) -> str:
    """Return the column of a field: Athena's names are lower case, and some fields begin with an SQL keyword."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in field)
