"""What a dry run counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from activation.drops.folder_reader import FolderReader
from activation.drops.sample import Sample
from activation.errors import Rejected
from activation.ledger.units import FIRST_ROWS_KEPT

from cli.distinct import Distinct


@dataclass
class Found:
    """One reason why rows or cells are not sent: how often it occurs, and the first source rows."""

    count: int = 0
    first_rows: tuple[int, ...] = ()

    def add(self, count: int, rows: tuple[int, ...]) -> None:
        """Add occurrences, in row order."""
        self.count += count
        self.first_rows = (*self.first_rows, *rows)[:FIRST_ROWS_KEPT]


@dataclass
class Sums:
    """The result of a dry run.

    `date_order` is how dates are read, "" if nothing says it. `mended` counts rows that lacked blank cells at
    their end or had too many. `left_out` is by field and code. `sample` is what the first rows showed. `whole`
    says that the end of the file was reached. `refusal` is the reason why the run would fail, None if it would
    succeed. `folder` is what was read, None where that is one file. `notes` are the platform's, by code. `by_row`
    counts the events whose id is made of the drop and the row.
    """

    format: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    ignored_columns: tuple[str, ...] = ()
    proposed_columns: Mapping[str, str] = field(default_factory=dict)
    others_columns: Mapping[str, str] = field(default_factory=dict)
    date_order: str = ""
    rows: int = 0
    mended: int = 0
    sent: int = 0
    rejected: dict[str, Found] = field(default_factory=dict)
    left_out: dict[tuple[str, str], Found] = field(default_factory=dict)
    sample: Sample = field(default_factory=Sample)
    whole: bool = False
    people: Distinct = field(default_factory=Distinct)
    batches: int = 0
    uploads: int = 0
    body_bytes: int = 0
    identifiers: Counter[str] = field(default_factory=Counter)
    cpu_s: float = 0.0
    refusal: Rejected | None = None
    folder: FolderReader | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    by_row: int = 0

    def places(self, rows: tuple[int, ...]) -> list[dict[str, object]]:
        """Return the file and the number in it of rows that were read; nothing where the drop is one file."""
        if self.folder is None:
            return []
        found = map(self.folder.place, rows)
        return [{"file": self.folder.files.name(index), "row": row} for index, row in found]
