"""The job's steps in one process: every row is accounted for, and what is written is what a connector sends."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from activation.drops.folder_manifest import manifest_reading
from activation.errors import Rejected
from activation.model import HASHED
from activation.platforms.discovery import fields_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glue_scripts.normalize.job import MANIFEST
from tests.unit.normalize.exports import (
    EVERY_ROW,
    HEADER,
    TARGET,
    dropped,
    filled,
    messy_people,
    person,
    run,
    run_rows,
    sent_by_connector,
    write_csv,
)


@pytest.mark.parametrize("platform", ["meta", "tiktok", "snapchat", "google", "amazon_ads"])
def test_hashes_are_those_of_the_connector(tmp_path: Path, platform: str) -> None:
    """For messy rows, a hashed drop holds what the platform's connector would send for the raw ones."""
    target = {**TARGET, "platform": platform}
    report = run_rows(tmp_path, messy_people(3_000), target=target, output=EVERY_ROW)
    table = fields_of(platform).table
    keys = [one.key for one in table.fields]
    sent = sent_by_connector([tmp_path / "people.csv"], platform)
    found = filled(dropped(report, tmp_path / "out"), keys)
    assert found
    assert set(found) <= set(sent)
    assert report.document["rows"]["written"] == len(found)
    folder = dropped(report, tmp_path / "out").folder
    said = json.loads((folder / MANIFEST).read_text())["activation"].get("columns")
    again = sent_by_connector([*folder.glob("*.parquet")], platform, HASHED, said)
    assert again == sent


cell = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(cell, cell, cell, st.sampled_from(["US", "DE", ""])), min_size=1, max_size=30))
def test_any_cells_come_out_as_from_the_connector(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]]
) -> None:
    """Whatever stands in the cells, the hashed drop is what the connector sends, and no row is lost."""
    folder = tmp_path_factory.mktemp("any")
    header = ("email", "phone", "customer_id", "country")
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    pq.write_table(pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()}), folder / "p")
    sent = sent_by_connector([folder / "p"], "meta")
    if not sent:
        with pytest.raises(Rejected, match="no_rows_left"):
            run(folder, folder / "p", output=EVERY_ROW)
        return
    report = run(folder, folder / "p", output=EVERY_ROW)
    parts = [*dropped(report, folder / "out").folder.glob("*.parquet")]
    assert sent_by_connector(parts, "meta", HASHED) == sent


def test_a_raw_drop_keeps_the_cells_and_says_what_its_columns_are(tmp_path: Path) -> None:
    """Raw output has the used columns unchanged, of the rows that can be sent; the manifest says what they are."""
    header = ("Kontakt", "Notiz", "country")
    rows = [(" Ann@Example.com ", "x", "US"), ("nobody", "y", "US"), ("bob@example.com", "z", "DE")]
    write_csv(tmp_path / "people.csv", rows, header)
    report = run(
        tmp_path,
        tmp_path / "people.csv",
        columns={"Kontakt": "email", "Notiz": "ignore"},
        output={"identifiers": "raw", "format": "csv"},
    )
    found = dropped(report, tmp_path / "out")
    assert found.columns == ("Kontakt", "country")
    assert found.rows == [(" Ann@Example.com ", "US"), ("bob@example.com", "DE")]
    assert found.rejects == [("2", "EMAIL", "not_an_email", "people.csv", "2")]
    manifest = json.loads((found.folder / MANIFEST).read_text())
    said = {"identifiers": "raw", "rows": 2, "columns": {"Kontakt": "email"}, "declaration": "test"}
    assert manifest["activation"] == said
    raw = sent_by_connector([*found.folder.glob("*.csv")], "meta", said={"Kontakt": "email"})
    assert {key for row in raw for key, _ in row} == {"EMAIL", "COUNTRY"}


