"""Declared audiences for end-to-end tests: a real PostgreSQL behind TLS, and the deployed sync with a file."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox.postgres.server import PostgresServer, postgres_server
from sandbox.postgres.tls_proxy import TlsProxy, tls_proxy
from tests.end_to_end.driver import Sandbox, until
from tests.end_to_end.line import Line
from tests.end_to_end.people import DOMAIN, PLANTED, Person, sha256
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
            f"""insert into people select n, 'person' || n || '@{DOMAIN}', case when n = 1 then 99 else 20 end,
            case when n = 2 then 'Lost' else 'Loyal' end, true from generate_series(1, {people}) as n""",
        )
        PLANTED.hashes |= {sha256(f"person{number}@{DOMAIN}") for number in range(1, people + 1)}

    def people(self) -> list[Person]:
        """Return whoever should be in the audience."""
        rows = self.server.rows(
            "select email from people where tenant in (20, 25) and segment <> 'Lost' and accepts_marketing"
        )
        return [Person(str(email)) for (email,) in rows]


@contextmanager
def running_database() -> Iterator[Database]:
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


def declared(line: Line, database: Database, folder: Path) -> Sync:
    """Write the login into the app's secret, and a file of declarations; nothing is in force yet."""
    sandbox = line.sandbox
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
    (folder / "people.sql").write_text(SQL)
    file = folder / "audiences.yml"
    start = (datetime.now(UTC) - timedelta(days=3)).date()
    file.write_text(TEXT.format(audience=AUDIENCE, start=start))
    database.fill()
    return Sync(line, database, file, outputs)
