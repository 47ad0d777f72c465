"""The exports of the settings, and where an object belongs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from activation.drops.sources import Origin
from activation.errors import Rejected
from activation.ledger.keys import NO_CONNECTOR


@dataclass(frozen=True)
class ExportSettings:
    """An export as the stack describes it.

    `prefix` ends in a slash; the folder that it names and those below it are closed by signs. `mapping` is the s3://
    URL of the mapping. With `takes_all` each start reads the whole folder, else what no earlier one has taken.
    `quiet_s` is after how many seconds without a new file a folder is closed, 0 for never. A `scheduled` export is
    started by its schedule alone.
    """

    name: str
    prefix: str
    mapping: str
    takes_all: bool = False
    quiet_s: int = 0
    scheduled: bool = False

    @property
    def layout(self) -> str:
        """Return what stands before the export's keys in the layout of drops, where its prefix is a folder."""
        return f"{NO_CONNECTOR}/{self.name}/raw/add/export/"


@dataclass(frozen=True)
class Exports:
    """The exports below prefixes of one bucket."""

    bucket: str
    exports: Sequence[ExportSettings]

    def named(self, name: str) -> ExportSettings:
        """Return the export of a name; raises Rejected (unknown_export)."""
        found = next((one for one in self.exports if one.name == name), None)
        if found is None:
            raise Rejected("unknown_export", "the settings have no export of this name any more")
        return found

    def holding(self, bucket: str, key: str) -> ExportSettings:
        """Return the export that an object belongs to; raises Rejected (foreign_bucket)."""
        found = next((one for one in self.exports if key.startswith(one.prefix)), None)
        if bucket != self.bucket or found is None:
            raise Rejected("foreign_bucket", "the event is of another bucket or prefix than the exports'")
        return found

    def origin(self, export: ExportSettings) -> Origin:
        """Return where an export's objects are."""
        return Origin(self.bucket, export.prefix, export.layout)

    def of(self, bucket: str, key: str) -> Origin:
        """Return where an object is; raises Rejected (foreign_bucket)."""
        return self.origin(self.holding(bucket, key))
