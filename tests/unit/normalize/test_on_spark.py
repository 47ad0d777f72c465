"""The job's steps as Spark tasks give what they give in one process; all tests share one session."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from activation.drops.limits import KIB
from activation.errors import Rejected

from glue_scripts.normalize.job import Job, in_process, job_of
from glue_scripts.normalize.mapping_file import read_mapping
from glue_scripts.normalize.on_spark import on_spark
from glue_scripts.normalize.plan import Plan
from tests.unit.normalize.exports import Dropped, dropped, mapping, messy_people, write_csv

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.skipif(sys.version_info >= (3, 12), reason="Spark 3.5.6 is installed for Python 3.11")

FILES, ROWS = 2, 1_500  # of each of the files
RANGE_BYTES = 100 * KIB
GROUPS: dict[str, Any] = {
    "derived": {"month": {"period_of": "day"}},
    "filters": [{"column": "country", "not_in": ["Atlantis"]}],
    "group_by": ["customer", "month"],
    "aggregates": {
        "email": {"first": "email"},
        "phone": {"last": "phone"},
        "spend": {"sum": "amount"},
        "most": {"max": "amount"},
        "mails": {"count_distinct": "email"},
        "newest": {"latest": "day"},
    },
    "having": [{"column": "spend", "above": 1}],
    "time_zone": "UTC",
}


@pytest.fixture(scope="module")
def session() -> Iterator[SparkSession]:
    """Start Spark once for all tests of this module."""
    from glue_scripts.normalize.spark_session import local_session

    found = local_session(2)
    yield found
    found.stop()


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write an export of several files, cells with line ends among them, that is larger than a range."""
    folder = tmp_path_factory.mktemp("export")
    for number in range(FILES):
        write_csv(folder / f"{number}.csv", messy_people(ROWS, seed=number))
    return folder


def prepared(tmp_path: Path, export: Path, name: str, **parts: Any) -> tuple[Job, Plan]:
    """Return the job of a mapping over an export."""
    text = Path(mapping(tmp_path / f"{name}.json", **parts)).read_text()
    return job_of(read_mapping(text), str(export), str(tmp_path / name), "f")


def by_both(
    session: SparkSession, tmp_path: Path, export: Path, **parts: Any
) -> tuple[tuple[dict[str, Any], Dropped], tuple[dict[str, Any], Dropped]]:
    """Run a mapping in this process and by Spark in small ranges, and return what each has counted and written."""
    found = []
    for engine in ("process", "spark"):
        job, plan = prepared(tmp_path, export, engine, **parts)
        results = in_process(job, plan) if engine == "process" else on_spark(session, job, plan, RANGE_BYTES)
        report = job.finish(plan, results, engine)
        counted = {
            key: value for key, value in report.document.items() if key not in ("engine", "parts", "rejects")
        }
        found.append((counted, dropped(report, tmp_path / engine)))
    return found[0], found[1]


@pytest.mark.parametrize(
    "parts",
    [
        {
            "output": {"identifiers": "hashed", "rows_per_part": 500},
            "consent": {"column": "opt_in", "allow": [True]},
        },
        {
            "output": {"identifiers": "raw", "format": "csv"},
            "consent": {"column": "opt_in", "allow": [True]},
            **GROUPS,
        },
    ],
    ids=["rows", "groups"],
)
def test_spark_gives_what_one_process_gives(
    session: SparkSession, export: Path, tmp_path: Path, parts: dict[str, Any]
) -> None:
    """Hashes, cells, counts and the rejects' row numbers are the same, whichever ranges the tasks read."""
    (counted, here), (counted_there, there) = by_both(session, tmp_path, export, **parts)
    assert counted["rows"]["read"] == FILES * ROWS
    assert counted_there == counted
    assert there.columns == here.columns
    assert there.rows == here.rows
    assert there.rejects == here.rejects
    assert len(here.rows) > 20
    assert len(here.rejects) > 100


def test_a_file_that_is_damaged_further_on_fails_by_its_code(session: SparkSession, tmp_path: Path) -> None:
    """What a task finds out is the driver's error, with the code and sentence of one process, and no manifest."""
    import gzip

    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(2):
        write_csv(tmp_path / "plain.csv", messy_people(1_000, seed=number))
        whole = gzip.compress((tmp_path / "plain.csv").read_bytes())
        (folder / f"{number}.csv.gz").write_bytes(whole[: -500 * number or None])
    job, plan = prepared(tmp_path, folder, "damaged")
    results = on_spark(session, job, plan)
    with pytest.raises(Rejected) as refused:
        job.finish(plan, results, "spark")
    assert refused.value.code == "truncated_gzip"
    assert "1.csv.gz" in refused.value.sentence
    assert not (tmp_path / "damaged" / "meta").exists() or not [*(tmp_path / "damaged").rglob("manifest*")]
