"""How a run reads its drop: what the connector's settings said when it began, whatever they say by now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from activation.identifiers.table import Context


@dataclass(frozen=True)
class Reading:
    """What a drop's rows and cells depend on beside its bytes; see ConnectorSettings."""

    context: Context
    encoding: str = ""
    delimiter: str = ""

    def to_json(self) -> dict[str, Any]:
        """Give it as `of` reads it."""
        return {
            "default_country": self.context.default_country,
            "placeholders": sorted(self.context.placeholders),
            "encoding": self.encoding,
            "delimiter": self.delimiter,
        }

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Reading:
        """Read what `to_json` gave, after it went through JSON."""
        context = Context(stored["default_country"], frozenset(stored["placeholders"]))
        return cls(context, stored["encoding"], stored["delimiter"])