def test_rows_are_grouped_summed_and_filtered(tmp_path: Path) -> None:
    """Sums are exact, blanks count for nothing, the first cell in the export's order stands for a group."""
    rows = [
        person(customer="1", amount="0.1", email=""),
        person(customer="1", amount="0.2", email="first@example.com"),
        person(customer="1", amount="", email="second@example.com"),
        person(customer="2", amount="0.29"),
        person(customer="3", amount="500", country="DE"),
        person(customer=" ", amount="500"),
        person(customer="4", amount="lots"),
        *[person(country="DE")] * 5,
    ]
    report = run_rows(
        tmp_path,
        rows,
        filters=[{"column": "country", "equals": "US"}],
        group_by=["customer"],
        aggregates={
            "mail": {"first": "email"},
            "spend": {"sum": "amount"},
            "orders": {"count": "*"},
            "paid": {"count": "amount"},
            "newest": {"latest": "day"},
        },
        having=[{"column": "spend", "at_least": 0.3}],
        columns={"mail": "email"},
        time_zone="UTC",
        output={"identifiers": "raw", "format": "csv"},
    )
    found = dropped(report, tmp_path / "out")
    assert found.rows == [("first@example.com",)]
    assert report.document["rows"] == {
        "read": 12,
        "rejected": {"blank_group_key": 1},
        "filtered": [{"column": "country", "condition": "equals", "rows": 6}],
        "grouped": 5,
    }
    having = [{"column": "spend", "condition": "at_least", "rows": 1}]
    assert report.document["groups"] == {
        "made": 3,
        "rejected": {"incomplete_group": 1},
        "having": having,
        "duplicates": 0,
        "written": 1,
    }
    assert {one[2] for one in found.rejects} == {"blank_group_key", "not_a_number", "incomplete_group"}


def test_one_no_takes_the_whole_group_out(tmp_path: Path) -> None:
    """Of a group with a row that has no consent nothing is written, and the answer's column says yes elsewhere."""
    rows = [person(customer="1"), person(customer="1", opt_in="no"), person(customer="2", email="b@example.com")]
    report = run_rows(
        tmp_path,
        rows,
        consent={"column": "opt_in", "allow": [True]},
        group_by=["customer"],
        aggregates={"email": {"last": "email"}},
        output={"identifiers": "raw", "format": "csv"},
    )
    assert dropped(report, tmp_path / "out").rows == [("b@example.com", "true")]
    assert report.document["groups"]["rejected"] == {"no_consent": 1}


@pytest.mark.parametrize("cell", [{"amount": "oops"}, {"day": "someday"}], ids=["summed", "compared"])
def test_a_no_counts_in_a_row_that_cannot_be_read(tmp_path: Path, cell: dict[str, str]) -> None:
    """A row without consent takes its group out also where its other cells are no numbers or dates."""
    report = run_rows(
        tmp_path,
        [
            *[person(customer="1")] * 9,
            person(customer="1", opt_in="no", **cell),
            person(customer="2", **cell),
            person(customer="3", email="c@example.com"),
        ],
        filters=[{"column": "day", "at_least": "2026-01-01"}],
        consent={"column": "opt_in", "allow": [True]},
        group_by=["customer"],
        aggregates={"email": {"last": "email"}, "spend": {"sum": "amount"}},
        output={"identifiers": "raw", "format": "csv"},
    )
    assert dropped(report, tmp_path / "out").rows == [("c@example.com", "true")]
    assert report.document["rows"]["grouped"] == 12
    assert report.document["groups"]["rejected"] == {"incomplete_group": 1, "no_consent": 1}


def test_rows_without_consent_are_not_written(tmp_path: Path) -> None:
    """A blank or unknown answer is a no."""
    rows = [person(email=f"{answer}@example.com", opt_in=answer) for answer in ("yes", "no", "", "perhaps")]
    report = run_rows(tmp_path, rows, consent={"column": "opt_in", "allow": [True]})
    assert report.document["rows"]["rejected"] == {"no_consent": 3}
    assert report.document["rows"]["written"] == 1


