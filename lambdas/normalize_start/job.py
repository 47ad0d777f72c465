"""The Glue job: one call that starts it, and what its runs say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from lambdas.normalize_start.occasion import TOKEN, Occasion

# As much runs as may, of this job or of the account: https://docs.aws.amazon.com/glue/latest/webapi/API_StartJobRun.html,
# read 2026-11-30
BUSY = frozenset(("ConcurrentRunsExceededException", "ResourceNumberLimitExceededException"))
_CLOCKS_S = 300.0  # by which Glue's clock and the function's may differ


class GlueClient(Protocol):
    """The calls of the SDK's client, whose stubs are not among the project's."""

    @property
    def start_job_run(self) -> Callable[..., Any]:
        """Return the call that starts a run."""
        ...

    @property
    def get_job_run(self) -> Callable[..., Any]:
        """Return the call that returns a run."""
        ...

    @property
    def get_paginator(self) -> Callable[..., Any]:
        """Return the call that makes a paginator, of get_job_runs."""
        ...


@dataclass(frozen=True)
class GlueJob:
    """The job by its `name`.

    `starting` is a client that never repeats a call: Glue would start a second run. `reading` may.
    """

    name: str
    starting: GlueClient
    reading: GlueClient

    def run(self, run_id: str) -> Mapping[str, Any]:
        """Return a run; raises what the SDK raises."""
        run: Mapping[str, Any] = self.reading.get_job_run(JobName=self.name, RunId=run_id)["JobRun"]
        return run


@dataclass
class JobStarter:
    """Starts the job for an occasion, and finds what such a call has started.

    `output` is the s3:// URL of the drops, `record` where the report of this occasion's drop is kept. `runs` are
    those that this starter has started or found.
    """

    job: GlueJob
    occasion: Occasion
    mapping: str
    output: str
    record: str
    runs: list[str] = field(default_factory=list)

    def start(self, token: str) -> str:
        """Start a run with the token among its arguments, and return its id."""
        arguments = self.occasion.arguments(token, self.mapping, self.output, self.record)
        run_id = str(self.job.starting.start_job_run(JobName=self.job.name, Arguments=arguments)["JobRunId"])
        self.runs.append(run_id)
        return run_id

    def find(self, token: str, since: float) -> str:
        """Return the run with this token, "" where none is."""
        for page in self.job.reading.get_paginator("get_job_runs").paginate(JobName=self.job.name):
            for run in page["JobRuns"]:
                if run.get("Arguments", {}).get(TOKEN) == token:
                    self.runs.append(run["Id"])
                    return str(run["Id"])
            # The newest come first: what follows is older still.
            if page["JobRuns"] and all(
                run["StartedOn"].timestamp() < since - _CLOCKS_S for run in page["JobRuns"]
            ):
                return ""
        return ""
