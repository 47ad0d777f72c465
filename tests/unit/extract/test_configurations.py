"""A table of configurations as declarations, in a real PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from activation.errors import ConfigError

from lambdas.sync.configurations import declaration_name
from lambdas.sync.declaration import Target
from lambdas.sync.due import due_slot
from tests.unit.extract.configured import (
    EVERY,
    GROUP,
    LIKE,
    MIGRATE,
    REVERT,
    STATEMENTS,
    TABLE,
    Configured,
    like_sql,
)

SAMPLE = STATEMENTS / "active_customers.sql"


def test_a_row_is_a_declaration(configured: Configured) -> None:
    """The document's row gives tenants, account, audience, schedule and whether it is paused."""
    configured.insert("Kangoo", account="act_200", more="custom_audience_id = '77', schedule_hours = 48")
    configured.insert("Brio", more="is_active = false, schedule_hours = null")
    found = configured.declared()
    kangoo, brio = found["cdp:Kangoo"], found["cdp:Brio"]
    assert kangoo.to == (Target("meta-group", "CDP - Kangoo", "200", "77"),)
    assert kangoo.selection.params == {"tenants": (20, 25), "not_segments": ("Lost", "Hibernating")}
    assert (kangoo.schedule.every_hours, kangoo.schedule.zone) == (48, LIKE.schedule.zone)
    assert (kangoo.paused, kangoo.action, kangoo.selection.consent) == (False, "mirror", LIKE.selection.consent)
    assert brio.to == (Target("meta-group", "CDP - Brio"),)
    assert (brio.paused, brio.schedule.every_hours) == (True, 24)
    assert not configured.problems


def extracted(configured: Configured, name: str, **options: object) -> set[str]:
    """Extract a row's selection, and return the ids."""
    declared = configured.declared(like=options.pop("like", LIKE))[name]  # type: ignore[arg-type]  # what a test gives, of any type
    return set(configured.world.read(configured.world.extract(declared.selection))["id"].to_pylist())


def expected(configured: Configured, where: str) -> set[str]:
    """Return the ids of the customers that a condition selects, of those who consented."""
    rows = configured.world.server.rows(
        "select c.id::text from customers_master c left join cdp.cdp_rfm_analysis r on r.customer_id = c.id"
        f" where accepts_marketing and email like '%@%.%' and {where}"
    )
    return {str(one) for (one,) in rows}


def test_the_default_selection_is_the_documents(configured: Configured) -> None:
    """Tenants, a valid e-mail address, segments that are not excluded, consent; no analysis is no exclusion."""
    configured.insert("kangoo")
    wanted = expected(
        configured, "tenant_id in (20, 25) and coalesce(rfm_segment, '') not in ('Lost','Hibernating')"
    )
    assert extracted(configured, "cdp:kangoo") == wanted
    assert len(wanted) > 100
    sample = like_sql(SAMPLE.read_text())
    assert extracted(configured, "cdp:kangoo", like=sample) == wanted


def test_null_and_double_addresses_are_told_apart(configured: Configured) -> None:
    """Who has no valid address is left out; two customers who share one are two rows with a consent each."""
    server = configured.world.server
    configured.insert("kangoo", tenants="777")
    people = [("900001", "null", "true"), ("900002", "'one@example.com'", "true"), ("900003", "''", "true"),
              ("900004", "'one@example.com'", "true"), ("900005", "'one@example.com'", "false"),
              ("900006", "'a@b@c.example'", "true"), ("900007", "'no dot@example'", "true")]  # fmt: skip
    rows = ", ".join(f"({id_}, 777, {email}, {consent})" for id_, email, consent in people)
    server.run(f"insert into customers_master (id, tenant_id, email, accepts_marketing) values {rows}")
    try:
        assert extracted(configured, "cdp:kangoo") == {"900002", "900004"}
    finally:
        server.run("delete from customers_master where tenant_id = 777")