def test_what_to_tell_of_consent_is_kept_and_refused_by_a_connector_that_cannot_tell_it(tmp_path: Path) -> None:
    """The manifest keeps it for the platform; no connector of today may read it and tell nothing."""
    told = {"google": {"ad_user_data": "GRANTED", "ad_personalization": "DENIED"}}
    report = run_rows(
        tmp_path,
        [person(opt_in="yes")],
        target={"platform": "google", "connector": "google", "audience": "vip"},
        consent={"column": "opt_in", "allow": [True], "tell": told},
    )
    manifest = json.loads((dropped(report, tmp_path / "out").folder / MANIFEST).read_text())
    assert manifest["activation"]["tell"] == told
    with pytest.raises(Rejected, match="tell a platform") as refused:
        manifest_reading(manifest)
    assert refused.value.code == "consent_not_told"


def test_duplicates_are_those_for_whom_the_same_is_sent(tmp_path: Path) -> None:
    """A person who is written in two ways is one, and the first row stays."""
    rows = [person(), person(email=" ANN@example.com", phone="+1 (415) 555-0101"), person(city="Reno")]
    report = run_rows(tmp_path, rows, output={"identifiers": "raw", "format": "csv"})
    assert report.document["rows"]["duplicates"] == 1
    assert [row[0] for row in dropped(report, tmp_path / "out").rows] == ["ann@example.com"] * 2


def test_derived_columns_give_parts_of_dates_and_periods(tmp_path: Path) -> None:
    """A date of birth gives its year, a day its quarter; what is no date is left out and counted."""
    header = ("email", "born", "day")
    rows = [("a@example.com", "1980-05-17", "2026-11-30"), ("b@example.com", "soon", "2026-01-02")]
    write_csv(tmp_path / "people.csv", rows, header)
    report = run(
        tmp_path,
        tmp_path / "people.csv",
        derived={
            "y": {"year_of": "born"},
            "q": {"period_of": "day", "period": "quarter"},
            "j": {"join": ["q", "y"]},
        },
        columns={"y": "birth_year", "born": "ignore", "j": "customer_id"},
        output={"identifiers": "raw", "format": "csv"},
    )
    found = dropped(report, tmp_path / "out")
    assert found.columns == ("email", "y", "j")
    assert found.rows == [("a@example.com", "1980", "2026-Q4 1980"), ("b@example.com", "", "2026-Q1")]
    assert report.document["cells_left_out"] == {"y": {"not_a_date": 1}}


def test_aggregated_events_have_the_id_of_their_rule(tmp_path: Path) -> None:
    """An event's id is a digest of the customer and the period, the same however often the export is read."""
    rows = [person(customer="1", day="2026-11-01"), person(customer="1", day="2026-11-20"), person(customer="2")]
    report = run_rows(
        tmp_path,
        rows,
        target={"platform": "meta_conversions", "connector": "sales", "audience": "shops"},
        derived={"month": {"period_of": "day"}},
        group_by=["customer", "month"],
        aggregates={"email": {"first": "email"}, "value": {"sum": "amount"}, "event_time": {"latest": "day"}},
        columns={"event_name": "purchase", "action_source": "store", "currency": "USD", "customer": "ignore"},
        time_zone="UTC",
        output={"identifiers": "events", "format": "csv", "event_id": ["customer", "month"]},
    )
    found = dropped(report, tmp_path / "out")
    ids = {row[found.columns.index("event_id")]: row[found.columns.index("value")] for row in found.rows}
    digest = hashlib.sha256(b"1\n2026-11").hexdigest()
    assert ids[digest] == "20"
    assert len(ids) == 2
    assert found.folder.relative_to(tmp_path / "out").as_posix() == "sales/shops/events/f"


