"""How a run reads its drop: what the connector's settings said when it began, whatever they say by now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from activation.drops.folder_manifest import ManifestReading
from activation.identifiers.column_map import ENCODING_METADATA, Entries, from_metadata
from activation.identifiers.table import Context
from activation.row_rule import NO_RULE, RowRule


@dataclass(frozen=True)
class Reading:
    """What a drop's rows and cells depend on beside its bytes; see FunctionSettings.

    `columns` is what the connector's settings say of its files' columns, `own_columns` what the drop's metadata,
    or its folder's manifest, says of its own: see identifiers/column_map.py. The context's `date_order` is the
    setting's, or else what the drop's first rows showed: see date_orders.py. `consent` and `operation` say which
    rows may be sent, and `audience_consent` which of them to this audience.
    """

    context: Context
    encoding: str = ""
    delimiter: str = ""
    columns: Entries = ()
    own_columns: Entries = ()
    consent: RowRule = NO_RULE
    operation: RowRule = NO_RULE
    audience_consent: RowRule = NO_RULE

    @property
    def consents(self) -> tuple[tuple[str, RowRule], ...]:
        """Return the rules of consent with their names: each of them has to allow a row."""
        rules = (("consent", self.consent), ("audience_consent", self.audience_consent))
        return tuple((name, rule) for name, rule in rules if rule)


def with_metadata(reading: Reading, metadata: Mapping[str, str]) -> Reading:
    """Return how a drop with this object metadata is read; raises Rejected with bad_columns.

    Its encoding is not looked at here, since only delimited text has one: see open.py.
    """
    columns, date_order, time_zone = from_metadata(metadata)
    own = ManifestReading(columns, date_order, time_zone, encoding=metadata.get(ENCODING_METADATA, "").strip())
    return _with_own(reading, own)


def with_manifest(reading: Reading, said: ManifestReading | None) -> Reading:
    """Return how a folder is read whose manifest says this of its files."""
    return _with_own(reading, said) if said else reading


def _with_own(reading: Reading, said: ManifestReading) -> Reading:
    settled = reading.context
    context = replace(
        settled, date_order=said.date_order or settled.date_order, time_zone=said.time_zone or settled.time_zone
    )
    encoding = said.encoding or reading.encoding
    return replace(reading, context=context, encoding=encoding, own_columns=said.columns)
