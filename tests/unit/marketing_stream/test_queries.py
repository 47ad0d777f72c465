"""The saved queries, run by DuckDB over files as they land: what they say must be what the sender's books say."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.platforms.marketing_stream.books import key_of
from sandbox.platforms.marketing_stream.composer import Composer
from sandbox.platforms.marketing_stream.history import Arrival, history
from sandbox.platforms.marketing_stream.shapes import CHANGED, MEASURED, NOTICED
from stacks.marketing_stream.catalogue import BY_ID, DATASETS, Counting
from stacks.marketing_stream.queries import queries, table_name
from tests.unit.marketing_stream.athena import Athena, landed_lines
from tests.unit.marketing_stream.world import World, event, record

FIRST = datetime(2026, 9, 1, tzinfo=timezone(timedelta(hours=-7)))


def land(folder: Path, dataset: str, arrivals: list[Arrival]) -> None:
    """Take messages through the fan-out and write what lands as the delivery stream does, by hour of arrival."""
    by_hour: dict[datetime, list[str]] = defaultdict(list)
    for one in arrivals:
        by_hour[one.at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)].append(one.body)
    for hour, bodies in by_hour.items():
        world = World(dataset)
        assert world.receive(event(*bodies)) == []
        file = folder / f"year={hour:%Y}/month={hour:%m}/day={hour:%d}/hour={hour:%H}" / "part.gz"
        file.parent.mkdir(parents=True)
        file.write_bytes(gzip.compress(b"".join(world.firehose.landed)))


@pytest.mark.parametrize("dataset", ["sp-traffic", "sp-conversion"])
def test_hourly_totals_equal_the_books_after_60_days(dataset: str, tmp_path: Path) -> None:
    """After 60 days of hours, late and negative corrections and copies, every hour is right to the cent."""
    composer = Composer(seed=7)
    arrivals = list(history(composer, dataset, first=FIRST, days=60, an_hour=2))
    land(tmp_path, dataset, arrivals)
    athena = Athena(dataset, landed_lines(tmp_path))
    numbers = (*MEASURED[dataset][1], *MEASURED[dataset][2])
    found = {}
    for row in athena.ask(f"select * from {table_name(dataset)}_hourly"):
        about = {name: value for name, value in row.items() if name not in (*numbers, "records")}
        found[key_of(about)] = {name: row[name] for name in numbers}
    books = {key: dict(totals) for key, totals in composer.books.totals[dataset].items()}
    assert found == books
    assert any('": -' in one.body for one in arrivals)
    landed = athena.ask(f"select count(*) as n from {table_name(dataset)}")[0]["n"]
    counted = athena.ask(f"select sum(records) as n from {table_name(dataset)}_hourly")[0]["n"]
    assert landed == len(arrivals)
    assert counted == len({json.loads(one.body)["idempotency_id"] for one in arrivals}) < landed
    assert athena.ask(f"select * from {table_name(dataset)}_unreadable") == []


@pytest.mark.parametrize("dataset", sorted(MEASURED))
def test_every_measured_dataset_adds_up(dataset: str, tmp_path: Path) -> None:
    """For each dataset of deltas the totals are those of the books."""
    composer = Composer(seed=3)
    bodies = [composer.record(dataset) for _ in range(200)]
    bodies += [composer.correction(dataset, one) for one in bodies[:50]] + bodies[:20]
    land(tmp_path, dataset, [Arrival(FIRST, one) for one in bodies])
    numbers = (*MEASURED[dataset][1], *MEASURED[dataset][2])
    sums = ", ".join(f"sum({name}) as {name}" for name in numbers)
    (found,) = Athena(dataset, landed_lines(tmp_path)).ask(f"select {sums} from {table_name(dataset)}_hourly")
    assert found == {
        name: sum(totals[name] for totals in composer.books.totals[dataset].values()) for name in numbers
    }


@pytest.mark.parametrize("dataset", sorted(set(CHANGED) - {"adsp-campaigns", "adsp-adgroups"}))
def test_highest_version_wins_in_any_order(dataset: str, tmp_path: Path) -> None:
    """Of each entity one row is left, with the highest version that was sent."""
    composer = Composer(seed=5)
    land(tmp_path, dataset, [Arrival(FIRST, composer.record(dataset)) for _ in range(100)])
    rows = Athena(dataset, landed_lines(tmp_path)).ask(f"select * from {table_name(dataset)}_current")
    id_column = next(
        name for name in rows[0] if name.endswith("_id") and name not in ("marketplace_id", "advertiser_id")
    )
    assert {row[id_column]: int(row["version"]) for row in rows} == composer.books.versions[dataset]
    assert len(rows) == len(composer.books.versions[dataset])


@pytest.mark.parametrize("dataset", sorted(NOTICED))
def test_notice_that_came_twice_is_there_once(dataset: str, tmp_path: Path) -> None:
    """The same notice sent twice is one row."""
    composer = Composer(seed=5)
    hours = [FIRST + timedelta(hours=n) for n in range(30)]
    bodies = [composer.record(dataset, hour) for hour in hours]
    land(tmp_path, dataset, [Arrival(FIRST, one) for one in (*bodies, *bodies[:10])])
    assert len(Athena(dataset, landed_lines(tmp_path)).ask(f"select * from {table_name(dataset)}_notices")) == 30


def test_equal_values_under_two_identifiers_count_twice(tmp_path: Path) -> None:
    """Records that only differ in their identifier are two; one without an identifier stands for itself."""
    twice = record(idempotency_id="a")
    bodies = [
        twice,
        twice,
        record(idempotency_id="b"),
        record(idempotency_id=None),
        record(idempotency_id=None, clicks=9),
    ]
    land(tmp_path, "sp-traffic", [Arrival(FIRST, one) for one in bodies])
    (row,) = Athena("sp-traffic", landed_lines(tmp_path)).ask(
        "select sum(clicks) as clicks from sp_traffic_hourly"
    )
    assert row["clicks"] == 1 + 1 + 1 + 9


def test_what_cannot_be_counted_is_named(tmp_path: Path) -> None:
    """A line of another dataset, a blank one, a number that is none: a view shows what the totals leave out."""
    bad = ['{"dataset_id": "sp-conversion"}', "", '{"truncated', record(cost="a lot")]
    (tmp_path / "part").write_text("\n".join([record(cost=1.005), *bad]) + "\n")
    athena = Athena("sp-traffic", landed_lines(tmp_path))
    assert [row["line"] for row in athena.ask("select line from sp_traffic_unreadable")] == bad
    (row,) = athena.ask("select sum(cost) as cost, count(*) as n from sp_traffic_records")
    assert (row["cost"], row["n"]) == (Decimal("1.005"), 2)


def test_records_back_to_back_are_counted_one_by_one(tmp_path: Path) -> None:
    """A file of before the upgrade is one line of many records; whatever their texts hold, each counts once."""
    odd = [
        record(keyword_text='}{"x'),
        record(keyword_text="}{"),
        record(keyword_text='} { "a": 1}{"b": 2', n={"deep": [{"a": {}}, {"b": "}{"}]}),
        record(keyword_text='\\"}{\\"a'),
        record(clicks=7),
    ]
    (tmp_path / "old").write_text("".join(odd) + record(clicks=100) + "\n" + record(clicks=1000) + "\n")
    athena = Athena("sp-traffic", landed_lines(tmp_path))
    assert athena.ask("select * from sp_traffic_unreadable") == []
    (row,) = athena.ask("select count(*) as n, sum(clicks) as clicks from sp_traffic_records")
    assert (row["n"], row["clicks"]) == (7, 4 + 7 + 100 + 1000)
    lines = {one["line"] for one in athena.ask("select line from sp_traffic_lines")}
    assert set(odd) <= lines
    assert len(lines) == 7


def test_fields_of_nested_settings_stay_whole(tmp_path: Path) -> None:
    """What is nested is kept as JSON text, wherever Amazon puts it."""
    body = json.dumps(
        {
            "dataset_id": "campaigns",
            "campaignId": "1",
            "version": 2,
            "budget": {"bidSetting": {"bidStrategy": "X"}},
        }
    )
    land(tmp_path, "campaigns", [Arrival(FIRST, body)])
    (row,) = Athena("campaigns", landed_lines(tmp_path)).ask(
        "select budget, bid_setting, tags from campaigns_current"
    )
    assert json.loads(row["budget"]) == {"bidSetting": {"bidStrategy": "X"}}
    assert row["bid_setting"] is None


@pytest.mark.parametrize("dataset", [one.id for one in DATASETS])
def test_every_dataset_has_queries_that_run(dataset: str, tmp_path: Path) -> None:
    """Also for a dataset whose fields this project does not know, every view can be created and asked."""
    athena = Athena(dataset, landed_lines(tmp_path))
    kind = {Counting.DELTAS: "hourly"}.get(BY_ID[dataset].counting)
    made = [one.name for one in queries(dataset, BY_ID[dataset].counting)]
    assert f"{table_name(dataset)}_unreadable" in made
    assert kind is None or f"{table_name(dataset)}_{kind}" in made
    for name in made:
        assert athena.ask(f"select * from {name}") == []
