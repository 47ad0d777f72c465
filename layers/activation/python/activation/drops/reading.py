"""How a run reads its drop: what the connector's settings said when it began, whatever they say by now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from activation.identifiers.column_map import from_metadata, merged
from activation.identifiers.table import Context


@dataclass(frozen=True)
class Reading:
    """What a drop's rows and cells depend on beside its bytes; see FunctionSettings.

    `columns` is what was said of the file's columns, by the connector's settings and by the drop's own metadata:
    see identifiers/column_map.py.
    The context's `date_order` is the setting's, or else what the drop's first rows showed; see date_orders.py.
    """

    context: Context
    encoding: str = ""
    delimiter: str = ""
    columns: tuple[tuple[str, str], ...] = ()


def with_metadata(reading: Reading, metadata: Mapping[str, str]) -> Reading:
    """Return how a drop with this object metadata is read; raises Rejected with bad_columns."""
    own, date_order = from_metadata(metadata)
    context = replace(reading.context, date_order=date_order or reading.context.date_order)
    return replace(reading, context=context, columns=merged(dict(reading.columns), own))
