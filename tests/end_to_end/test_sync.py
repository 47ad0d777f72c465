"""Declared audiences, deployed: a real PostgreSQL behind TLS, ticks, slots, mirrors, and what is left of them."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lambdas.sync.messages import SlotWork
from sandbox.postgres.server import PostgresServer, postgres_server
from sandbox.postgres.tls_proxy import TlsProxy, tls_proxy
from tests.end_to_end.driver import Sandbox, until
from tests.end_to_end.line import Line
from tests.end_to_end.people import Person
from tests.end_to_end.test_commands import activation

STACK = "audience-activation-sync"
AUDIENCE, PASSWORD, WITHIN_S = "Declared people", "p:/@ w%25+d&x=1", 120
SQL = "select email, accepts_marketing from people where tenant in :tenants and segment <> :left_out"
TEXT = """\
sources: {{cdp: {{kind: postgres}}}}
defaults: {{timezone: America/Argentina/Buenos_Aires, every: 1d, at: "00:00"}}
audiences:
  declared:
    source: cdp
    sql: people.sql
    params: {{tenants: [20, 25], left_out: Lost}}
    columns: {{email: email}}
    consent: {{column: accepts_marketing, allow: [true]}}
    to: [{{connector: meta, audience: {audience}}}]
    from: {start}
    guard: {{leave: 30%}}
"""


@dataclass(frozen=True)
class Database:
    """The company's database, and the TLS in front of it."""

    server: PostgresServer
    proxy: TlsProxy

    def fill(self, people: int = 40) -> None:
        """Fill the table anew: everybody consents, in two tenants, but for one who is in a third and one Lost."""
        self.server.run(
            "delete from people",
            f"""insert into people select n, 'person' || n || '@example.com', case when n = 1 then 99 else 20 end,
            case when n = 2 then 'Lost' else 'Loyal' end, true from generate_series(1, {people}) as n""",
        )

    def people(self) -> list[Person]:
        """Return whoever should be in the audience."""
        rows = self.server.rows(
            "select email from people where tenant in (20, 25) and segment <> 'Lost' and accepts_marketing"
        )
        return [Person(str(email)) for (email,) in rows]


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """Start the database, whose user `app` may read one table."""
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder, postgres_server(Path(folder)) as server:
        server.run(
            "create table people (id int, email text, tenant int, segment text, accepts_marketing boolean)",
            f"create role app login password '{PASSWORD}'",
            "grant select on people to app",
        )
        with tempfile.TemporaryDirectory() as own, tls_proxy(server.socket, Path(own)) as proxy:
            yield Database(server, proxy)


@dataclass(frozen=True)
class Sync:
    """The deployed sync, with a file of declarations."""

    line: Line
    database: Database
    file: Path
    outputs: dict[str, str]

    @property
    def sandbox(self) -> Sandbox:
        """Return the sandbox."""
        return self.line.sandbox

    def command(self, *arguments: str, exits: int = 0) -> str:
        """Run a command of `activation audiences`."""
        done = activation(self.line, "audiences", *arguments)
        assert done.returncode == exits, done.stdout + done.stderr
        return done.stdout

    def call(self, event: dict[str, Any]) -> dict[str, Any]:
        """Call the function, and return what it returns."""
        client = self.sandbox.client("lambda")
        answer = client.invoke(FunctionName=self.outputs["FunctionName"], Payload=json.dumps(event).encode())
        found = json.loads(answer["Payload"].read() or b"null")
        assert "FunctionError" not in answer, found
        return dict(found or {})

    def tick(self) -> None:
        """Call the function as EventBridge Scheduler does."""
        self.call({})

    def states(self) -> dict[str, Any]:
        """Return what `audiences status` says of the declaration."""
        done = activation(self.line, "audiences", "status", "declared", "--json")
        (state,) = map(json.loads, done.stdout.splitlines())
        return dict(state)

    def extracted(self, before: str = "") -> dict[str, Any]:
        """Wait until a slot newer than `before` has been left for good."""

        def look() -> dict[str, Any] | None:
            found = self.states()
            ended = found["state"] in ("applied", "failed", "blocked", "superseded")
            return found if ended and found["slot"] > before else None

        return until(look, WITHIN_S)

    def receipt(self, slot: str) -> dict[str, Any]:
        """Wait for the final receipt of the run that sent a slot's export."""
        s3, bucket = self.sandbox.client("s3"), self.sandbox.described["receipts_bucket"]

        def look() -> dict[str, Any] | None:
            pages = s3.get_paginator("list_objects_v2").paginate(
                Bucket=bucket, Prefix=f"receipts/meta/{AUDIENCE}/"
            )
            for key in [one["Key"] for page in pages for one in page.get("Contents", [])]:
                found = self.sandbox.receipt_so_far(key) if key.endswith(".json") else None
                if found and found["final"] and found["folder"]["export"]["slot"] == slot:
                    return found
            return None

        return until(look, WITHIN_S)

    def is_in_step(self) -> bool:
        """Return whether the platform holds exactly those whom the database selects."""
        return self.line.held(AUDIENCE) == self.line.members(self.database.people())

    def objects(self) -> list[str]:
        """Return every version of every object of the declaration's exports."""
        listed = self.sandbox.client("s3").list_object_versions(
            Bucket=self.sandbox.described["drops_bucket"], Prefix=f"meta/{AUDIENCE}/raw/"
        )
        return [one["Key"] for one in (*listed.get("Versions", []), *listed.get("DeleteMarkers", []))]


