"""Write a file of purchases: `sales.py PEOPLE PATH` copies each row of PEOPLE and appends the columns of one purchase."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

SPREAD_S, CENTS = 6 * 86_400, 100_000


def write(people: Path, path: Path) -> None:
    """Write the file; the n-th purchase has the same value in every file."""
    now, before = int(time.time()) - 3_600, 0
    with path.open("wb") as file, pa.csv.open_csv(people) as batches:
        for batch in batches:
            count = batch.num_rows
            numbers = pa.array(range(before, before + count), pa.int64())
            ago = pc.subtract(numbers, pc.multiply(pc.divide(numbers, SPREAD_S), SPREAD_S))
            times = pc.subtract(pa.scalar(now), ago).cast(pa.timestamp("s", "UTC"))
            mixed = pc.multiply(numbers, 7_919)
            cents = pc.add(pc.subtract(mixed, pc.multiply(pc.divide(mixed, CENTS), CENTS)), 100)
            columns = {
                **dict(zip(batch.schema.names, batch.columns, strict=True)),
                "event_name": pa.array(["purchase"] * count),
                "event_time": pc.strftime(times, "%Y-%m-%dT%H:%M:%SZ"),
                "action_source": pa.array(["store"] * count),
                "order_id": pc.binary_join_element_wise("A", numbers.cast(pa.string()), "-"),
                "value": pc.divide(cents.cast(pa.float64()), 100.0).cast(pa.string()),
                "currency": pa.array(["EUR"] * count),
            }
            options = pa.csv.WriteOptions(include_header=not before, quoting_style="none", quoting_header="none")
            pa.csv.write_csv(pa.table(columns), file, options)
            before += count


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
    print("{}")
