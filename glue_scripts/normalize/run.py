"""`normalize`: the whole run, by the command, the Glue entry and the tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from glue_scripts.normalize.job import Job, in_process, job_of, made_before
from glue_scripts.normalize.mapping_file import read_mapping
from glue_scripts.normalize.plan import Plan
from glue_scripts.normalize.report import Report
from glue_scripts.normalize.storage import text_of, write_text

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def normalize(
    mapping: str,
    source: str,
    output: str,
    *,
    folder: str = "",
    listing: str = "",
    claim: str = "",
    record: str = "",
    session: Callable[[], SparkSession] | None = None,
) -> Report:
    """Turn an export into a folder drop, and return what became of its rows.

    `mapping` is the mapping file, `source` the export, `output` the root below which the drop's key is; each is a
    path or an s3:// URL. `listing` is a list of exactly the objects of `source` that are the export, as whoever
    starts the job has stored it; "" for what the export's manifest names or its folder holds. `claim` names what
    the drop is for: where an earlier attempt for the same has made it, its report is returned and nothing is
    written. `record` is where that report is kept as well, for as long as the drop may be made again: the drop is
    deleted once it was sent. `session` starts Spark, None for this process.

    Raises BadMapping, Rejected, ConfigError or Retryable; the folder is a drop only once this has returned.
    """
    read = read_mapping(text_of(mapping))
    if claim and (report := made_before(read, output, folder, claim, record)):
        return report
    job, plan = job_of(read, source, output, folder, listing, claim=claim)
    try:
        report = _made(job, plan, session)
    except BaseException:
        job.abandon()
        raise
    if record:
        write_text(record, report.text())
    return report


def _made(job: Job, plan: Plan, session: Callable[[], SparkSession] | None) -> Report:
    if session is None:
        return job.finish(plan, in_process(job, plan), "process")
    from glue_scripts.normalize.on_spark import on_spark

    return job.finish(plan, on_spark(session(), job, plan), "spark")
