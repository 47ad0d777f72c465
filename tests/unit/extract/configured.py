"""The tables of a marketing group, and what reads and writes them, for tests of configurations and status."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from activation.errors import ConfigError

from lambdas.sync.configurations import ConfigurationTables, RowProblem
from lambdas.sync.connector_accounts import ConnectorAccounts
from lambdas.sync.declaration import (
    Declaration,
    Declarations,
    Schedule,
    SourceDeclaration,
    SourceKind,
    TableDeclaration,
    Target,
)
from lambdas.sync.extract.postgres_access import PostgresAccess
from lambdas.sync.source import Selection
from lambdas.sync.status import Statuses
from tests.unit.extract.world import YES, World

BUENOS_AIRES = ZoneInfo("America/Argentina/Buenos_Aires")
NOW = datetime(2026, 12, 3, 14, 0, tzinfo=UTC)
TABLE = TableDeclaration("cdp", "cdp.facebook_configurations", "customers", "CDP - {system_name}")
LIKE = Declaration(
    "customers",
    "cdp",
    Selection((("id", "ignore"), ("email", "email"), ("phone", "phone")), table="customers_master", consent=YES),
    (Target("meta-group", "never used"),),
    Schedule(date(2026, 12, 1), time(10), BUENOS_AIRES, 24),
    paused=True,
)
GROUP = ConnectorAccounts("meta-group", "meta", own="act_100", accounts=("act_200", "300"), prefix="act_")
EVERY = ConnectorAccounts("meta-any", "meta", accounts=("any",), prefix="act_")
STATEMENTS = Path(__file__).parents[3] / "docs" / "sync"
MIGRATE, REVERT = STATEMENTS / "migrate.sql", STATEMENTS / "revert.sql"


@dataclass
class Configured:
    """A database with configurations; `problems` are the rows that declared nothing."""

    world: World
    problems: list[RowProblem]
    connectors: tuple[ConnectorAccounts, ...] = (GROUP,)
    now: datetime = NOW

    def access(self, source: str) -> tuple[PostgresAccess, object]:
        """Return how the one source is reached."""
        if source != "cdp":
            raise ConfigError("source_not_configured", "no such source")
        return self.world.source().access, self.world.secret

    @property
    def tables(self) -> ConfigurationTables:
        """Return the tables as the function reads them."""
        reach: Callable[[str], tuple[PostgresAccess, object]] = self.access
        return ConfigurationTables(reach, self.connectors, self.problems.extend, lambda: self.now)  # type: ignore[arg-type]  # the clock of the test

    @property
    def statuses(self) -> Statuses:
        """Return what writes their status."""
        stored = Declarations((SourceDeclaration("cdp", SourceKind.POSTGRES),), (LIKE,), (TABLE,))
        return Statuses(self.tables, lambda: stored, lambda: self.now)

    def declared(self, table: TableDeclaration = TABLE, like: Declaration = LIKE) -> dict[str, Declaration]:
        """Return the rows' declarations by name, with a fresh list of problems."""
        self.problems.clear()
        return {one.name: one for one in self.tables.rows(table, like)}

    def insert(self, system: str, *, account: str = "100", tenants: str = "20, 25", more: str = "") -> None:
        """Insert a row as the document does; `more` are further columns and values, as in `a = b, c = d`."""
        self.world.server.run(
            "insert into cdp.facebook_configurations (system_name, ad_account_id, tenant_ids)"
            f" values ('{system}', '{account}', array[{tenants}]::int[])",
            *([f"update cdp.facebook_configurations set {more} where system_name = '{system}'"] if more else []),
        )

    def column(self, system: str, *names: str) -> tuple[object, ...]:
        """Return columns of a row, as texts."""
        columns = ", ".join(f"{name}::text" for name in names)
        (row,) = self.world.server.rows(
            f"select {columns} from cdp.facebook_configurations where system_name = '{system}'"
        )
        return row


def like_sql(sql: str, **params: object) -> Declaration:
    """Return the declaration that a table is like, with SQL of its own."""
    return replace(LIKE, selection=replace(LIKE.selection, table="", sql=sql, params=params))  # type: ignore[arg-type]  # what a test gives, of any type
