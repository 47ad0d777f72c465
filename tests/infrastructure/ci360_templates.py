"""The template of SAS CI360's stack, synthesised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.infrastructure.conftest import Properties, synthesise

STACK = "audience-activation-ci360"
CI360 = {
    "allowed_hosts": ["Staging.s3.eu-central-1.amazonaws.com", ".files.example.com"],
    "drops": [{"connector": "alpha"}, {"connector": "beta-eu", "actions": ["add", "remove"]}],
    "allowed_ips": ["203.0.113.0/24", "2001:db8::/32"],
    "requests_per_second": 3,
    "burst": 7,
    "requests_per_day": 500,
    "alarm_email": "ops@example.com",
    "logs_role": "app",
    "keys": ["key", "next"],
    "landing_days": 3,
    "reserved_concurrency": 10,
    "results": {"gateway": "extapigwservice-prod.ci360.sas.com", "landed_event": "AudienceLanded"},
}


@dataclass(frozen=True)
class Ci360Template:
    """The synthesised stack."""

    template: Mapping[str, Any]

    def all(self, type_: str, name: str = "") -> dict[str, Properties]:
        """Return the resources of a type whose logical id begins with `name`."""
        return {
            id_: resource.get("Properties", {})
            for id_, resource in self.template["Resources"].items()
            if resource["Type"] == type_ and id_.startswith(name)
        }

    def one(self, type_: str, name: str = "") -> Properties:
        """Return the one resource."""
        (found,) = self.all(type_, name).values()
        return found

    def statements(self, role: str) -> dict[str, dict[str, Any]]:
        """Return the statements of a function's role, by their ids."""
        (policy,) = self.one("AWS::IAM::Role", role)["Policies"]
        return {one["Sid"]: one for one in policy["PolicyDocument"]["Statement"]}


def synth(
    factory: pytest.TempPathFactory, settings: Mapping[str, Any], root: Path, ci360: Mapping[str, Any] | None
) -> Path:
    """Synthesise the app with a section `ci360`, or without; cdk-nag fails it on a finding."""
    outdir = factory.mktemp("ci360-assembly")
    synthesise(outdir, {**settings, **({} if ci360 is None else {"ci360": ci360})}, root=root)
    return outdir
