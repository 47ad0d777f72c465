"""The deployed stack of exports, as the demo and the end-to-end tests drive it: files written, runs followed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.errors import SandboxError

RUN_S = 420.0  # Spark starts in ten seconds on a calm machine, in two minutes on a busy one
_POLL_S = 0.2
_AT_WORK = frozenset(("STARTING", "RUNNING"))


@dataclass(frozen=True)
class DeployedJob:
    """The stack by its `outputs` and those of the storage stack; `client` makes an AWS client of a service."""

    client: Callable[[str], Any]
    outputs: Mapping[str, str]

    @classmethod
    def found(cls, client: Callable[[str], Any], app: str) -> DeployedJob:
        """Return the stack of an app; raises what the SDK raises where it is not deployed."""
        names = (f"{app}-storage", f"{app}-normalize")
        stacks = [client("cloudformation").describe_stacks(StackName=one)["Stacks"][0] for one in names]
        return cls(client, {one["OutputKey"]: one["OutputValue"] for stack in stacks for one in stack["Outputs"]})

    def put(self, key: str, body: bytes) -> str:
        """Write an object of an export; return its version."""
        put = self.client("s3").put_object(Bucket=self.outputs["ExportsBucket"], Key=key, Body=body)
        return str(put["VersionId"])

    def runs(self, export: str) -> list[dict[str, Any]]:
        """Return the job's runs for an export, the newest first."""
        found = self.client("glue").get_job_runs(JobName=self.outputs["NormalizeJobName"])["JobRuns"]
        return [one for one in found if one["Arguments"].get("--export") == export]

    def ended(self, export: str, count: int) -> list[dict[str, Any]]:
        """Wait until an export has had so many runs and all have ended; return them, the newest first.

        Raises SandboxError if that takes longer than RUN_S.
        """
        ends = time.monotonic() + RUN_S
        while time.monotonic() < ends:
            runs = self.runs(export)
            if len(runs) >= count and not _AT_WORK & {one["JobRunState"] for one in runs}:
                return runs
            time.sleep(_POLL_S)
        raise SandboxError(f"export {export} has not had {count} runs that ended after {RUN_S:.0f} s")
