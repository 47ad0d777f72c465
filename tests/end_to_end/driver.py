"""A deployed sandbox as the end-to-end tests drive it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import boto3
import requests

Found = TypeVar("Found")


@dataclass(frozen=True)
class Sandbox:
    """What `activation sandbox up --json` prints, and the calls that tests make with it."""

    described: dict[str, Any]

    def client(self, service: str) -> Any:
        """Give an AWS client as the account's root user."""
        return boto3.client(  # type: ignore[call-overload]  # the service is not a literal here
            service,
            endpoint_url=self.described["aws_endpoint_url"],
            region_name=self.described["region"],
            aws_access_key_id=self.described["aws_access_key_id"],
            aws_secret_access_key=self.described["aws_secret_access_key"],
        )

    def connector(self, name: str) -> dict[str, str]:
        """Give the names and addresses of what a connector consists of."""
        resources: dict[str, str] = self.described["connectors"][name]
        return resources

    def drop(self, key: str, body: bytes) -> str:
        """Put an object into the drops bucket; gives its version id."""
        put = self.client("s3").put_object(Bucket=self.described["drops_bucket"], Key=key, Body=body)
        return str(put["VersionId"])

    def receipt(self, key: str, within_s: float = 60.0) -> dict[str, Any]:
        """Wait for a receipt that is final and give it."""

        def final() -> dict[str, Any] | None:
            s3 = self.client("s3")
            try:
                body = s3.get_object(Bucket=self.described["receipts_bucket"], Key=key)["Body"].read()
            except s3.exceptions.NoSuchKey:
                return None
            document: dict[str, Any] = json.loads(body)
            return document if document["final"] else None

        return until(final, within_s)

    def simulator_state(self, platform: str) -> dict[str, Any]:
        """Give what a simulated platform holds."""
        state: dict[str, Any] = self._ask("GET", f"{self.described['simulators'][platform]}/_sim/state")
        return state

    def simulator_requests(self, platform: str) -> list[dict[str, Any]]:
        """Give the calls a simulated platform got."""
        calls: list[dict[str, Any]] = self._ask("GET", f"{self.described['simulators'][platform]}/_sim/requests")
        return calls

    def simulator_faults(self, platform: str, *faults: dict[str, Any]) -> None:
        """Make a simulated platform misbehave."""
        self._ask("POST", f"{self.described['simulators'][platform]}/_sim/faults", list(faults))

    def aws_faults(self, *faults: dict[str, Any]) -> None:
        """Make AWS misbehave: see sandbox.emulator.faults."""
        self._ask("POST", f"{self.described['aws_endpoint_url']}/_faults", list(faults))

    def end_faults(self) -> None:
        """End every fault."""
        self.aws_faults()
        for platform in self.described["simulators"]:
            self.simulator_faults(platform)

    def workers(self, connector: str) -> list[dict[str, Any]]:
        """List the processes of a connector's function: pid, in_flight, peak_memory_bytes."""
        name = self.connector(connector)["function_name"]
        listed = self._ask("GET", f"{self.described['aws_endpoint_url']}/_workers")
        return [worker for worker in listed if worker["function"] == name]

    def _ask(self, method: str, url: str, document: object = None) -> Any:
        answer = requests.request(method, url, json=document, timeout=30)
        answer.raise_for_status()
        return answer.json()


def until(look: Callable[[], Found | None], within_s: float) -> Found:
    """Look again and again until there is something; AssertionError when there is not in time."""
    end = time.monotonic() + within_s
    while True:
        found = look()
        if found is not None:
            return found
        assert time.monotonic() < end, f"nothing after {within_s:.0f} s"
        time.sleep(0.1)
