"""How a run reads its drop: what the connector's settings said when it began, whatever they say by now."""

from __future__ import annotations

from dataclasses import dataclass

from activation.identifiers.table import Context


@dataclass(frozen=True)
class Reading:
    """What a drop's rows and cells depend on beside its bytes; see FunctionSettings.

    `columns` is what was said of the file's columns, by the connector's settings and by the drop's own metadata:
    see identifiers/column_map.py.
    """

    context: Context
    encoding: str = ""
    delimiter: str = ""
    columns: tuple[tuple[str, str], ...] = ()
