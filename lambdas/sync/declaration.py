"""A declaration: one audience, where its people come from, where they go, and when.

`declarations.py` reads them from the user's `audiences.yml`, `configurations.py` from the rows of a table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, time
from enum import StrEnum
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
    """When an audience is due: at `at` on the wall clock of `zone`, every `every_days` days from `start` on."""

    start: date
    at: time
    zone: ZoneInfo
    every_days: int


@dataclass(frozen=True)
class GuardLimits:
    """What a mirror may do unasked, as in `_audience.json`; None leaves a limit to the connector's own guard.

    `leave` and `shrink` are shares from 0 to 1, `empty` is "stop" or "allow".
    """

    empty: str | None = None
    leave: float | None = None
    shrink: float | None = None


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
    add or replace. `paused` ones are never due.
    """

    name: str
    source: str
    selection: Selection
    to: tuple[Target, ...]
    schedule: Schedule
    action: str = "mirror"
    guard: GuardLimits = field(default_factory=GuardLimits)
    paused: bool = False


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
class Declarations:
    """Everything that one `audiences.yml` says."""

    sources: tuple[SourceDeclaration, ...]
    audiences: tuple[Declaration, ...]
    tables: tuple[TableDeclaration, ...] = ()

    def source(self, name: str) -> SourceDeclaration:
        """Return a source by its name; raises KeyError."""
        return {one.name: one for one in self.sources}[name]
