"""Lines for which the same is sent are one: the first of them, in the rows' order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from glue_scripts.normalize import stream


@dataclass(frozen=True)
class DuplicateStep:
    """Takes out all but the first line of each key of a partition, which holds all lines of each of its keys."""

    width: int

    def run(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the lines that stay, in the rows' order, and how many did not."""
        lines, others = stream.gathered(batches, self.width)
        yield from stream.in_batches(others)
        first = lines.select(["key", "row"]).group_by("key").aggregate([("row", "min")])["row_min"]
        kept = lines.filter(pc.is_in(lines["row"], value_set=first)).sort_by("row")
        yield stream.tallies([("duplicates", "", lines.num_rows - kept.num_rows)], self.width)
        yield from stream.in_batches(kept)
