"""A mapping file as values: what an export's columns become, checked by `mapping_file.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from activation.identifiers.column_map import Entries
from activation.identifiers.table import Context
from activation.model import Action
from activation.row_rule import NO_RULE, RowRule

ROWS_PER_PART = 250_000


class Complete(StrEnum):
    """What says that an input folder is complete."""

    ANY = "any"  # a manifest if there is one; else all files, unless a writer's temporary folder is still there
    SIGN = "sign"  # a manifest or a _SUCCESS has to be there


class OutputFormat(StrEnum):
    """How the parts are written."""

    PARQUET = "parquet"
    CSV = "csv"


class Compare(StrEnum):
    """How a condition compares a cell with its operand."""

    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    IN = "in"
    NOT_IN = "not_in"
    AT_LEAST = "at_least"
    ABOVE = "above"
    AT_MOST = "at_most"
    BELOW = "below"
    PRESENT = "present"


ORDERED = frozenset((Compare.AT_LEAST, Compare.ABOVE, Compare.AT_MOST, Compare.BELOW))


class Derive(StrEnum):
    """What a derived column is made of."""

    YEAR = "year_of"
    MONTH = "month_of"
    DAY = "day_of"
    PERIOD = "period_of"
    JOIN = "join"


class DecimalSign(StrEnum):
    """What stands before the decimals of a number."""

    POINT = "."
    COMMA = ","
    EITHER = "either"  # of exports whose files differ


class Period(StrEnum):
    """The spans of time that a date can be cut to."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class Function(StrEnum):
    """What is kept of the rows of a group."""

    COUNT = "count"
    COUNT_DISTINCT = "count_distinct"
    SUM = "sum"
    MIN = "min"
    MAX = "max"
    FIRST = "first"
    LAST = "last"
    EARLIEST = "earliest"
    LATEST = "latest"


NUMERIC = frozenset((Function.SUM, Function.MIN, Function.MAX))
TIMES = frozenset((Function.EARLIEST, Function.LATEST))
EVERY_ROW = "*"  # what `count` counts when it counts rows


@dataclass(frozen=True)
class Input:
    """How the export is read.

    `format` is csv, tsv, jsonl or parquet, "" for whatever the content shows. `delimiter`, `encoding` and `escape`
    ("doubled" or "backslash") are "" where the content decides. `nulls` are the cells that mean "no value",
    `decimal` is how numbers are written that are summed or compared.
    """

    format: str = ""
    delimiter: str = ""
    encoding: str = ""
    escape: str = ""
    nulls: tuple[str, ...] = ()
    complete: Complete = Complete.ANY
    decimal: DecimalSign = DecimalSign.POINT


@dataclass(frozen=True)
class Condition:
    """A condition on a column: `compare` it with `operand`: texts, a number or date as text, or "true"/"false"."""

    column: str
    compare: Compare
    operand: tuple[str, ...]
    numeric: bool = False


@dataclass(frozen=True)
class Derived:
    """A column made of others: `name`, how, of which columns; `period` for PERIOD, `separator` for JOIN."""

    name: str
    how: Derive
    of: tuple[str, ...]
    period: Period = Period.MONTH
    separator: str = " "


@dataclass(frozen=True)
class Aggregate:
    """A column of groups: `name`, the function, and the column it is of (EVERY_ROW for a count of rows)."""

    name: str
    function: Function
    of: str


@dataclass(frozen=True)
class Target:
    """Where the drop is meant to go, as the parts of its key."""

    platform: str
    connector: str
    audience: str
    action: Action = Action.ADD


@dataclass(frozen=True)
class Output:
    """What is written: `identifiers` is raw, hashed or events; `event_id` are columns that identify an event."""

    identifiers: str
    format: OutputFormat = OutputFormat.PARQUET
    rows_per_part: int = ROWS_PER_PART
    event_id: tuple[str, ...] = ()
    deduplicate: bool = True


@dataclass(frozen=True)
class AudienceMapping:
    """A whole mapping file; see docs/glue.md.

    `columns` are entries as in `--map`, of the columns that are left after grouping. `consent` says which rows may
    be used. `context` is how cells are read.
    """

    target: Target
    output: Output
    columns: Entries = ()
    name: str = ""
    input: Input = Input()
    derived: tuple[Derived, ...] = ()
    filters: tuple[Condition, ...] = ()
    consent: RowRule = NO_RULE
    group_by: tuple[str, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    having: tuple[Condition, ...] = ()
    context: Context = field(default_factory=Context)

    @property
    def is_grouped(self) -> bool:
        """Return whether rows become groups."""
        return bool(self.group_by)

    @property
    def entries(self) -> Mapping[str, str]:
        """Return what is said of columns, by column."""
        return dict(self.columns)
