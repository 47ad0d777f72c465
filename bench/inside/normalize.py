"""Hash an export by Spark's own SQL, by the Glue job's steps on Spark, and by them in one process.

`normalize.py ROWS FOLDER`: eight columns of Parquet in, eight of hashes out, without deduplication. Prints of each
way the CPU seconds of all its processes and the wall seconds, as one JSON object.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import functions as f

from bench.inside.people import SEED, tables
from glue_scripts.normalize.run import normalize
from glue_scripts.normalize.spark_session import local_session

WARM_ROWS = 100_000
PLACES = {
    "city": ("Berlin", "San José", "Wien", "New York", "Paris", ""),
    "state": ("CA", "Bavaria", "NY", "Texas", ""),
    "zip": ("10115", "95112-1234", "SW1A 1AA", "75001", ""),
    "country": ("US", "DE", "GB", "FR"),
}


def main(rows: int, folder: Path) -> dict[str, dict[str, float]]:
    """Measure each way once, Spark after a smaller run that warms it."""
    _export(rows, folder / "export")
    _export(WARM_ROWS, folder / "warm")
    mapping = folder / "mapping.json"
    target = {"platform": "meta", "connector": "meta", "audience": "Bench"}
    output = {"identifiers": "hashed", "deduplicate": False}
    mapping.write_text(json.dumps({"name": "bench", "target": target, "output": output}))
    spark = local_session()

    def plain(export: str) -> None:
        frame = spark.read.parquet(str(folder / export))
        hashed = [f.sha2(f.lower(f.trim(f.col(name))), 256).alias(name) for name in frame.columns]
        frame.select(*hashed).write.parquet(str(folder / f"plain-{export}"))

    def ours(export: str, *, by_spark: bool) -> None:
        out = folder / f"{'spark' if by_spark else 'process'}-{export}"
        session = (lambda: spark) if by_spark else None
        report = normalize(str(mapping), str(folder / export), str(out), session=session)
        read = report.document["rows"]["read"]
        if read != (rows if export == "export" else WARM_ROWS):
            raise AssertionError(f"{read:,} rows were read")

    plain("warm")
    ours("warm", by_spark=True)
    return {
        "plain": _measured(lambda: plain("export")),
        "spark": _measured(lambda: ours("export", by_spark=True)),
        "process": _measured(lambda: ours("export", by_spark=False)),
    }


def _export(rows: int, folder: Path) -> None:
    chance = np.random.default_rng(SEED)
    folder.mkdir()
    for number, people in enumerate(tables(rows)):
        places = {name: pa.array(texts) for name, texts in PLACES.items()}
        drawn = {
            name: one.take(pa.array(chance.integers(0, len(one), len(people)))) for name, one in places.items()
        }
        whole = pa.table({**dict(zip(people.column_names, people.columns, strict=True)), **drawn})
        pq.write_table(whole, folder / f"part-{number:05}.parquet")


def _measured(work: Callable[[], None]) -> dict[str, float]:
    cpu_s, wall_s = _cpu_s(), time.perf_counter()
    work()
    return {"cpu_s": _cpu_s() - cpu_s, "wall_s": time.perf_counter() - wall_s}


def _cpu_s() -> float:
    """Return the CPU seconds of this process and its descendants, also of those that have ended."""
    parents, used = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        parents[int(stat.parent.name)] = int(fields[1])
        used[int(stat.parent.name)] = sum(map(int, fields[11:15]))
    family = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(used[pid] for pid in family) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), Path(sys.argv[2]))))
