"""Extraction from a real PostgreSQL: rows, types, parameters, consent."""

from __future__ import annotations

import pytest
from activation.errors import ConfigError, Retryable
from adbc_driver_postgresql.dbapi import connect as connect_database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdas.sync.extract.column_forms import column_forms
from lambdas.sync.extract.postgres_session import session
from lambdas.sync.extract.postgres_statement import selection_sql
from lambdas.sync.source import Consent
from tests.unit.extract.world import YES, World, selection

CUSTOMERS = """
select c.id, c.email, c.phone, c.accepts_marketing
from customers_master c left join cdp.cdp_rfm_analysis r on r.customer_id = c.id
where c.tenant_id in :tenants and c.email is not null
  and coalesce(r.rfm_segment, '') not in :without -- Lost; and: others
"""


def test_a_selection_is_extracted_with_its_parameters_and_consent(world: World) -> None:
    """Tenants, excluded segments and consent apply, and every row that the source returned is accounted for."""
    asked = selection(
        CUSTOMERS, "id", "email", "phone", consent=YES, tenants=(20, 25), without=("Lost", "Hibernating")
    )
    extract = world.extract(asked)
    rows = world.server.rows(
        "select count(*), count(*) filter (where accepts_marketing) from customers_master c"
        " left join cdp.cdp_rfm_analysis r on r.customer_id = c.id where tenant_id in (20, 25)"
        " and email is not null and coalesce(rfm_segment, '') not in ('Lost', 'Hibernating')"
    )
    assert rows == [(extract.rows_read, extract.rows)]
    assert 0 < extract.rows < extract.rows_read
    assert extract.left_out == {"no_consent": extract.rows_read - extract.rows}
    table = world.read(extract)
    assert table.column_names == ["id", "email", "phone", "accepts_marketing"]
    assert {str(one) for one in table.schema.types} == {"string"}
    assert set(table["accepts_marketing"].to_pylist()) == {"true"}


def test_a_table_is_extracted_by_its_name(world: World) -> None:
    """A table with its schema, and a name that needs quotes, are read as they are written."""
    world.server.run('create table t."Odd ""name" (c text)', """insert into t."Odd ""name" values ('x')""")
    extract = world.extract(selection("", table='t.Odd "name'))
    assert world.read(extract)["c"].to_pylist() == ["x"]
    assert world.extract(selection("", "id", table="customers_master")).rows == 3500


def test_an_empty_selection_is_one_part_without_rows(world: World) -> None:
    """A selection of nobody is said as such, not as an absent file."""
    extract = world.extract(selection("select 'x' as c where false", consent=Consent("c", ("x",))))
    assert [part.rows for part in extract.parts] == [0]
    assert (extract.rows_read, extract.left_out) == (0, {})
    assert world.read(extract).num_rows == 0


def test_parts_are_bounded(world: World) -> None:
    """A part that has reached its size is closed, and the next one goes on."""
    source = world.source()
    object.__setattr__(source, "part_bytes", 500_000)
    sql = "select md5(n::text) || md5((n + 1)::text) as c from generate_series(1, 700000) n"
    extract = world.extract(selection(sql), source=source)
    assert len(extract.parts) > 1
    assert extract.rows == extract.rows_read == 700_000
    assert sorted(world.files) == [part.key.rpartition("/")[2] for part in extract.parts]
    assert [part.size_bytes for part in extract.parts] == [
        (world.folder / name).stat().st_size for name in world.files
    ]


FORMS = [
    ("'a  '::char(5)", "a"),
    ("'a'::varchar(5)", "a"),
    ("'Lost'::t.segment", "Lost"),
    ("'x@y'::t.address", "x@y"),
    ("'x@y'::t.work_address", "x@y"),
    ("12.50::numeric(10,2)", "12.50"),
    ("7::smallint", "7"),
    ("0.1::float8", "0.1"),
    ("true", "true"),
    ("date '1990-05-03'", "1990-05-03"),
    ("timestamptz '2026-11-30 10:00:00+03'", "2026-11-30 07:00:00+00"),
    ("'0c3f3e0e-0a3c-4f7e-8b21-6f9f2f1a1b1c'::uuid", "0c3f3e0e-0a3c-4f7e-8b21-6f9f2f1a1b1c"),
    ("null::numeric", None),
    ("'łódź'::text", "łódź"),
]


@pytest.mark.parametrize(("expression", "text"), FORMS)
def test_a_column_is_read_by_an_explicit_cast(world: World, expression: str, text: str | None) -> None:
    """Fixed-length, enum, domain and numeric columns arrive as the texts that a person would write."""
    world.server.run(
        "create type t.segment as enum ('Lost', 'Loyal')",
        "create domain t.address as text check (value like '%@%')",
        "create domain t.work_address as t.address",
    )
    assert world.people(f"select {expression} as c")["c"].to_pylist() == [text]