@pytest.fixture
def sync(meta: Line, database: Database, tmp_path: Path) -> Sync:
    """Write the login into the app's secret, and a file of declarations; nothing is in force yet."""
    sandbox = meta.sandbox
    (stack,) = sandbox.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    login = {
        "username": "app",
        "password": PASSWORD,
        "host": "localhost",
        "port": database.proxy.port,
        "dbname": "postgres",
        "ca": database.proxy.ca_file.read_text(),
    }
    sandbox.client("secretsmanager").put_secret_value(
        SecretId=outputs["CdpSecretArn"], SecretString=json.dumps(login)
    )
    for worker in sandbox.all_workers():  # which may still know the login of another test run
        if worker["function"] == outputs["FunctionName"] and not worker["in_flight"]:
            os.kill(worker["pid"], signal.SIGKILL)
    (tmp_path / "people.sql").write_text(SQL)
    file = tmp_path / "audiences.yml"
    start = (datetime.now(UTC) - timedelta(days=3)).date()
    file.write_text(TEXT.format(audience=AUDIENCE, start=start))
    database.fill()
    return Sync(meta, database, file, outputs)


def test_a_declaration_is_planned_applied_and_kept_in_step(sync: Sync) -> None:
    """From a file to the platform: a tick, one extraction, a mirror, its receipt, and nothing left in the bucket.

    Then one opts out, one leaves and one joins, and the next slot moves exactly them. A source that has lost half
    of its people, or all, stops before anything is sent.
    """
    (plan,) = map(json.loads, sync.command("plan", "--file", str(sync.file), "--json").splitlines())
    assert (plan["rows_selected"], plan["rows"], plan["refused"]) == (38, 38, None)
    assert plan["requests"] >= 1
    assert "in force" in sync.command("apply", "--file", str(sync.file), "--yes")
    assert "nothing changes" in sync.command("apply", "--file", str(sync.file), "--yes")
    with ThreadPoolExecutor(2) as both:
        list(both.map(lambda _: sync.tick(), range(2)))
    first = sync.extracted()
    assert (first["state"], first["rows"]) == ("applied", 38)
    receipt = sync.receipt(first["slot"])
    assert (receipt["state"], receipt["action"]) == ("applied", "mirror")
    assert receipt["folder"]["export"]["declaration"] == "declared"
    assert receipt["rows"]["in"] == 38
    assert sync.is_in_step()
    until(lambda: sync.objects() == [] or None, WITHIN_S)
    sync.tick()
    assert sync.states()["slot"] == first["slot"]

    sync.database.server.run(
        "update people set accepts_marketing = null where id = 10",
        "delete from people where id = 11",
        "insert into people values (1000, 'person1000@example.com', 25, 'Loyal', true)",
    )
    sync.command("run", "declared")
    second = sync.extracted(first["slot"])
    assert (second["rows"], second["left_out"]) == (37, {"no_consent": 1})
    receipt = sync.receipt(second["slot"])
    assert (receipt["state"], receipt["mirror"]["joined"], receipt["mirror"]["left"]) == ("applied", 1, 2)
    assert receipt["folder"]["export"]["left_out"] == {"no_consent": 1}
    assert sync.is_in_step()

    sync.database.server.run("delete from people where id > 20 and id < 1000")
    sync.command("run", "declared")
    third = sync.extracted(second["slot"])
    receipt = sync.receipt(third["slot"])
    assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", "needs_approval")
    assert len(sync.line.held(AUDIENCE)) == 37
    assert sync.objects() != []

    sync.database.server.run("delete from people")
    sync.command("run", "declared")
    fourth = sync.extracted(third["slot"])
    assert (fourth["state"], fourth["rows"]) == ("applied", 0)
    receipt = sync.receipt(fourth["slot"])
    # Meta replaces an audience as a whole, and by nobody not at all.
    assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", "replace_by_nobody")
    assert len(sync.line.held(AUDIENCE)) == 37


def test_a_database_that_is_down_is_waited_for_and_a_lost_column_of_consent_stops(sync: Sync) -> None:
    """Nothing is sent meanwhile, and the status says why."""
    sync.command("apply", "--file", str(sync.file), "--yes")
    sync.database.proxy.faults.refuse = True
    sync.command("run", "declared")

    def waiting() -> dict[str, Any] | None:
        found = sync.states()
        return found if found["state"] == "waiting" else None

    waits = until(waiting, WITHIN_S)
    assert waits["code"] == "source_unreachable"
    sync.database.proxy.faults.refuse = False
    sync.sandbox.advance(120)
    (sync.file.parent / "people.sql").write_text(SQL.replace(", accepts_marketing", ""))
    sync.command("apply", "--file", str(sync.file), "--yes")
    sync.command("run", "declared")
    stopped = sync.extracted(waits["slot"])
    assert (stopped["state"], stopped["code"]) == ("blocked", "consent_missing")
    assert sync.line.held(AUDIENCE) == set()
    assert sync.objects() == []


@pytest.mark.faults
def test_two_workers_at_once_a_hundred_times_extract_each_slot_once(sync: Sync) -> None:
    """Of two messages for one slot in two processes at once, one leads to an extraction."""
    sync.command("apply", "--file", str(sync.file), "--yes")
    slots = [f"2099-01-01T{minute // 60:02}:{minute % 60:02}:00Z" for minute in range(101)]
    proxy = sync.database.proxy

    def handled(slot: str, workers: int) -> int:
        """Let so many workers handle a slot at once, and return how often they connected to the database."""
        before = proxy.connections
        record = {
            "messageId": slot,
            "receiptHandle": slot,
            "body": SlotWork("declared", slot).body(),
            "attributes": {"ApproximateReceiveCount": "1"},
        }
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(lambda _: sync.call({"Records": [record]}), range(workers)))
        return proxy.connections - before

    one_extraction = handled(slots[0], 1)  # the driver connects twice
    assert one_extraction > 0
    assert sum(handled(slot, 2) for slot in slots[1:]) == 100 * one_extraction
