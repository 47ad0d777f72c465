"""The report's sums: a drop is closed only if every row of its export is accounted for."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from glue_scripts.normalize import stream
from glue_scripts.normalize.job import MANIFEST, in_process, job_of
from glue_scripts.normalize.mapping_file import read_mapping
from tests.unit.normalize.exports import HEADER, mapping, messy_people, write_csv


def test_a_row_that_nobody_accounts_for_keeps_the_drop_open(tmp_path: Path) -> None:
    """Where a count is missing, as of a task whose lines were lost, the run fails and there is no manifest."""
    write_csv(tmp_path / "people.csv", messy_people(200), HEADER)
    given = read_mapping(Path(mapping(tmp_path / "m.json")).read_text())
    job, plan = job_of(given, str(tmp_path / "people.csv"), str(tmp_path / "out"), "f")
    results = in_process(job, plan)
    lost = pa.Table.from_batches([stream.tallies([("rows_read", "", 1)], len(plan.output))])
    with pytest.raises(RuntimeError, match="do not add up"):
        job.finish(plan, pa.concat_tables([results, lost]), "process")
    assert [*tmp_path.rglob(MANIFEST)] == []
