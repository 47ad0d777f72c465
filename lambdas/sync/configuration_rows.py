"""The rows of a table of configurations, such as cdp.facebook_configurations, as they are in the database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from activation.errors import ConfigError

from lambdas.sync.default_selection import columns_of_table
from lambdas.sync.extract.column_forms import quoted
from lambdas.sync.extract.postgres_session import Session

REQUIRED = ("system_name", "ad_account_id", "tenant_ids", "is_active")
# How each column is read as a text: the app's own are there after docs/sync/migrate.sql alone. Times without a
# zone are UTC, as the session's.
_AS_TEXT = {
    "system_name": "{}::text",
    "ad_account_id": "{}::text",
    "tenant_ids": "to_json({})::text",
    "custom_audience_id": "{}::text",
    "is_active": "{}::text",
    "schedule_hours": "{}::text",
    "last_sync": "{}::timestamptz::text",
    "next_sync": "{}::timestamptz::text",
    "created_at": "{}::timestamptz::text",
    "platform": "{}::text",
    "audience_template": "{}::text",
    "excluded_segments": "to_json({})::text",
    "time_zone": "{}::text",
}


@dataclass(frozen=True)
class ConfigurationRow:
    """One row: "", None and no tenants for what it leaves out, and `excluded` None where it has no such column."""

    system_name: str
    account: str
    tenants: tuple[int | str, ...]
    audience_id: str
    is_active: bool
    schedule_hours: int | None
    last_sync: datetime | None
    next_sync: datetime | None
    created_at: datetime | None
    platform: str
    audience_template: str
    excluded: tuple[str, ...] | None
    time_zone: str


def read_rows(session: Session, table: str) -> list[ConfigurationRow]:
    """Return the rows in the order of their names.

    Raises ConfigError: table_missing, and columns_missing where the table lacks one that this app cannot do
    without; what reading raises otherwise.
    """
    quoted_table, columns = columns_of_table(session, [table])
    if lacking := [name for name in REQUIRED if name not in columns]:
        raise ConfigError("columns_missing", f"the table {table} has no column {', '.join(lacking)}: add it")
    expressions = [_AS_TEXT[name].format(quoted(name)) if name in columns else "null::text" for name in _AS_TEXT]
    rows = session.rows(f"select {', '.join(expressions)} from {quoted_table} order by {quoted('system_name')}")
    return [_row(dict(zip(_AS_TEXT, row, strict=True))) for row in rows]


def _row(texts: Mapping[str, object]) -> ConfigurationRow:
    def text(name: str) -> str:
        value = texts[name]
        return value.strip() if isinstance(value, str) else ""

    excluded = _listed(text("excluded_segments"))
    return ConfigurationRow(
        system_name=text("system_name"),
        account=text("ad_account_id"),
        tenants=tuple(one for one in _listed(text("tenant_ids")) or () if isinstance(one, int | str)),
        audience_id=text("custom_audience_id"),
        is_active=text("is_active") == "true",
        schedule_hours=int(text("schedule_hours")) if text("schedule_hours").isdecimal() else None,
        last_sync=_time(text("last_sync")),
        next_sync=_time(text("next_sync")),
        created_at=_time(text("created_at")),
        platform=text("platform"),
        audience_template=text("audience_template"),
        excluded=None if excluded is None else tuple(str(one) for one in excluded if one is not None),
        time_zone=text("time_zone"),
    )


def _listed(text: str) -> list[object] | None:
    found = json.loads(text) if text else None
    return found if isinstance(found, list) else None


def _time(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text and text not in {"infinity", "-infinity"} else None
