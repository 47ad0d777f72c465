"""The files of samples/: each platform has one of each format, and a plan of it sends everybody."""

from __future__ import annotations

import gzip
import io
import re
from datetime import UTC, datetime, timedelta
from time import process_time
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from activation.drops.locate import locate
from activation.drops.source import BytesSource, FileSource
from activation.platforms.discovery import platforms

from cli.connectors import NamedConnector
from cli.dry_run import DryRun
from cli.sample import sample_of
from samples.make import FILES, HERE, PEOPLE, SALES, SOLD_ON, of_events, of_people

RESERVED = re.compile(r"[\w.+]+@example\.(com|org|net)", re.IGNORECASE)
FICTION = re.compile(r"1202555010\d|12025550110|442079460\d{3}|3319900\d{4}|6125550\d{4}")

each_platform = pytest.mark.parametrize("name", of_people())


def dry_run(name: str, identifiers: str, file: str = "people.csv") -> DryRun:
    """Return the dry run of a file as a drop of a platform's own connector."""
    named = NamedConnector(name, platforms()[name])
    key = f"{name}/A/{identifiers}/{file}"
    actions = named.platform.limits.actions
    located = locate(key, connector=name, table=named.platform.table, actions=actions)
    return DryRun.of(located, named)


@each_platform
@pytest.mark.parametrize("file", FILES)
def test_everybody_in_a_sample_is_sent(name: str, file: str) -> None:
    """It is read in its format, and no row and no cell of it is left out."""
    stem = file.partition(".")[0]
    identifiers = "raw" if stem == "people" else stem
    sums = dry_run(name, identifiers, file).over(FileSource(HERE / name / file))
    assert sums.refusal is None
    assert (sums.rows, sums.sent, dict(sums.rejected)) == (len(PEOPLE), len(PEOPLE), {})
    assert not sums.left_out


@each_platform
@pytest.mark.parametrize("file", FILES)
def test_a_sample_is_what_its_maker_writes(name: str, file: str) -> None:
    """The files in the tree follow the platform's rules of today; `python samples/make.py` renews them."""
    kept, made = (HERE / name / file).read_bytes(), FILES[file](platforms()[name])
    if file.endswith(".parquet"):
        assert pq.read_table(io.BytesIO(kept)).equals(pq.read_table(io.BytesIO(made)))
    elif file.endswith(".gz"):
        assert gzip.decompress(kept) == gzip.decompress(made)
    else:
        assert kept == made


@pytest.mark.parametrize("name", of_events())
@pytest.mark.parametrize("file", SALES)
def test_every_sale_of_a_sample_is_sent(monkeypatch: pytest.MonkeyPatch, name: str, file: str) -> None:
    """The day after it took place, it is an event of its own with nothing left out of it."""
    day_after = datetime(*SOLD_ON.timetuple()[:3], tzinfo=UTC) + timedelta(days=1)
    monkeypatch.setattr("cli.dry_run.time", SimpleNamespace(time=day_after.timestamp, process_time=process_time))
    sums = dry_run(name, "events", file).over(FileSource(HERE / name / file))
    assert sums.refusal is None
    assert (sums.rows, sums.sent, dict(sums.rejected)) == (len(PEOPLE), len(PEOPLE), {})
    assert not sums.left_out


@pytest.mark.parametrize("name", of_events())
@pytest.mark.parametrize("file", SALES)
def test_a_sample_of_sales_is_what_its_maker_writes(name: str, file: str) -> None:
    """Without a day of one's own, the maker writes what is in the tree."""
    kept, made = (HERE / name / file).read_bytes(), SALES[file](SOLD_ON)
    if file.endswith(".parquet"):
        assert pq.read_table(io.BytesIO(kept)).equals(pq.read_table(io.BytesIO(made)))
    else:
        assert kept == made


def test_nobody_in_the_samples_exists() -> None:
    """Addresses are below reserved names, and phone numbers in ranges kept free for fiction."""
    for email, phone, *_ in PEOPLE:
        assert RESERVED.fullmatch(email)
        assert FICTION.fullmatch(re.sub(r"\D", "", phone))


def test_there_are_no_other_samples() -> None:
    """A file that nothing makes or checks would be somebody's."""
    found = {f"{one.parent.name}/{one.name}" for one in HERE.glob("*/*") if "__pycache__" not in one.parts}
    people = {f"{name}/{file}" for name in of_people() for file in FILES}
    assert found == people | {f"{name}/{file}" for name in of_events() for file in SALES}


@each_platform
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"delimiter": "tab", "encoding": "shift_jis"},
        {
            "delimiter": ";",
            "consent": {"column": "Opt-in", "allow": ("subscribed",)},
            "operation": {"column": "is_deleted", "allow": ("false", "f")},
        },
    ],
)
def test_what_the_test_sends_suits_the_connector(name: str, settings: dict[str, object]) -> None:
    """A connector's delimiter, encoding and rules about rows do not stand in the way of its first test."""
    named = NamedConnector(name, platforms()[name], settings)
    body, rows = sample_of(named)
    run = dry_run(name, "raw")
    sums = DryRun.of(run.located, named).over(BytesSource(body))
    assert sums.refusal is None
    assert (rows, sums.sent) == (len(PEOPLE), len(PEOPLE))
    assert body.isascii()
