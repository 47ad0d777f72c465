"""One connector of a deployed sandbox, as tests feed it, disturb it and read what it did."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from activation.model import Audience, Drop
from activation.report.receipts import stem

from sandbox.platforms.expectation import Member
from tests.end_to_end.dialects import Dialect, dialects
from tests.end_to_end.driver import until
from tests.end_to_end.people import Person
from tests.end_to_end.records import Put, Records

QUIET_LOOKS = 3
NOTHING_LEFT_LOOKS = 100
EVENT_S = 8.0  # how long an object's event may take to the queue


@dataclass(frozen=True)
class Sent:
    """What a simulated platform was sent and took: distinct batches, batches taken more than once, rows taken."""

    batches: int
    resent: int
    rows: int


@dataclass
class Line(Records):
    """A connector, by name, whose platform is simulated. `reset` puts back what a test changed."""

    def put(
        self, audience: str, body: bytes, *, kind: str = "raw", file: str = "people.csv", action: str = ""
    ) -> Put:
        """Drop a file for an audience."""
        return self.put_key(
            "/".join(part for part in (self.connector, audience, kind, action, file) if part), body
        )

    def put_key(self, key: str, body: bytes) -> Put:
        """Drop a file under any key."""
        bucket = self.sandbox.described["drops_bucket"]
        version = self.sandbox.drop(key, body)
        run_id = Drop(bucket, key, version, "", len(body)).run_id(self.connector)
        segments = key.split("/")
        audience = segments[1] if len(segments) > 1 else ""
        return Put(key, version, run_id, audience, f"{stem(Audience(self.connector, audience), run_id)}.json")

    def kill_in_flight(self, after: int = 0, within_s: float = 60.0) -> int:
        """Kill the worker with signal 9 while the platform has a call of it that is not answered yet.

        `after` is the number of a call in the platform's journal; gives that of the call that was cut off, a later
        one. When the platform had answered by then, another kill follows. Workers that only found the run taken
        die with the one that has it. What the line waits for meanwhile is let pass, and a message that came too
        often is redriven.
        """
        quiet = 0

        def cut_off() -> int | None:
            nonlocal quiet
            under_way = [one["number"] for one in self.calls() if one["number"] > after and _unanswered(one)]
            busy = [worker["pid"] for worker in self.sandbox.workers(self.connector) if worker["in_flight"]]
            if not under_way or not busy:
                waits = self.sandbox.queue_waits()
                quiet = 0 if waits["delivering"] or self._visible(self.addresses["queue_url"]) else quiet + 1
                if quiet > QUIET_LOOKS and not self.redrive_if_dead():
                    hidden = waits["hidden"].get(self.addresses["queue_url"])
                    assert hidden is not None or quiet < NOTHING_LEFT_LOOKS, "nothing is left to be cut off"
                    if hidden is not None:
                        self.pass_time(hidden + 1)
                        quiet = 0
                return None
            for pid in busy:
                self.kill(pid)
            self.kills += 1
            newest = int(under_way[-1])
            return newest if any(one["number"] == newest and _unanswered(one) for one in self.calls()) else None

        return until(cut_off, within_s)

    def redrive_when_quiet(self) -> None:
        """Let the line come to rest and redrive, until no message is left in the dead letters."""
        self.wait_until_quiet()
        while self.redrive_if_dead():
            self.wait_until_quiet()

    def wait_until_quiet(self, within_s: float = 120.0, *, patient: bool = True) -> None:
        """Let the line work until nothing is left to do; with `patient`, let the time it waits for pass meanwhile.

        AssertionError when something is left after `within_s` seconds, or with no patience when it waits.
        """
        end, quiet = time.monotonic() + within_s, 0
        url = self.addresses["queue_url"]
        while quiet < QUIET_LOOKS:
            assert time.monotonic() < end, f"still at work after {within_s:.0f} s"
            waits, visible = self.sandbox.queue_waits(), self._visible(url)
            if waits["delivering"] or visible:
                quiet = 0
            elif url in waits["hidden"]:
                quiet += 1
                if quiet == QUIET_LOOKS:
                    assert patient, "a message waits for its time"
                    self.pass_time(waits["hidden"][url] + 1)
                    quiet = 0
            else:
                quiet += 1
            time.sleep(0.1)

    def finish(self, put: Put, within_s: float = 120.0) -> dict[str, Any]:
        """Let the line come to rest, letting time pass where it waits, and give the drop's final receipt."""
        end, idle_since = time.monotonic() + within_s, time.monotonic()
        while True:
            self.wait_until_quiet(end - time.monotonic())
            receipt = self.sandbox.receipt_so_far(put.receipt_key)
            if receipt is not None and receipt["final"]:
                return receipt
            # An event takes a moment from the bucket to the queue; a run that nothing drives stays as it is.
            why = f"{receipt['state']} {receipt['reason']}" if receipt else "no receipt"
            assert time.monotonic() - idle_since < EVENT_S, f"nothing moves: {why}"

    def finish_again(self, put: Put, within_s: float = 120.0) -> dict[str, Any]:
        """Return the final receipt of a run that had stopped, once it has gone on from there."""
        self.wait_until_quiet(within_s)
        return self.finish(put, within_s)

    @property
    def dialect(self) -> Dialect:
        """Return what there is to know of the line's platform."""
        return dialects()[self.platform]

    def calls(self, route: str | None = None) -> list[dict[str, Any]]:
        """Return the platform's journal of the calls to a route, of uploads by default."""
        route = self.dialect.upload if route is None else route
        return [one for one in self.sandbox.simulator_requests(self.platform) if route in one["route"]]

    def wait_for_calls(self, count: int, route: str | None = None, within_s: float = 60.0) -> None:
        """Wait until the platform was asked so often."""
        until(lambda: True if len(self.calls(route)) >= count else None, within_s)

    def sent(self) -> Sent:
        """Count what the platform took since it was reset."""
        taken = [one for one in self.calls() if _taken(one) and not self.dialect.refuses(one)]
        batches = Counter((one["route"], one["digest"]) for one in taken)
        return Sent(len(batches), len(taken) - len(batches), sum(one["rows"] for one in taken))

    def held(self, audience: str) -> set[Member]:
        """Return the members of every audience of a name at the platform, as they were sent."""
        found: set[Member] = set()
        for one in self.sandbox.simulator_state(self.platform)["audiences"]:
            if one["name"] == audience:
                found |= self.dialect.expected.held(one)
        return found

    def wait_until_processed(self, within_s: float = 60.0) -> None:
        """Wait until the platform has processed what it accepted; AssertionError after `within_s` seconds."""
        until(lambda: not any(one.get("processing") for one in self.audiences()), within_s)

    def members(self, of: Iterable[Person]) -> set[Member]:
        """Return what the platform should hold of these people."""
        return {member for person in of for member in self.dialect.members(person)}

    def audiences(self) -> list[dict[str, Any]]:
        """Return the platform's audiences without their members."""
        found: list[dict[str, Any]] = self.sandbox.simulator_state(self.platform, members=False)["audiences"]
        return found

    def rejects(self, receipt: dict[str, Any]) -> list[tuple[str, str, str]]:
        """Read the rejects of a receipt: row, column, code of each line."""
        if receipt["rejects_key"] is None:
            return []
        body = self.sandbox.client("s3").get_object(
            Bucket=self.sandbox.described["receipts_bucket"], Key=receipt["rejects_key"]
        )["Body"]
        lines = body.read().decode().splitlines()
        assert lines[0] == "row,column,code"
        return [(row, column, code) for row, column, code in (line.split(",") for line in lines[1:])]

    def reset(self, environment: Mapping[str, str] = MappingProxyType({})) -> None:
        """Bring the line back to what it was after its deployment, but for these variables of its environment."""
        client = self.sandbox.client("sqs")
        self.sandbox.end_faults()
        for name in ("queue_url", "dead_letter_queue_url", "undelivered_queue_url"):
            client.purge_queue(QueueUrl=self.addresses[name])
        if any(worker["in_flight"] for worker in self.sandbox.workers(self.connector)):
            for worker in self.sandbox.workers(self.connector):
                self.kill(worker["pid"])
        until(lambda: None if self.sandbox.queue_waits()["delivering"] else True, 30)
        client.purge_queue(QueueUrl=self.addresses["queue_url"])
        self.configure(environment=environment)
        self.sandbox.simulator_reset(self.platform)
        if self.dialect.calm:
            self.sandbox.simulator_config(self.platform, **self.dialect.calm)
        self._restore_secret()
        self.kills, self.simulated_s = 0, 0.0
        self._empty_tables()

    def _restore_secret(self) -> None:
        """Write the secret the reset platform takes, unless it is there; functions forget the one they hold."""
        right = self.sandbox.simulator_secret(self.platform)
        if self._secret_written or self.stored_secret() != right:  # the function itself may have replaced a token
            self.write_secret(json.dumps(right))
            self.restart()
        self._secret_written = False

    def _empty_tables(self) -> None:
        database, table = self.sandbox.client("dynamodb"), self.variables["LEDGER_TABLE"]
        for item in self._items():
            database.delete_item(TableName=table, Key={"pk": item["pk"]})
        s3 = self.sandbox.client("s3")
        told = self.sandbox.described
        for bucket in (
            *(told[f"{name}_bucket"] for name in ("receipts", "mirrors", "drops")),
            told["source"]["bucket"],
        ):
            pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
            for page in pages:
                listed = [
                    {"Key": one["Key"], "VersionId": one["VersionId"]}
                    for one in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
                ]
                if listed:
                    s3.delete_objects(Bucket=bucket, Delete={"Objects": listed, "Quiet": True})


def _taken(call: dict[str, Any]) -> bool:
    """Whether the platform got the call's rows and dealt with them; a second time changes nothing there."""
    return bool(call["rows"] and call["fault"] not in ("before", "status")) and (
        call["status"] == 200 or call["fault"] == "after" or call["applied"]
    )


def _unanswered(call: dict[str, Any]) -> bool:
    return bool(call["rows"] and call["status"] == 0 and not call["fault"])
