"""The lines of a mirror's rows that are not sent, judged once a suppression list has changed since they were read.

A difference sends a row's new lines alone. Where a list grows between the comparison and the sending by an
identifier of a line that stays, nothing in the request holds it, and the row's new lines are that person's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

Lines = tuple[pa.Table | pa.RecordBatch, pa.Array]


@dataclass
class OtherLines:
    """What a mirror compared, by source row.

    `read` yields its lines, columns by wire key and the source row (int64) of each. They were read by the lists'
    version `known`, of which nobody is among them.
    """

    read: Callable[[], Iterable[Lines]] = field(repr=False)
    known: int
    _rows: pa.Array = field(default_factory=lambda: pa.array([], pa.int64()), repr=False)

    def rows_of(self, version: int, judge: Callable[[Lines], pa.Array]) -> pa.Array:
        """Return the source rows that `judge` finds in any line, by another version of the lists.

        `judge` returns the rows (int64) of some lines that hold a listed identifier. All lines are read once for
        each version; raises what reading them raises.
        """
        if version != self.known:
            found = [judge(lines) for lines in self.read()]
            self._rows = pc.unique(pa.concat_arrays([pa.array([], pa.int64()), *found]))
            self.known = version
        return self._rows
