"""How a run reads its drop: what the connector's settings said when it began, whatever they say by now."""

from __future__ import annotations

from dataclasses import dataclass

from activation.identifiers.table import Context


@dataclass(frozen=True)
class Reading:
    """What a drop's rows and cells depend on beside its bytes; see FunctionSettings.

    The context's `date_order` is the setting's, or else what the drop's first rows showed; see date_orders.py.
    """

    context: Context
    encoding: str = ""
    delimiter: str = ""
