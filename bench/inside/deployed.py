"""A connector's deployed function in a process of its own: events in, and for each its AWS calls, CPU time and units.

`deployed.py EVENTS [WARM_UP]`: EVENTS is a file with the bodies of the queue's messages, one a line; the first WARM_UP of
them (default 1) start the function and are not measured. What the function calls is in its environment.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import boto3

from bench.inside.meter import metered
from bench.inside.units import Units

TIMEOUT_S = 300.0
FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:meta"


@dataclass
class Context:
    """What Lambda tells of an invocation."""

    function_name: str = "meta"
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 1769
    invoked_function_arn: str = FUNCTION
    aws_request_id: str = "bench"
    log_group_name: str = "/aws/lambda/meta"
    log_stream_name: str = "bench"
    began: float = field(default_factory=time.monotonic)

    def get_remaining_time_in_millis(self) -> int:
        """Return what is left of the invocation."""
        return round(1000 * (TIMEOUT_S - (time.monotonic() - self.began)))


@dataclass
class Calls:
    """Counts the AWS calls of all clients that are made after it was installed; a repetition by the SDK is none."""

    made: Counter[str] = field(default_factory=Counter)

    def install(self) -> None:
        """Hear of every call of the default session's clients."""
        boto3.setup_default_session()
        boto3.DEFAULT_SESSION.events.register("before-call.*.*", self._note)  # type: ignore[union-attr]  # it was set up

    def _note(self, model: Any, **_: Any) -> None:
        self.made[f"{model.service_model.service_id} {model.name}"] += 1


def handled(bodies: list[str], *, warm_up: int) -> dict[str, Any]:
    """Let the function handle each message in an invocation of its own; raises where one failed."""
    calls, units = Calls(), Units()
    calls.install()
    units.install(boto3.DEFAULT_SESSION)
    handler = import_module("lambdas.meta.handler").lambda_handler
    cpu_s, wall_s, made, write_units, read_units = [], [], [], [], []
    for number, body in enumerate(bodies):
        record = {"messageId": str(number), "receiptHandle": str(number), "body": body}
        event = {"Records": [{**record, "attributes": {"ApproximateReceiveCount": "1"}}]}
        calls.made.clear()
        units.clear()
        cpu, wall = time.process_time(), time.perf_counter()
        answer = handler(event, Context())
        if number >= warm_up:
            cpu_s.append(time.process_time() - cpu)
            wall_s.append(time.perf_counter() - wall)
            made.append(dict(calls.made))
            write_units.append(units.write)
            read_units.append(units.read)
        if answer["batchItemFailures"]:
            raise AssertionError(f"message {number} failed")
    return {
        "each_cpu_s": cpu_s,
        "each_wall_s": wall_s,
        "calls": made,
        "write_units": write_units,
        "read_units": read_units,
    }


if __name__ == "__main__":
    path, *warm_up = sys.argv[1:]
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    metered(lambda: handled(lines, warm_up=int("".join(warm_up) or "1")))
