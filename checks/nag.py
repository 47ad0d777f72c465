"""Count cdk-nag's findings in the report that a synth writes beside its templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

REPORT = "validation-report.json"
WARNINGS = "Construct Annotations"  # the app's own sentences to whoever deploys, in the same report


@dataclass(frozen=True)
class Counted:
    """How many findings a rule pack has: `open` ones, and those `accepted` with a reason."""

    pack: str
    open: int
    accepted: int

    def __str__(self) -> str:
        """Return the line of `make check`."""
        return f"cdk-nag, {self.pack}: {self.open} findings, {self.accepted} more accepted with reasons"


def count(report: Mapping[str, Any]) -> list[Counted]:
    """Count the findings of each rule pack in a report; raises ValueError if an accepted one has no reason."""
    counted = []
    for pack in (one for one in report["pluginReports"] if one["pluginName"] != WARNINGS):
        accepted = pack.get("suppressedViolations", [])
        if any(not one.get("reason") for one in accepted):
            raise ValueError(f"{pack['pluginName']}: a finding is accepted without a reason")
        counted.append(Counted(pack["pluginName"], _places(pack["violations"]), _places(accepted)))
    return counted


def _places(found: list[Mapping[str, Any]]) -> int:
    return sum(len(one["violatingConstructs"]) for one in found)
