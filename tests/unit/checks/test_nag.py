"""How cdk-nag's findings are counted."""

from __future__ import annotations

from typing import Any

import pytest

from checks.nag import count


def report(*accepted: str, found: int = 0) -> dict[str, Any]:
    """Return a report: for each reason a finding accepted in two places, `found` others in one, a warning."""
    two = [{"constructPath": "a"}, {"constructPath": "b"}]
    return {
        "pluginReports": [
            {
                "pluginName": "AwsSolutions",
                "violations": [{"ruleName": "S1", "violatingConstructs": two[:1]}] * found,
                "suppressedViolations": [
                    {"ruleName": "L1", "violatingConstructs": two, "reason": reason} for reason in accepted
                ],
            },
            {
                "pluginName": "Construct Annotations",
                "violations": [{"ruleName": "alarms", "violatingConstructs": two}],
            },
        ]
    }


def test_open_and_accepted_findings_are_counted_apart() -> None:
    """Each place counts, since a rule can be accepted in one and not in another."""
    (counted,) = count(report("because", "for a reason", found=3))
    assert str(counted) == "cdk-nag, AwsSolutions: 3 findings, 4 more accepted with reasons"


def test_nothing_is_accepted_without_a_reason() -> None:
    """An empty reason is an error."""
    with pytest.raises(ValueError, match="without a reason"):
        count(report("because", ""))
