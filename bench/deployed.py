"""A row of a table of configurations, filled by the deployed app: from a tick to the last acknowledged request.

AWS is the sandbox's emulator, the platform its simulator, and each function runs in a process of its own.
"""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import requests
from activation.ledger.keys import run_key

from bench.environments import CACHE
from lambdas.sync.slots import SYNC, slot_id
from sandbox import lifecycle
from sandbox.demo.group import ACCOUNTS, Group, group
from sandbox.place import Place
from sandbox.postgres.cdp import SYSTEMS
from sandbox.progress import Steps

SYSTEM = "brio"
HALVES = (SYSTEMS[SYSTEM][:2], SYSTEMS[SYSTEM][2:])  # of its tenants, with about as many customers each
# Of the customers, so many are selected: the others have no address, no consent, or an excluded segment.
SELECTED = 0.59
UPLOADS = "/users"  # what both routes of an upload hold
ONLY = "delete from cdp.facebook_configurations where system_name <> 'brio'"
TURN = "update cdp.facebook_configurations set tenant_ids = array[{}] where system_name = 'brio'"
DECLARED = """\
sources: {cdp: {kind: postgres}}
audiences:
  customers:
    {source: cdp, table: customers_master, paused: true, consent: {column: accepts_marketing, allow: [true]},
     columns: {email: email, phone: phone, firstname: FN, lastname: LN}, to: [{connector: CONNECTOR, audience: none}],
     ACTION, timezone: UTC, every: 8000h, at: "10:00", from: 2026-12-01}
tables:
  - {source: cdp, table: cdp.facebook_configurations, like: customers, audience: "CDP - {system_name}"}
"""

# As the audience's people are all replaced by others, the guard would stop each run.
ACTIONS = {"mirror": "guard: {leave: 100%, shrink: 100%}", "add": "action: add"}


@dataclass(frozen=True)
class Filled:
    """How long a row took until its last acknowledged upload, in seconds from the tick and from the claim; its rows."""

    from_tick_s: float
    from_claim_s: float
    rows: int


@dataclass(frozen=True)
class Deployed:
    """The app with a row to fill by an action; the platform answers after `delay_s`."""

    group: Group
    action: str
    delay_s: float

    def prepare(self, rows: int) -> None:
        """Make about `rows` people for each half, declare the row, and fill its audience for the first time."""
        tenants = SYSTEMS[SYSTEM]
        self.group.prepare(int(rows * len(HALVES) / SELECTED), [SYSTEM], tenants=tenants)
        self.group.server.run(ONLY)
        self.group.simulator.configure(latency_s=self.delay_s, tier="full")
        self.group.apply(DECLARED.replace("ACTION", ACTIONS[self.action]))
        self.fill(0)

    def cool(self) -> None:
        """End the processes of all functions, so that the next call begins new ones."""
        url = f"{self.group.described['aws_endpoint_url']}/_workers"
        for worker in requests.get(url, timeout=10).json():
            os.kill(worker["pid"], signal.SIGKILL)
        time.sleep(1)

    def fill(self, half: int) -> Filled:
        """Let the row select one half, and return what filling it came to."""
        group = self.group
        group.server.run(TURN.format(self.tenants(half)))
        before = group.ask(SYSTEM)
        _, _ = group.function_name, group.lambda_client  # looked up, and made, before the clock starts
        began = time.time()
        row = group.filled(before, SYSTEM)[SYSTEM]
        if row.sync_status != "applied":
            raise RuntimeError(f"the row was not filled: {row.sync_status}, {row.error_log}")
        ended, rows = self.uploaded(began)
        return Filled(ended - began, ended - self._claimed(), rows)

    def _claimed(self) -> float:
        """Return when the newest slot was claimed, in Unix seconds."""
        export = self.group.newest_receipt(SYSTEM)["folder"]["export"]
        record = run_key(SYNC, slot_id("cdp", export["declaration"], export["slot"]))
        stacks = self.group.client("cloudformation").describe_stacks()["Stacks"]
        outputs = [one for stack in stacks for one in stack["Outputs"]]
        (table,) = [one["OutputValue"] for one in outputs if one["OutputKey"] == "LedgerTable"]
        found = self.group.client("dynamodb").get_item(TableName=table, Key={"pk": {"S": record}})
        return float(found["Item"]["started_at"]["N"])

    def uploaded(self, since: float, until: float = math.inf) -> tuple[float, int]:
        """Return when the last upload in between was answered, in Unix seconds, and how many rows all had."""
        found = [one for one in self.group.simulator.requests(UPLOADS) if since <= one["time"] < until]
        return max(one["time"] for one in found) + self.delay_s, sum(one["rows"] for one in found)

    def tenants(self, half: int) -> str:
        """Return a half's tenants, as SQL writes them in a list."""
        return ",".join(map(str, HALVES[half % len(HALVES)]))

    @property
    def audience_id(self) -> str:
        """Return the id of the row's audience."""
        return self.group.table()[SYSTEM].custom_audience_id

    @property
    def secret(self) -> dict[str, str]:
        """Return the secret of the row's ad account."""
        return {**self.group.simulator.secret(), "ad_account_id": ACCOUNTS[SYSTEM]}


@contextmanager
def deployed(action: str, delay_s: float) -> Iterator[Deployed]:
    """Deploy the app into a sandbox of the bench's own, with a database; all of it is gone afterwards."""
    place = Place(CACHE / "sandbox")
    described = lifecycle.up(place, steps=Steps())
    try:
        with group(described) as one:
            yield Deployed(one, action, delay_s)
    finally:
        lifecycle.down(place)