def test_the_analysis_is_found_in_either_place(configured: Configured) -> None:
    """The RFM table may stand in the schema cdp or beside the customers."""
    configured.insert("kangoo")
    before = extracted(configured, "cdp:kangoo")
    server = configured.world.server
    server.run("alter table cdp.cdp_rfm_analysis set schema public")
    try:
        assert extracted(configured, "cdp:kangoo") == before
    finally:
        server.run("alter table public.cdp_rfm_analysis set schema cdp")


def test_a_segment_that_is_stored_twice_multiplies_nobody(configured: Configured) -> None:
    """A customer with two analyses is one row, and excluded if either excludes: no wrong join can send more."""
    server = configured.world.server
    configured.insert("kangoo")
    before = extracted(configured, "cdp:kangoo")
    one = next(iter(before))
    server.run("alter table cdp.cdp_rfm_analysis drop constraint cdp_rfm_analysis_pkey")
    server.run("insert into cdp.cdp_rfm_analysis select customer_id, 'Loyal' from cdp.cdp_rfm_analysis")
    server.run(f"insert into cdp.cdp_rfm_analysis values ({one}, 'Lost')")
    try:
        declared = configured.declared()["cdp:kangoo"]
        extract = configured.world.extract(declared.selection)
        found = configured.world.read(extract)["id"].to_pylist()
        assert len(found) == len(set(found))
        assert set(found) == before - {one}
    finally:
        server.run(
            "delete from cdp.cdp_rfm_analysis where ctid not in (select min(ctid) from cdp.cdp_rfm_analysis"
            " group by customer_id)",
            "alter table cdp.cdp_rfm_analysis add primary key (customer_id)",
        )


def test_a_value_comes_from_the_analysis_of_value(configured: Configured) -> None:
    """A declared column that the customers lack is the value of a value-based audience."""
    configured.insert("kangoo")
    like = replace(
        LIKE,
        selection=replace(LIKE.selection, columns=(*LIKE.selection.columns, ("predicted_clv", "value"))),
    )
    declared = configured.declared(like=like)["cdp:kangoo"]
    table = configured.world.read(configured.world.extract(declared.selection))
    ids, values = table["id"].to_pylist(), table["predicted_clv"].to_pylist()
    rows = configured.world.server.rows("select customer_id::text, predicted_clv::text from cdp.cdp_clv_analysis")
    known = {str(key): str(value) for key, value in rows}
    assert [known.get(one) for one in ids] == values
    assert any(values)
    assert None in values


def test_a_new_row_is_due_at_once_and_a_wish_is_due_now(configured: Configured) -> None:
    """Inserted, a row is due at the next tick; later at its next_sync, which somebody may set; not when paused."""
    configured.now = datetime.now(UTC)
    configured.insert("kangoo", more="created_at = now() at time zone 'UTC'")
    configured.insert("paused", more="is_active = false")
    found = configured.declared()
    later = configured.now + timedelta(minutes=5)
    first = due_slot(found["cdp:kangoo"], later, "")
    assert first is not None
    assert abs(first.at - configured.now) < timedelta(minutes=1)
    assert due_slot(found["cdp:kangoo"], later, first.name) is None
    assert due_slot(found["cdp:paused"], later, "") is None
    configured.world.server.run(
        "update cdp.facebook_configurations set last_sync = now() at time zone 'UTC',"
        " next_sync = (now() + interval '1 minute') at time zone 'UTC'"
    )
    wished = due_slot(configured.declared()["cdp:kangoo"], later, first.name)
    assert wished is not None
    assert wished.at > first.at


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"tenants": ""}, "tenants_missing"),
        ({"account": "act_999"}, "account_not_served"),
        ({"account": " "}, "account_missing"),
        ({"more": "schedule_hours = 0"}, "bad_schedule"),
        ({"more": "time_zone = 'Mars/Olympus'"}, "bad_time_zone"),
        ({"more": "audience_template = 'a/{system_name}'"}, "bad_audience_name"),
        ({"more": "audience_template = '{customer}'"}, "bad_audience_name"),
        ({"more": "platform = 'tiktok'"}, "account_not_served"),
    ],
)
def test_a_wrong_row_says_why_and_keeps_no_other_back(
    configured: Configured, row: dict[str, str], code: str
) -> None:
    """A row that cannot be filled is told by its code and what to write; the others are declared."""
    configured.world.server.run(MIGRATE.read_text())
    configured.insert("wrong", **row)
    configured.insert("right")
    assert set(configured.declared()) == {"cdp:right"}
    ((name, found),) = [(one.system_name, one.error.code) for one in configured.problems]
    assert (name, found) == ("wrong", code)


