"""The configured queries, as the stack tells them to the function, and where the results of each start go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_SLOT = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2})(\d{2})(\d{2})Z-\d+")


@dataclass(frozen=True)
class Query:
    """A query of a membership, whose results are written below `prefix` of `bucket`.

    `sql` is the query itself; or `template` is the ARN of an analysis template, and `parameters` are its values.
    `prefix` ends with the query's own name and a slash. `result_format` is CSV or PARQUET. `worker_type` and
    `workers` are the Spark engine's, "" and 0 for its defaults.
    """

    name: str
    membership: str
    bucket: str
    prefix: str
    sql: str = ""
    template: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    result_format: str = "CSV"
    worker_type: str = ""
    workers: int = 0

    def prefix_of(self, slot: str, attempt: int) -> str:
        """Return the key prefix that one attempt's results are written below, and no other's.

        Clean Rooms returns it with the query, so it is what tells the queries of a membership apart. Its pattern
        has no colon: https://docs.aws.amazon.com/clean-rooms/latest/apireference/API_ProtectedQueryS3OutputConfiguration.html,
        read 2026-11-30
        """
        return f"{self.prefix}{slot.replace(':', '')}-{attempt}"

    def slot_of(self, prefix: str) -> str:
        """Return the slot of an attempt by its prefix, "" for a prefix that is not this query's."""
        found = _SLOT.fullmatch(prefix.removeprefix(self.prefix)) if prefix.startswith(self.prefix) else None
        return f"{found[1]}:{found[2]}:{found[3]}Z" if found else ""

    @property
    def sql_parameters(self) -> dict[str, Any]:
        """Return what is run, as `StartProtectedQuery` takes it."""
        if self.sql:
            return {"queryString": self.sql}
        parameters = {"parameters": dict(self.parameters)} if self.parameters else {}
        return {"analysisTemplateArn": self.template, **parameters}

    @property
    def compute(self) -> dict[str, Any]:
        """Return the argument that chooses workers, none where the settings choose none."""
        if not self.worker_type:
            return {}
        return {"computeConfiguration": {"worker": {"type": self.worker_type, "number": self.workers}}}