def test_an_enum_that_is_newer_than_the_connection_is_read_as_its_label(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver knows the types of its connection's first moment, and passes the bytes of any other on."""
    newer = "create type t.newer as enum ('Lost', 'Loyal')"

    def connected(uri: str) -> object:
        connection = connect_database(uri)
        world.server.run(newer)
        return connection

    monkeypatch.setattr("lambdas.sync.extract.postgres_session.connect", connected)
    assert world.people("select 'Loyal'::t.newer as c")["c"].to_pylist() == ["Loyal"]


def test_an_enum_that_is_newer_than_an_earlier_session_is_read_as_its_label(world: World) -> None:
    """A process keeps what the driver knows of a database, and a type that was made since is read all the same."""
    world.people("select 'a' as c")
    world.server.run("create type t.newer as enum ('Lost', 'Loyal')")
    assert world.people("select 'Loyal'::t.newer as c")["c"].to_pylist() == ["Loyal"]


def test_the_types_of_a_database_are_read_once(world: World) -> None:
    """The first session of a process connects twice, each further one once; none stays connected."""
    before = world.proxy.connections
    for expected in (2, 1, 1):
        world.people("select 'a' as c")
        assert world.proxy.connections - before == expected
        before = world.proxy.connections
    open_now = "select count(*) from pg_stat_activity where application_name = 'audience-activation'"
    assert world.server.rows(open_now) == [(0,)]


def test_an_enum_that_is_newer_than_the_snapshot_is_read_at_the_next_attempt(world: World) -> None:
    """What its labels are cannot be known in a transaction that began before it."""
    asked, source = selection("select 'Loyal'::t.newer as c"), world.source()
    with session(source.access, source.secret, timeout_s=60) as opened:
        world.server.run("create type t.newer as enum ('Lost', 'Loyal')")
        with pytest.raises(Retryable, match="source_unreachable"):
            column_forms(opened, selection_sql(opened, asked), ["c"], None)
    assert world.read(world.extract(asked))["c"].to_pylist() == ["Loyal"]


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("'{}'::jsonb", "jsonb"),
        ("array['a']", "text[]"),
        ("'\\x00'::bytea", "bytea"),
        ("row(1, 2)", "record"),
        ("interval '1 day'", "interval"),
        ("money '1.00'", "money"),
        ("int4range(1, 2)", "int4range"),
        ("inet '10.0.0.1'", "inet"),
    ],
)
def test_a_column_of_another_form_stops_the_slot(world: World, expression: str, shown: str) -> None:
    """A type whose text may be read wrongly is refused by its name, before any row is read."""
    with pytest.raises(ConfigError, match="cast it to text in the SQL") as caught:
        world.people(f"select {expression} as c")
    assert caught.value.code == "column_not_understood"
    assert f"'c' has the type {shown}" in caught.value.sentence
    assert not world.files


ANSWERS = [
    ("null::boolean, true, false", ("true",), 1),
    ("1, 0, 2", ("1",), 1),
    ("1.0::numeric, 0, null", ("1", "yes"), 1),
    ("'Yes '::text, 'no', null", ("YES",), 1),
    ("'YES'::char(5), 'no', ''", ("yes",), 1),
    ("'granted'::t.answer, 'refused', null", ("Granted",), 1),
]


@pytest.mark.parametrize(("answers", "allow", "allowed"), ANSWERS)
def test_consent_is_read_from_every_form_of_answer(
    world: World, answers: str, allow: tuple[str, ...], allowed: int
) -> None:
    """Booleans, numbers, texts of any length and enums answer a question of consent; a null is a no."""
    world.server.run("create type t.answer as enum ('granted', 'refused')")
    asked = selection(f"select unnest(array[{answers}]) as agreed, 'x' as c", consent=Consent("agreed", allow))
    extract = world.extract(asked)
    assert (extract.rows_read, extract.rows, extract.left_out) == (3, allowed, {"no_consent": 3 - allowed})


@pytest.mark.parametrize(
    ("answer", "allow"),
    [
        ("true", ("yes",)),
        ("1", ("true",)),
        ("'granted'::t.answer", ("true",)),
        ("now()", ("true",)),
        ("'{}'::jsonb", ("true",)),
        ("array[true]", ("true",)),
        ("null", ("true",)),
    ],
)
def test_an_unreadable_answer_is_never_a_no(world: World, answer: str, allow: tuple[str, ...]) -> None:
    """A column of consent that can hold no allowed answer stops the slot, whatever is in it."""
    world.server.run("create type t.answer as enum ('granted', 'refused')")
    if answer == "null":
        world.server.run("create table t.people (c text)")
        sql = "select c from t.people"
    else:
        sql = f"select {answer} as agreed, 'x' as c"
    with pytest.raises(ConfigError) as caught:
        world.extract(selection(sql, consent=Consent("agreed", allow)))
    assert caught.value.code == "consent_missing"
    assert "'agreed'" in caught.value.sentence
    assert not world.files