def test_any_account_is_served_by_the_connector_that_takes_any(configured: Configured) -> None:
    """An account that nobody has deployed for goes to the one connector whose token may reach it."""
    configured.connectors = (GROUP, EVERY)
    configured.insert("new", account="act_555")
    configured.insert("own", account="100")
    found = configured.declared()
    assert found["cdp:new"].to == (Target("meta-any", "CDP - new", "555"),)
    assert found["cdp:own"].to == (Target("meta-group", "CDP - own"),)
    configured.connectors = (EVERY, replace(EVERY, connector="meta-more"))
    assert not configured.declared()
    assert {one.error.code for one in configured.problems} == {"account_not_served"}
    named = configured.declared(replace(TABLE, connector="meta-more"))
    assert named["cdp:new"].to[0].connector == "meta-more"


def test_the_migration_adds_what_is_missing_and_is_reverted(configured: Configured) -> None:
    """Run twice it changes nothing more; reverted, the tables are as before, the group's own columns included."""
    server = configured.world.server
    columns = "select attrelid::regclass::text, attname::text, attnum::int8 from pg_attribute where attrelid in"
    columns += " ('customers_master'::regclass, 'cdp.facebook_configurations'::regclass) and attnum > 0"
    columns += " and not attisdropped order by 1, 3"
    before = server.rows(columns)
    server.run(MIGRATE.read_text())
    added = server.rows(columns)
    server.run(MIGRATE.read_text())
    assert server.rows(columns) == added
    assert {str(row[1]) for row in added} - {str(row[1]) for row in before} == {
        "platform", "audience_template", "excluded_segments", "time_zone",
    }  # fmt: skip
    server.run(REVERT.read_text())
    server.run(REVERT.read_text())
    assert server.rows(columns) == before


def test_the_migrations_columns_are_the_rows_own(configured: Configured) -> None:
    """Audience, excluded segments and zone are each row's; an empty list excludes nobody."""
    configured.world.server.run(MIGRATE.read_text())
    configured.insert("kangoo", more="audience_template = '{system_name} {month}', time_zone = 'Europe/Lisbon'")
    configured.insert("brio", more="excluded_segments = '{}', tenant_ids = array[100, 107]")
    found = configured.declared()
    assert found["cdp:kangoo"].to[0].audience == "kangoo 2026-12"
    assert found["cdp:kangoo"].schedule.zone.key == "Europe/Lisbon"
    assert found["cdp:brio"].schedule.zone.key == "America/Argentina/Buenos_Aires"
    assert extracted(configured, "cdp:brio") == expected(configured, "tenant_id in (100, 107)")


def test_a_consent_column_that_is_dropped_stops_the_slot(configured: Configured) -> None:
    """Without the column, nobody is extracted and nobody is said to have refused."""
    server = configured.world.server
    configured.insert("kangoo")
    server.run("alter table customers_master rename accepts_marketing to gone")
    try:
        with pytest.raises(ConfigError) as caught:
            extracted(configured, "cdp:kangoo")
        assert caught.value.code == "consent_missing"
        assert not configured.world.files
    finally:
        server.run("alter table customers_master rename gone to accepts_marketing")


def test_sql_that_asks_for_no_tenants_would_mix_the_systems(configured: Configured) -> None:
    """SQL that does not name :tenants is refused for every row."""
    configured.insert("kangoo")
    assert not configured.declared(
        like=like_sql("select id, email, phone, accepts_marketing from customers_master")
    )
    assert [one.error.code for one in configured.problems] == ["tenants_not_selected"]


