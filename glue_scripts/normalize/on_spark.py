"""The steps as Spark tasks: ranges of the export are read where a task runs, and lines meet by their keys.

Nothing of Spark is imported before a session exists, and nothing but this module needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
from activation.drops.chunk import Chunk
from activation.drops.folder_ranges import folder_pieces, folder_ranges, survey_range
from activation.drops.limits import DEFAULT
from activation.drops.ranges import Piece, piece_chunks, settle
from activation.drops.survey import Survey
from activation.errors import Rejected
from activation.model import Cursor

from glue_scripts.normalize import stream
from glue_scripts.normalize.duplicates import DuplicateStep
from glue_scripts.normalize.groups import GroupStep
from glue_scripts.normalize.job import Job
from glue_scripts.normalize.plan import Plan

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

MIB = 1024 * 1024
RANGE_BYTES = 64 * MIB  # of the export, for one task
_WHOLE = Piece(Cursor(), 2**62)
Batches = Iterator[pa.RecordBatch]

# The plan of the last job of this process: a worker serves many tasks of one job.
_plans: dict[str, Plan] = {}


def on_spark(spark: SparkSession, job: Job, plan: Plan, range_bytes: int = RANGE_BYTES) -> pa.Table:
    """Run the steps as Spark tasks, and return what the last one gives; raises Rejected or Spark's own errors."""
    pieces = _pieces(spark, job, range_bytes)
    numbers = spark.sparkContext.parallelize(range(len(pieces)), len(pieces))  # one range for each task
    lines = _mapped(
        spark.createDataFrame(numbers.map(lambda number: (number,)), "piece int"),
        partial(_read, job, pieces),
        job.row_step(plan).width,
    )
    rows = sum(one.rows for one in pieces) if pieces != (_WHOLE,) else 0
    meeting = max(_cores(spark), -(-rows // plan.mapping.output.rows_per_part))
    if plan.mapping.is_grouped:
        lines = _mapped(lines.repartition(meeting, "key"), partial(_group, job), len(plan.output))
    if plan.mapping.output.deduplicate:
        lines = lines.repartition(-(-rows // plan.mapping.output.rows_per_part) or 1, "key")
    written = _mapped(lines, partial(_write, job), len(plan.output)).select(*stream.FIXED.names)
    return pa.Table.from_pylist([row.asDict() for row in written.collect()], stream.FIXED)


def _mapped(lines: DataFrame, step: Callable[[Iterable[pa.RecordBatch]], Batches], width: int) -> DataFrame:
    return lines.mapInArrow(step, stream.spark_schema(width))


def _cores(spark: SparkSession) -> int:
    return int(spark.sparkContext.defaultParallelism)


def _pieces(spark: SparkSession, job: Job, range_bytes: int) -> tuple[Piece, ...]:
    """Return ranges of the export that begin and end between records; large texts are surveyed by tasks first."""
    reader = job.reader()
    if reader.format.startswith("parquet"):
        return folder_pieces(reader, range_bytes) or (_WHOLE,)
    count = len(folder_ranges(reader, range_bytes))
    if count == 1:
        return (_WHOLE,)
    found = spark.sparkContext.parallelize(range(count), count).map(partial(_survey, job, range_bytes)).collect()
    # Where quotes leave it open where records begin, the export is read in one go, as a connector would.
    return settle(found, DEFAULT.record_bytes) or (_WHOLE,)


def _survey(job: Job, range_bytes: int, part: int) -> Survey:
    return survey_range(job.reader(), part, range_bytes, lambda source: source)


def _read(job: Job, pieces: tuple[Piece, ...], batches: Iterable[pa.RecordBatch]) -> Batches:
    """Read the ranges whose numbers come, and run the first step over them."""
    plan, reader = _plan(job), job.reader()
    step = job.row_step(plan)

    def chunks() -> Iterator[Chunk]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield from piece_chunks(reader, pieces[number])

    try:
        yield from step.run(chunks())
    except Rejected as error:
        # It would be the same on every attempt: a line says it instead of four failed tasks.
        yield stream.failure(error, step.width)


def _group(job: Job, batches: Iterable[pa.RecordBatch]) -> Batches:
    return GroupStep(_plan(job)).run(batches)


def _write(job: Job, batches: Iterable[pa.RecordBatch]) -> Batches:
    from pyspark import TaskContext

    context = TaskContext.get()
    plan = _plan(job)
    if plan.mapping.output.deduplicate:
        batches = DuplicateStep(len(plan.output)).run(batches)
    return job.part_step(plan, context.partitionId() if context else 0).run(batches)


def _plan(job: Job) -> Plan:
    if job.id not in _plans:
        _plans.clear()
        _plans[job.id] = job.plan()
    return _plans[job.id]