def test_a_missing_column_is_named(world: World) -> None:
    """A declared column that the SQL does not select, and one that it selects twice, stop the slot."""
    with pytest.raises(ConfigError, match=r"no column 'phone' \(it has c\)") as caught:
        world.extract(selection("select 'x' as c", "c", "phone"))
    assert caught.value.code == "column_missing"
    with pytest.raises(ConfigError, match="'c' is selected twice") as twice:
        world.extract(selection("select 'x' as c, 'y' as c"))
    assert twice.value.code == "selection_failed"


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1))
def test_no_parameter_can_leave_its_literal(world: World, texts: list[str]) -> None:
    """Every text comes back as it went, in a list and alone."""
    sql = "select c from unnest(array[:first, :first]) c where c in :all union all select 'end'"
    found = world.people(sql, first=texts[0], all=tuple(texts))["c"].to_pylist()
    assert found == [texts[0], texts[0], "end"]


@pytest.mark.parametrize(
    "text", ["'); drop table customers_master; --", "\\'; select 1 --", "$$", "x' or '1' = '1", ":tenants"]
)
def test_sql_in_a_parameter_is_a_text(world: World, text: str) -> None:
    """SQL that somebody wrote into a value selects nobody, also where backslashes escape."""
    assert world.people("select email as c from customers_master where email = :text", text=text).num_rows == 0
    assert world.people("select :text as c", text=text)["c"].to_pylist() == [text]


def test_a_parameter_is_coerced_like_a_literal(world: World) -> None:
    """A text is compared with an enum, a date or a number, and a negative number is no comment."""
    world.server.run("create type t.segment as enum ('Lost', 'Loyal')")
    sql = (
        "select '1' as c where 'Lost'::t.segment in :segments and date '2026-01-01' = :day"
        " and 3 -:less = 5 and true = :flag and 1.5 = :half"
    )
    found = world.people(sql, segments=("Lost", "Loyal"), day="2026-01-01", less=-2, flag=True, half=1.5)
    assert found["c"].to_pylist() == ["1"]


def test_a_parameter_without_a_value_is_named(world: World) -> None:
    """The SQL's parameter that `params` lacks is refused by its name."""
    with pytest.raises(ConfigError, match=":tenants, which has no value") as caught:
        world.people("select 'x' as c where 1 in :tenants")
    assert caught.value.code == "source_not_configured"


@pytest.mark.parametrize(
    ("sql", "state"),
    [
        ("select c from t.nothing", "42P01"),
        ("select nothing as c from customers_master", "42703"),
        ("selec 'x' as c", "42601"),
        ("select 'x' as c; drop table customers_master", "42601"),
        ("select 'planted@example.com'::int as c", "22P02"),
        ("delete from customers_master returning id as c", "42601"),
        ("with gone as (delete from customers_master returning 1) select 'x' as c from gone", "0A000"),
        ("select nextval('t.numbers')::text as c", "25006"),
    ],
)
def test_a_statement_that_cannot_be_executed_is_refused_for_good(world: World, sql: str, state: str) -> None:
    """Mistakes, a second statement and every write end with the database's state, and without a value."""
    world.server.run("create sequence t.numbers", "grant usage on sequence t.numbers to app")
    with pytest.raises(ConfigError) as caught:
        world.people(sql)
    assert caught.value.code == "selection_failed"
    assert "planted" not in str(caught.value)
    assert state in caught.value.sentence or "a row could not be computed" in caught.value.sentence
    assert world.server.rows("select count(*) from customers_master") == [(3500,)]


def test_a_row_that_cannot_be_computed_is_refused_without_its_value(world: World) -> None:
    """A cast that fails in the middle of the rows stops the slot; nothing is written, nothing is quoted."""
    value = "case n when 90000 then 'planted@example.com' else '1' end"
    sql = f"select ({value})::int as c from generate_series(1, 99999) n"
    with pytest.raises(ConfigError) as caught:
        world.people(sql)
    assert caught.value.code == "selection_failed"
    assert "planted" not in str(caught.value)
    assert not world.files


def test_a_table_that_may_not_be_read_is_denied(world: World) -> None:
    """A user without SELECT is told to be granted it."""
    world.server.run("create table t.closed (c text)", "revoke all on t.closed from app")
    with pytest.raises(ConfigError, match="grant it SELECT") as caught:
        world.extract(selection("", table="t.closed"))
    assert caught.value.code == "source_denied"


def test_a_trailing_semicolon_and_comment_are_accepted(world: World) -> None:
    """A statement as it is kept in a file is read."""
    assert world.people("-- people\nselect 'x' as c ; \n")["c"].to_pylist() == ["x"]
    assert world.people("select 'x' as c -- the end")["c"].to_pylist() == ["x"]
