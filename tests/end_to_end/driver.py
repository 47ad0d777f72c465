"""A deployed sandbox as the end-to-end tests drive it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import boto3
import requests
from botocore.config import Config

Found = TypeVar("Found")


@dataclass(frozen=True)
class Sandbox:
    """What `activation sandbox up --json` prints, and the calls that tests make with it."""

    described: dict[str, Any]
    _clients: dict[str, Any] = field(default_factory=dict, repr=False)

    def client(self, service: str) -> Any:
        """Return an AWS client as the account's root user."""
        if service not in self._clients:  # making one takes a tenth of a second
            self._clients[service] = boto3.client(  # type: ignore[call-overload]  # the service is not a literal here
                service,
                endpoint_url=self.described["aws_endpoint_url"],
                region_name=self.described["region"],
                aws_access_key_id=self.described["aws_access_key_id"],
                aws_secret_access_key=self.described["aws_secret_access_key"],
                config=Config(max_pool_connections=32),
            )
        return self._clients[service]

    def connector(self, name: str) -> dict[str, str]:
        """Return the names and addresses of what a connector consists of."""
        resources: dict[str, str] = self.described["connectors"][name]
        return resources

    def drop(self, key: str, body: bytes) -> str:
        """Put an object into the drops bucket; returns its version id."""
        put = self.client("s3").put_object(Bucket=self.described["drops_bucket"], Key=key, Body=body)
        return str(put["VersionId"])

    def receipt(self, key: str, within_s: float = 60.0) -> dict[str, Any]:
        """Wait for a receipt that is final and give it."""

        def final() -> dict[str, Any] | None:
            document = self.receipt_so_far(key)
            return document if document is not None and document["final"] else None

        return until(final, within_s)

    def receipt_so_far(self, key: str) -> dict[str, Any] | None:
        """Return a receipt as it is, None when there is none yet."""
        s3 = self.client("s3")
        try:
            body = s3.get_object(Bucket=self.described["receipts_bucket"], Key=key)["Body"].read()
        except s3.exceptions.NoSuchKey:
            return None
        document: dict[str, Any] = json.loads(body)
        return document

    def simulator_state(self, platform: str, *, members: bool = True) -> Any:
        """Return what a simulated platform holds."""
        return self._simulator(platform, "GET", f"state?members={int(members)}")

    def simulator_requests(self, platform: str) -> Any:
        """Return the calls a simulated platform got."""
        return self._simulator(platform, "GET", "requests")

    def simulator_faults(self, platform: str, *faults: dict[str, Any]) -> None:
        """Make a simulated platform misbehave."""
        self._simulator(platform, "POST", "faults", list(faults))

    def simulator_config(self, platform: str, **changes: Any) -> None:
        """Change a simulated platform's settings."""
        self._simulator(platform, "POST", "config", changes)

    def simulator_watch(self, platform: str, *texts: str) -> None:
        """Let a simulated platform's journal mark the calls that carry one of these texts from now on."""
        self._simulator(platform, "POST", "watch", list(texts))

    def simulator_reset(self, platform: str) -> None:
        """Make a simulated platform forget everything, faults and settings too."""
        self._simulator(platform, "POST", "reset", {})

    def simulator_secret(self, platform: str) -> Any:
        """Return what a client's secret holds to use a simulated platform."""
        return self._simulator(platform, "GET", "secret")

    def aws_faults(self, *faults: dict[str, Any]) -> None:
        """Make AWS misbehave: see sandbox.emulator.faults."""
        self._aws("POST", "_faults", list(faults))

    def aws_faults_applied(self) -> list[int]:
        """Return how often each of AWS's faults in force was applied."""
        return [one["applied"] for one in self._aws("GET", "_faults")]

    def end_faults(self) -> None:
        """End every fault."""
        self.aws_faults()
        for platform in self.described["simulators"]:
            self.simulator_faults(platform)

    def queue_waits(self) -> Any:
        """Return `delivering`, the messages functions are at work on, and `hidden`, queue URL to seconds."""
        return self._aws("GET", "_clock")

    def advance(self, seconds: float) -> None:
        """Let time pass for the queues and the platforms; a connector's Line lets it pass for the ledger too."""
        self._aws("POST", "_clock", {"advance_s": seconds})
        for platform in self.described["simulators"]:
            self._simulator(platform, "POST", "clock", {"advance_s": seconds})

    def workers(self, connector: str) -> list[dict[str, Any]]:
        """List the processes of a connector's function: pid, in_flight, peak_memory_bytes."""
        name = self.connector(connector)["function_name"]
        return [worker for worker in self.all_workers() if worker["function"] == name]

    def all_workers(self) -> list[dict[str, Any]]:
        """List the processes of every function, each with its `function` as well."""
        listed: list[dict[str, Any]] = self._aws("GET", "_workers")
        return listed

    def _simulator(self, platform: str, method: str, what: str, document: object = None) -> Any:
        return _ask(method, f"{self.described['simulators'][platform]}/_sim/{what}", document)

    def _aws(self, method: str, what: str, document: object = None) -> Any:
        return _ask(method, f"{self.described['aws_endpoint_url']}/{what}", document)


def until(look: Callable[[], Found | None], within_s: float) -> Found:
    """Look again and again until there is something; AssertionError when there is not in time."""
    end = time.monotonic() + within_s
    while True:
        found = look()
        if found is not None:
            return found
        assert time.monotonic() < end, f"nothing after {within_s:.0f} s"
        time.sleep(0.1)


def _ask(method: str, url: str, document: object) -> Any:
    answer = requests.request(method, url, json=document, timeout=60)
    answer.raise_for_status()
    return answer.json()
