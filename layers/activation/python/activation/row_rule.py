"""Which rows may be sent, as values, and what a platform is told of their consent."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """Which rows a no takes out: its own, the earlier ones of its person as well, or all of its person's.

    With LAST, the last row of a person is the truth, in the order of the file.
    """

    ROW = "row"
    LAST = "last"
    IDENTIFIERS = "identifiers"


@dataclass(frozen=True)
class ConsentSignal:
    """What a platform wants to be told of people's consent: a field's `name`, and the `statuses` that it takes.

    `meaning` is for the documentation.
    """

    name: str
    statuses: tuple[str, ...]
    meaning: str


Told = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


@dataclass(frozen=True)
class RowRule:
    """A row is sent if its cell in `column` is one of `allow`, and else not: a blank or unknown one is a no.

    `allow` are folded answers, "" for a blank cell. `scope` is None where the settings leave it to the rule: see
    drops/row_filters.py. `key` is the column with the id of the person's record, by which rows of one person are
    recognised as well as by their identifiers; "" for none. `also` are further columns, each of which has to have
    one of the same answers: for mail, and for messages. An empty `column` is no rule. `tell` is what a platform
    is told of the rows that are sent: its name, and the status of each of its signals.
    """

    column: str = ""
    allow: tuple[str, ...] = ()
    scope: Scope | None = None
    key: str = ""
    also: tuple[str, ...] = ()
    tell: Told = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns that are all asked."""
        return (self.column, *self.also) if self.column else ()

    def __bool__(self) -> bool:
        return bool(self.column)


NO_RULE = RowRule()
