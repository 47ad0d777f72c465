"""The Glue job's steps on local Spark and in one process, beside what Spark's own SQL needs for the same columns."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from tempfile import TemporaryDirectory

from bench.environments import ROOT, Environment
from bench.figures import Table, Target, seconds, times
from bench.plan import Sizes

MOST = 1.5  # times the CPU of Spark's own SQL
WAYS = {
    "plain": "Spark SQL, `sha2(lower(trim(x)), 256)`",
    "spark": "this project on Spark",
    "process": "this project in one process",
}


def normalize(sizes: Sizes, step: Callable[[str], None]) -> Iterator[Table]:
    """Measure each way once; nothing where Spark is not installed, as with a Python it does not run on."""
    if find_spec("pyspark") is None:
        return
    step(f"normalize, {sizes.normalize_rows:,} rows")
    here = Environment(sys.executable, ("-s",), (ROOT,))
    with TemporaryDirectory(prefix="normalize-", dir=ROOT / ".cache") as folder:
        found = here.run("bench.inside.normalize", str(sizes.normalize_rows), folder)
    ratio = found["spark"]["cpu_s"] / found["plain"]["cpu_s"]
    yield Table(
        f"The Glue job: {sizes.normalize_rows:,} rows of eight columns",
        "Parquet with people's columns into Parquet with their hashes for Meta, without deduplication, on all cores. "
        "CPU time of all processes, Java and Python, once Spark is warm; one run.",
        ("", "CPU, s", "wall, s", "times Spark SQL's CPU"),
        [
            [
                name,
                seconds(found[way]["cpu_s"]),
                seconds(found[way]["wall_s"]),
                times(found[way]["cpu_s"] / found["plain"]["cpu_s"]),
            ]
            for way, name in WAYS.items()
        ],
        targets=(Target(f"at most {MOST} times Spark SQL's CPU", times(ratio), ratio <= MOST),),
        notes=("Spark SQL normalises nothing but spaces and capitals, and checks nothing.",),
    )
