"""A declaration: one audience, where its people come from, where they go, and when.

`declarations.py` reads them from the user's `audiences.yml`, `configurations.py` from the rows of a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from lambdas.sync.source import Selection


class SourceKind(StrEnum):
    """What a source is."""

    POSTGRES = "postgres"
    ATHENA = "athena"


@dataclass(frozen=True)
class SourceDeclaration:
    """A source by name. `workgroup` and `database` are Athena's, "" for Postgres.

    What needs infrastructure (host, secret, network) is in the settings under the same name.
    """

    name: str
    kind: SourceKind
    workgroup: str = ""
    database: str = ""


@dataclass(frozen=True)
class Schedule:
    """When an audience is due: on the wall clock of `zone`, first on the day `start` at `at`, then every so often.

    `every_hours` are hours on the wall clock, at least 1: 48 is every second day at the same time of day, also
    where a clock change makes a day an hour longer or shorter.
    """

    start: date
    at: time
    zone: ZoneInfo
    every_hours: int


@dataclass(frozen=True)
class Target:
    """Where the people go: a connector, an audience by its name there, and an ad account.

    `account` is "" for the account that the connector's secret names, `audience_id` the audience's id at the
    platform, "" where its name finds it.
    """

    connector: str
    audience: str
    account: str = ""
    audience_id: str = ""


@dataclass(frozen=True)
class Declaration:
    """One audience, kept in step with its source.

    `name` is unique among the declarations of a file and of its tables, 1 to 64 characters. `action` is mirror,
    add or replace. `options` are those of `_audience.json`, the guard among them. `paused` ones are never due.
    `asked_for` is a time at which it is due beside its schedule, None for none: who sets the `next_sync` of a
    table's row asks for that. `row` is the row that it is declared by, None for one of the file.
    """

    name: str
    source: str
    selection: Selection
    to: tuple[Target, ...]
    schedule: Schedule
    action: str = "mirror"
    options: Mapping[str, Any] = field(default_factory=dict)
    paused: bool = False
    asked_for: datetime | None = None
    row: TableRow | None = None


@dataclass(frozen=True)
class TableDeclaration:
    """A table whose rows are declarations too.

    `like` names the declaration that gives columns, selection, consent, guard and schedule. `audience` is the
    template of the audiences' names, with {system_name} and {month}; `connector` is used for every row, "" for
    the one whose accounts hold the row's.
    """

    source: str
    table: str
    like: str
    audience: str
    connector: str = ""


@dataclass(frozen=True)
class TableRow:
    """One row of a table that declares audiences, by its `system_name`."""

    table: TableDeclaration
    system_name: str


@dataclass(frozen=True)
class Declarations:
    """Everything that one `audiences.yml` says."""

    sources: tuple[SourceDeclaration, ...]
    audiences: tuple[Declaration, ...]
    tables: tuple[TableDeclaration, ...] = ()

    def source(self, name: str) -> SourceDeclaration:
        """Return a source by its name; raises KeyError."""
        return {one.name: one for one in self.sources}[name]