def test_rows_that_fill_one_audience_are_refused_until_one_is_paused(configured: Configured) -> None:
    """By one name or by one id in one account, whichever row came first; other rows go on."""
    for system, more in (
        ("alike", "custom_audience_id = '7'"),
        ("twin", "custom_audience_id = '7'"),
        ("elsewhere", "ad_account_id = '200', custom_audience_id = '7'"),
    ):
        configured.insert(system, more=more)
    assert [*configured.declared()] == ["cdp:elsewhere"]
    assert [(one.system_name, one.error.code) for one in configured.problems] == [
        ("alike", "audience_shared"),
        ("twin", "audience_shared"),
    ]
    configured.world.server.run(
        "update cdp.facebook_configurations set is_active = false where system_name = 'twin'"
    )
    assert {*configured.declared()} == {"cdp:alike", "cdp:elsewhere", "cdp:twin"}
    named_alike = replace(TABLE, audience="Customers")
    assert [*configured.declared(named_alike)] == ["cdp:alike", "cdp:elsewhere", "cdp:twin"]
    configured.insert("fourth")
    assert [*configured.declared(named_alike)] == ["cdp:elsewhere", "cdp:twin"]


def test_a_row_does_not_fill_what_the_file_fills(configured: Configured) -> None:
    """The connector's own account is the same with and without its id, and with the prefix."""
    configured.insert("kangoo")
    for account in ("", "100", "act_100"):
        ours = replace(LIKE, paused=False, to=(Target("meta-group", "CDP - kangoo", account),))
        configured.problems.clear()
        assert configured.tables.rows(TABLE, LIKE, [ours]) == []
        assert [one.error.code for one in configured.problems] == ["audience_shared"]
    other = replace(LIKE, paused=False, to=(Target("meta-group", "CDP - kangoo", "200"),))
    assert len(configured.tables.rows(TABLE, LIKE, [other])) == 1


def test_a_name_that_an_earlier_table_has_is_that_rows_error(configured: Configured) -> None:
    """The second table's row says why it is not run, in its own table; the first one's is untouched."""
    server, second = configured.world.server, "cdp.more_configurations"
    configured.insert("kangoo")
    server.run(
        f"create table {second} (like cdp.facebook_configurations including all)",
        f"insert into {second} select * from cdp.facebook_configurations",
        f"grant select, update on {second} to app",
    )
    try:
        table = replace(TABLE, table=second)
        assert configured.tables.rows(table, LIKE, [replace(LIKE, name="cdp:kangoo")]) == []
        configured.statuses.wrong(configured.problems)
        ((error,),) = server.rows(f"select error_log from {second}")
        assert str(error).startswith("system_name_twice: ")
        assert configured.column("kangoo", "sync_status", "error_log") == ("pending", None)
    finally:
        server.run(f"drop table {second}")


def test_a_table_that_is_not_there_is_named(configured: Configured) -> None:
    """A wrong name, and a table without the columns that a row needs, stop the table."""
    with pytest.raises(ConfigError, match=r"cdp\.nothing") as caught:
        configured.declared(replace(TABLE, table="cdp.nothing"))
    assert caught.value.code == "table_missing"
    with pytest.raises(ConfigError, match="system_name, ad_account_id, tenant_ids, is_active") as lacking:
        configured.declared(replace(TABLE, table="cdp.cdp_clv_analysis"))
    assert lacking.value.code == "columns_missing"


def test_names_of_systems_are_told_apart() -> None:
    """Any name of a system becomes one that a receipt shows, and two never become the same."""
    systems = ["kangoo", "Kangoo", "kán goo", "kan-goo", "kan goo", "x" * 80, "x" * 81, "/", "日本", "中国"]
    names = [declaration_name(TABLE, one) for one in systems]
    assert len(set(names)) == len(systems)
    assert all(len(name) <= 64 and name.isascii() for name in names)
    assert names[0] == "cdp:kangoo"
