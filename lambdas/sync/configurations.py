"""A table of configurations as declarations: the second way to say what `audiences.yml` says.

A row becomes the declaration that its `like` is, with the row's tenants, account, audience and schedule. Whoever
inserts one finds it filled at the next tick; whoever sets `next_sync` to now has it extracted now.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

from activation.errors import ActivationError, ConfigError

from lambdas.sync.configuration_rows import ConfigurationRow, read_rows
from lambdas.sync.connector_accounts import ConnectorAccounts, connector_for, fill_the_same
from lambdas.sync.declaration import Declaration, TableDeclaration, TableRow, Target
from lambdas.sync.declaration_fields import AUDIENCE
from lambdas.sync.default_selection import EXCLUDED, TENANTS, default_sql
from lambdas.sync.extract.postgres_access import PostgresAccess
from lambdas.sync.extract.postgres_session import Secret, Session, session
from lambdas.sync.parameters import parameter_names
from lambdas.sync.source import Parameter, Selection

PLATFORM = "meta"  # of a table that has no column for it
EXCLUDED_SEGMENTS = ("Lost", "Hibernating")
TIMEOUT_S = 20.0  # of a statement that reads or writes a table of configurations
_LONGEST_NAME = 64
_MOST_HOURS = 24 * 366


@dataclass(frozen=True)
class RowProblem:
    """A row that declares nothing as it is, and why."""

    table: TableDeclaration
    system_name: str
    error: ActivationError


@dataclass(frozen=True)
class RowDeclaration:
    """A row and the declaration that it is."""

    row: ConfigurationRow
    declaration: Declaration


def declaration_name(table: TableDeclaration, system_name: str) -> str:
    """Return the name of a row's declaration, which no declaration of the file can have: `cdp:kangoo`.

    It has 64 characters at most, of those that a receipt shows. Two systems never have one name.
    """
    plain = unicodedata.normalize("NFKD", system_name).encode("ascii", "ignore").decode()
    shown = re.sub(r"[^A-Za-z0-9_.-]+", "-", plain).strip("-")
    name = f"{table.source}:{shown}"
    if shown == system_name and len(name) <= _LONGEST_NAME:
        return name
    digest = hashlib.sha256(system_name.encode()).hexdigest()[:8]
    return f"{name[: _LONGEST_NAME - len(digest) - 1]}-{digest}"


@dataclass(frozen=True)
class ConfigurationTables:
    """Reads tables of configurations.

    `postgres` returns how a source is reached, by its name, and raises ConfigError. `connectors` are those of the
    deployment. `tell` is told of rows that declare nothing; a command that only looks passes nobody.
    """

    postgres: Callable[[str], tuple[PostgresAccess, Secret | None]]
    connectors: Sequence[ConnectorAccounts]
    tell: Callable[[Sequence[RowProblem]], None] | None = None
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def rows(
        self, table: TableDeclaration, like: Declaration, before: Sequence[Declaration] = ()
    ) -> Sequence[Declaration]:
        """Return the rows' declarations; a row that is wrong keeps no other back.

        A row is wrong as well whose name is that of a declaration `before`, or whose audience another one fills,
        before it or in this table: each would take out the other's people, and which one is meant is in doubt.
        """
        read, problems = self.read(table, like)
        names = {one.name for one in before}
        active = [one for one in (*before, *(each.declaration for each in read)) if not one.paused]
        found = []
        for one in read:
            if one.declaration.name in names:
                problems.append(RowProblem(table, one.row.system_name, _twice()))
            elif (other := self._filled_too(one.declaration, active)) is not None:
                problems.append(RowProblem(table, one.row.system_name, _shared(other)))
            else:
                found.append(one.declaration)
        if self.tell and problems:
            self.tell(problems)
        return found

    def _filled_too(self, declared: Declaration, active: Sequence[Declaration]) -> Declaration | None:
        """Return another active declaration of one of the audiences, None for none; a paused one fills nothing."""
        if declared.paused:
            return None
        for other in active:
            if other is not declared and any(
                fill_the_same(one, to, self.connectors) for one in declared.to for to in other.to
            ):
                return other
        return None

    def read(self, table: TableDeclaration, like: Declaration) -> tuple[list[RowDeclaration], list[RowProblem]]:
        """Return the rows with their declarations, and those that are wrong; raises Retryable and ConfigError."""
        access, secret = self.postgres(table.source)
        with session(access, secret, timeout_s=TIMEOUT_S) as opened:
            rows = read_rows(opened, table.table)
            selection = _selection(opened, like.selection)
        found: list[RowDeclaration] = []
        problems: list[RowProblem] = []
        for row in rows:
            try:
                declared = self._declaration(table, replace(like, selection=selection), row)
            except ConfigError as error:
                problems.append(RowProblem(table, row.system_name, error))
            else:
                found.append(RowDeclaration(row, declared))
        return found, problems

    def _declaration(self, table: TableDeclaration, like: Declaration, row: ConfigurationRow) -> Declaration:
        schedule = replace(
            like.schedule, every_hours=_hours(row, like), zone=_zone(row) if row.time_zone else like.schedule.zone
        )
        return replace(
            like,
            name=declaration_name(table, row.system_name),
            source=table.source,
            selection=replace(like.selection, params=_params(like.selection, row)),
            to=(self._target(table, row, self.clock().astimezone(schedule.zone)),),
            schedule=schedule,
            paused=not row.is_active,
            asked_for=_asked_for(row),
            row=TableRow(table, row.system_name),
        )

    def _target(self, table: TableDeclaration, row: ConfigurationRow, now: datetime) -> Target:
        template = row.audience_template or table.audience
        name = template.replace("{system_name}", row.system_name).replace("{month}", f"{now:%Y-%m}")
        if not re.fullmatch(AUDIENCE, name) or "{" in name:
            raise ConfigError(
                "bad_audience_name",
                "the audience's name has more than 128 letters, a slash, or a brace: correct system_name or"
                " audience_template, which may hold {system_name} and {month}",
            )
        if not row.account:
            raise ConfigError("account_missing", "ad_account_id is empty: write the ad account's id")
        connector = self._connector(table, row)
        return Target(connector.connector, name, connector.travelling(row.account), row.audience_id)

    def _connector(self, table: TableDeclaration, row: ConfigurationRow) -> ConnectorAccounts:
        if not table.connector:
            return connector_for(self.connectors, row.platform or PLATFORM, row.account)
        for one in self.connectors:
            if one.connector == table.connector:
                return one
        raise ConfigError(
            "connector_missing",
            f"no connector is called {table.connector}: correct it in `tables` of audiences.yml, or deploy",
        )


def _twice() -> ConfigError:
    return ConfigError(
        "system_name_twice",
        "another table of this source, which audiences.yml names before this one, has a row of this system_name:"
        " rename one of the two",
    )


def _shared(other: Declaration) -> ConfigError:
    return ConfigError(
        "audience_shared",
        f"{other.name} fills this row's audience as well, and each would take out the other's people: give the row"
        " an audience of its own, or pause one of the two",
    )


def _selection(opened: Session, selection: Selection) -> Selection:
    """Return the selection that each row's parameters are put into: the declared SQL, or that for its table."""
    if selection.sql:
        return selection
    return replace(selection, sql=default_sql(opened, selection), table="")


