"""The selection from a customer data platform, where a declaration names its table of customers.

Customers of some tenants with an e-mail address that can be one, without those whose RFM segment is excluded.
"""

from __future__ import annotations

from collections.abc import Sequence

from activation.errors import ConfigError

from lambdas.sync.extract.column_forms import quoted
from lambdas.sync.extract.postgres_session import Session
from lambdas.sync.source import Selection

TENANTS, EXCLUDED = "tenants", "not_segments"
# What stands beside the customers, in the schema cdp or in the search path.
_SEGMENTS = ("cdp.cdp_rfm_analysis", "cdp_rfm_analysis")
_VALUES = ("cdp.cdp_clv_analysis", "cdp_clv_analysis")
# One @ with something on both sides, and a dot in what follows it. The platform's own rules judge the rest.
_EMAIL = r"'^[^@[:space:]]+@[^@[:space:]]+\.[^@.[:space:]]+$'"


def default_sql(session: Session, selection: Selection) -> str:
    """Return the statement for a selection that names its table of customers; it has :tenants and :not_segments.

    A declared column that the customers lack is taken from the analysis of their value (cdp_clv_analysis), which
    makes value-based audiences: its highest value, so that a customer stays one row whatever is analysed twice.

    Raises ConfigError (table_missing) where a table is absent or hidden from the user.
    """
    customers = selection.table
    of_customers = columns_of_table(session, [customers])[1]
    wanted = [name for name, _ in selection.columns]
    consent = selection.consent
    wanted += [consent.column] if consent and consent.column not in wanted else []
    taken = [f"c.{quoted(name)}" for name in wanted if name in of_customers]
    further = [name for name in wanted if name not in of_customers and (consent is None or name != consent.column)]
    if further:
        values, of_values = columns_of_table(session, _VALUES)
        taken += [
            f"(select max(v.{quoted(name)}) from {values} as v where v.customer_id = c.id) as {quoted(name)}"
            for name in further
            if name in of_values
        ]
    segments, _ = columns_of_table(session, _SEGMENTS)
    return f"""select {", ".join(taken)}
from {_quoted_table(customers)} as c
where c.tenant_id in :{TENANTS} and c.email ~ {_EMAIL}
  and not exists (
    select 1 from {segments} as r where r.customer_id = c.id and r.rfm_segment::text in :{EXCLUDED})"""


def columns_of_table(session: Session, places: Sequence[str]) -> tuple[str, frozenset[str]]:
    """Return the first of several tables that exists, quoted, and the names of its columns.

    Raises ConfigError with table_missing where none does.
    """
    for place in places:
        rows = session.rows(
            "select attname::text from pg_catalog.pg_attribute where attrelid = pg_catalog.to_regclass($1::text)"
            " and attnum > 0 and not attisdropped",
            [_quoted_table(place)],
        )
        if rows:
            return _quoted_table(place), frozenset(str(name) for (name,) in rows)
    raise ConfigError(
        "table_missing",
        f"the database has no table {' or '.join(places)}, or its user may not see it: correct the name in"
        " audiences.yml, or grant the user USAGE on its schema and SELECT on it",
    )


def _quoted_table(name: str) -> str:
    return ".".join(quoted(one) for one in name.split("."))
