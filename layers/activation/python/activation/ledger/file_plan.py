"""How a run's file is read and split."""

from __future__ import annotations

from dataclasses import dataclass, field

from activation.audience_options import AudienceOptions
from activation.drops.reading import Reading
from activation.drops.sample import Sample
from activation.drops.survey import Survey
from activation.ledger.split import RunSplit


@dataclass
class FilePlan:
    """How the file is read and split, fixed when the run first opens it.

    `options` is what was said of the audience when the run began, None before. `etag` is the object's. `reading`
    is what the settings said of its cells, None before the run began. `format`, `columns` (by name, the fields
    that each fills), `ignored_columns` and `proposed_columns` (by name, what each may mean) are for the receipt.
    `sample` is what its first rows showed before anything was sent, None before.
    `split` is how a large file is split, None for any other. `survey` is what a part found in its range, None
    before. `listing` is the key, in the receipts bucket, of the list of a folder's files, "" for a single file;
    `listed_again` counts the lists that were made in place of one of which nothing was sent.
    `rows_held` is how many rows the drop of a superseded or stopped run was found to hold, None for any other.
    `refused_key` is the random key of the refused identifiers' digests, "" where there are none.
    """

    options: AudienceOptions | None = None
    etag: str = ""
    reading: Reading | None = None
    format: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    ignored_columns: list[str] = field(default_factory=list)
    sample: Sample | None = None
    proposed_columns: dict[str, str] = field(default_factory=dict)
    split: RunSplit | None = None
    survey: Survey | None = None
    listing: str = ""
    listed_again: int = 0
    rows_held: int | None = None
    refused_key: str = field(default="", repr=False)