def _params(selection: Selection, row: ConfigurationRow) -> dict[str, Parameter]:
    """Return the parameters that the SQL names; raises ConfigError where the row has no tenants."""
    if not row.tenants:
        raise ConfigError(
            "tenants_missing", "tenant_ids is empty, so that the system has no customers: write its tenants"
        )
    declared = selection.params.get(EXCLUDED, EXCLUDED_SEGMENTS)
    # An empty list excludes nobody; "" is no segment, and a list in SQL must not be empty.
    excluded = declared if row.excluded is None else row.excluded or ("",)
    given = {**selection.params, TENANTS: row.tenants, EXCLUDED: excluded}
    named = parameter_names(selection.sql)
    if TENANTS not in named:
        raise ConfigError(
            "tenants_not_selected",
            "the SQL that the table is `like` does not name :tenants, so that every system would have the same"
            " customers: add `tenant_id in :tenants` to it",
        )
    return {name: value for name, value in given.items() if name in named}


def _hours(row: ConfigurationRow, like: Declaration) -> int:
    hours = like.schedule.every_hours if row.schedule_hours is None else row.schedule_hours
    if not 0 < hours <= _MOST_HOURS:
        raise ConfigError("bad_schedule", f"schedule_hours is not from 1 to {_MOST_HOURS}: 48 is every two days")
    return hours


def _zone(row: ConfigurationRow) -> ZoneInfo:
    if row.time_zone not in available_timezones():
        raise ConfigError(
            "bad_time_zone",
            "time_zone is not the IANA name of a time zone, such as America/Argentina/Buenos_Aires",
        )
    return ZoneInfo(row.time_zone)


def _asked_for(row: ConfigurationRow) -> datetime | None:
    """Return when the row is due beside its schedule: at its `next_sync`, and when it is new."""
    if row.next_sync is not None or row.last_sync is not None:
        return row.next_sync
    return row.created_at