@pytest.mark.parametrize("name", ["people.csv.gz", "people.jsonl", "people.parquet", "pipes.txt"])
def test_every_format_gives_the_same(tmp_path: Path, name: str) -> None:
    """CSV in gzip, JSON Lines, Parquet and a pipe-delimited text with escapes come out alike."""
    rows = [person(last_name='Le"e'), person(email="b@example.com", last_name="O'|Brien")]
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / name
    given: dict[str, Any] = {}
    if name.endswith("gz"):
        write_csv(tmp_path / "plain.csv", rows)
        path.write_bytes(gzip.compress((tmp_path / "plain.csv").read_bytes()))
    elif name.endswith("jsonl"):
        path.write_text("".join(json.dumps(dict(zip(HEADER, row, strict=True))) + "\n" for row in rows))
    elif name.endswith("parquet"):
        pq.write_table(pa.Table.from_pylist([dict(zip(HEADER, row, strict=True)) for row in rows]), path)
    else:
        text = ["|".join(HEADER)]
        text += ["|".join('"' + one.replace('"', '\\"') + '"' for one in row) for row in rows]
        path.write_text("\n".join([*text, ""]))
        given = {"delimiter": "|", "escape": "backslash", "encoding": "utf-8"}
    found = dropped(run(tmp_path, tmp_path / "in", input=given, output=EVERY_ROW), tmp_path / "out")
    names = {row[found.columns.index("LN")] for row in found.rows}
    assert names == {hashlib.sha256(one).hexdigest() for one in (b"lee", b"obrien")}


def test_cells_that_mean_no_value_are_blank(tmp_path: Path) -> None:
    r"""What the mapping calls null, such as Redshift's \N, is no customer id."""
    rows = [(r"\N", "a@example.com"), ("7", "b@example.com")]
    write_csv(tmp_path / "people.csv", rows, ("customer_id", "email"))
    report = run(tmp_path, tmp_path / "people.csv", input={"null": ["\\N"]}, output=EVERY_ROW)
    found = dropped(report, tmp_path / "out")
    assert sorted(row[found.columns.index("EXTERN_ID")] for row in found.rows) == ["", "7"]


def test_parts_have_the_rows_asked_for(tmp_path: Path) -> None:
    """Parts are cut at the number of rows, and the manifest has exactly those, with their sizes."""
    rows = [person(email=f"p{number}@example.com") for number in range(25)]
    report = run_rows(tmp_path, rows, output={"identifiers": "hashed", "rows_per_part": 10})
    assert [one.rows for one in report.parts] == [10, 10, 5]
    found = dropped(report, tmp_path / "out")
    entries = json.loads((found.folder / MANIFEST).read_text())["entries"]
    assert [one["url"].rsplit("/", 1)[1] for one in entries] == [one.name for one in report.parts]
    for one in entries:
        assert (found.folder / one["url"].rsplit("/", 1)[1]).stat().st_size == one["meta"]["content_length"]


def test_a_header_row_may_have_a_name_twice(tmp_path: Path) -> None:
    """Two columns of one name are a person's first and second address, in raw output under names that differ."""
    with (tmp_path / "a.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("email", "email"), ("a@example.com", "b@example.com")])
    raw = run(tmp_path, tmp_path / "a.csv", output={"identifiers": "raw"})
    assert dropped(raw, tmp_path / "out").columns == ("email", "email_2")


def test_sums_are_written_in_plain_digits(tmp_path: Path) -> None:
    """A sum of nothing but zeros is 0, a billionth has no exponent, and numbers of twenty digits are added."""
    amounts = [
        ("1", "0"),
        ("1", "0.00"),
        ("2", "1e-9"),
        ("3", "9" * 19),
        ("3", "1"),
        ("4", "1e-7"),
        ("5", "9" * 21),
        *[("1", "0")] * 5,
    ]
    report = run_rows(
        tmp_path,
        [person(customer=customer, amount=amount) for customer, amount in amounts],
        group_by=["customer"],
        aggregates={"email": {"first": "email"}, "city": {"sum": "amount"}},
        output={"identifiers": "raw", "format": "csv", "deduplicate": False},
        columns={"city": "city", "customer": "customer_id"},
    )
    sums = {row[0]: row[2] for row in dropped(report, tmp_path / "out").rows}
    assert sums == {"1": "0", "2": "0.000000001", "3": "1" + "0" * 19, "4": "0.0000001"}
    assert report.document["groups"]["rejected"] == {"incomplete_group": 1}
