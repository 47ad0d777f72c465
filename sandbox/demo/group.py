"""The demo's marketing group: its database behind TLS, three ad accounts, and the app's sync that serves them.

The simulated token reaches the accounts that `grant` names; a row of another account cannot be filled.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from sandbox import connectors
from sandbox.emulator.environment import client_environment
from sandbox.errors import SandboxError
from sandbox.place import ROOT
from sandbox.platforms.expectation import Member, expectations
from sandbox.platforms.outside import Outside
from sandbox.postgres.cdp import SYSTEMS, TENANTS, add_configurations, add_customers, create_tables
from sandbox.postgres.server import PostgresServer, postgres_server
from sandbox.postgres.tls_proxy import TlsProxy, tls_proxy
from sandbox.processes import plain_environment

PLATFORM, TABLE, USER, PASSWORD = "meta", "cdp.facebook_configurations", "app", "p:/@ w%25+d&x=1"
ACCOUNTS = {"kangoo": "542676646350001", "brio": "542676646350002", "nube": "542676646350003"}
STATUS = ("last_sync", "next_sync", "total_customers", "custom_audience_id", "sync_status", "error_log")
WITHIN_S, TICKS_S = 240.0, 20.0
STACK_SUFFIX = "-sync"
DECLARED = """\
sources: {cdp: {kind: postgres}}
audiences:
  customers:
    {source: cdp, table: customers_master, paused: true, columns: {email: email, phone: phone},
     consent: {column: accepts_marketing, allow: [true]}, to: [{connector: CONNECTOR, audience: none}],
     timezone: America/Argentina/Buenos_Aires, every: 48h, at: "10:00", from: 2026-12-01}
tables:
  - {source: cdp, table: cdp.facebook_configurations, like: customers, audience: "CDP - {system_name}"}
"""
# Whom a row selects, written apart from the app's own statement.
_WANTED = """
select c.email, c.phone from customers_master c left join cdp.cdp_rfm_analysis r on r.customer_id = c.id
where tenant_id = any(array[{tenants}]) and email like '%@%.%' and accepts_marketing
  and coalesce(rfm_segment, '') not in ('Lost', 'Hibernating')
"""


@dataclass(frozen=True)
class Row:
    """A row's status as it stands in the table, "" for null; times are UTC."""

    system: str
    last_sync: str
    next_sync: str
    total_customers: str
    custom_audience_id: str
    sync_status: str
    error_log: str


@dataclass(frozen=True)
class Group:
    """The group's database, and the deployed sandbox (`described`); `folder` has the file of declarations."""

    server: PostgresServer
    proxy: TlsProxy
    described: dict[str, Any]
    folder: Path

    @property
    def connector(self) -> str:
        """Return the name of the connector that sends to the group's accounts."""
        return str(next(name for name, one in self.described["connectors"].items() if one["platform"] == PLATFORM))

    @property
    def simulator(self) -> Outside:
        """Return the simulated platform."""
        return Outside(self.described["simulators"][PLATFORM])

    def client(self, service: str) -> Any:
        """Return an AWS client."""
        return connectors.client(self.described["aws_endpoint_url"], service)

    def prepare(
        self, customers: int, reached: Sequence[str] = tuple(SYSTEMS), *, tenants: tuple[int, ...] = TENANTS
    ) -> None:
        """Fill the tables, write the login into the app's secret, and grant the token these accounts."""
        create_tables(self.server)
        add_customers(self.server, customers, tenants=tenants)
        add_configurations(self.server, ACCOUNTS)
        self.server.run(
            f"create role {USER} login password '{PASSWORD}'",
            f"grant usage on schema cdp to {USER}",
            f"grant select on all tables in schema public, cdp to {USER}",
            f"grant update on {TABLE} to {USER}",
        )
        login = {
            "username": USER,
            "password": PASSWORD,
            "host": "localhost",
            "port": self.proxy.port,
            "dbname": "postgres",
            "ca": self.proxy.ca_file.read_text(),
        }
        self.client("secretsmanager").put_secret_value(
            SecretId=self._outputs()["CdpSecretArn"], SecretString=json.dumps(login)
        )
        self.grant(reached)

    def grant(self, systems: Sequence[str]) -> None:
        """Let the token reach the ad accounts of these systems, and no others."""
        reached = [ACCOUNTS[one] for one in systems]
        self.simulator.configure(
            accounts=[{"id": one} for one in ACCOUNTS.values()], tokens=[{"accounts": reached}]
        )

    def declared(self, declared: str = DECLARED) -> str:
        """Return declarations with the connector's name in them."""
        return declared.replace("CONNECTOR", self.connector)

    def apply(self, declared: str = DECLARED) -> str:
        """Put declarations in force, and return what the command printed."""
        file = self.folder / "audiences.yml"
        file.write_text(self.declared(declared))
        return self.command("audiences", "apply", "--file", str(file), "--yes")

    def command(self, *arguments: str, exits: int = 0) -> str:
        """Run a command, and return what it printed; raises SandboxError for another exit code."""
        done = subprocess.run(
            [sys.executable, "-m", "cli", *arguments],
            cwd=ROOT,
            env={**plain_environment(), **client_environment(self.described["aws_endpoint_url"])},
            capture_output=True,
            text=True,
            check=False,
            timeout=WITHIN_S,
        )
        if done.returncode != exits:
            raise SandboxError(f"activation {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
        return done.stdout + done.stderr

    def table(self) -> dict[str, Row]:
        """Return the rows' status by system."""
        columns = ", ".join(f"coalesce({name}::text, '')" for name in STATUS)
        rows = self.server.rows(f"select system_name, {columns} from {TABLE} order by id")
        return {str(row[0]): Row(*map(str, row)) for row in rows}

    def run_now(self, *systems: str) -> dict[str, Row]:
        """Ask for these rows as their users do, let ticks come, and return the rows once all have ended."""
        return self.filled(self.ask(*systems), *systems)

    def ask(self, *systems: str) -> dict[str, Row]:
        """Ask for these rows as their users do, and return the rows as they were before."""
        before = self.table()
        named = ", ".join(f"'{one}'" for one in systems)
        self.server.run(
            f"update {TABLE} set next_sync = now() at time zone 'UTC' where system_name in ({named})"
            " and last_sync is not null"
        )
        return before

    def filled(self, before: dict[str, Row], *systems: str) -> dict[str, Row]:
        """Let ticks come, the first at once, and return the rows once all of these have ended."""
        ends, ticks_at = time.monotonic() + WITHIN_S, 0.0
        while time.monotonic() < ends:
            if (
                time.monotonic() >= ticks_at
            ):  # a row that was locked or a database that was busy is found by the next
                self.tick()
                ticks_at = time.monotonic() + TICKS_S
            after = self.table()
            if all(after[one].last_sync > before[one].last_sync for one in systems):
                return after
            time.sleep(0.5)
        raise SandboxError(f"no end of a run after {WITHIN_S:.0f} s: {self.table()}")

    @cached_property
    def function_name(self) -> str:
        """Return the name of the sync's function."""
        return self._outputs()["FunctionName"]

    @cached_property
    def lambda_client(self) -> Any:
        """Return the client that calls it."""
        return self.client("lambda")

    def tick(self) -> None:
        """Call the sync's function as EventBridge Scheduler does every five minutes."""
        answer = self.lambda_client.invoke(FunctionName=self.function_name, Payload=b"{}")
        if "FunctionError" in answer:
            raise SandboxError(f"the tick failed: {answer['Payload'].read().decode()}")

    def newest_receipt(self, system: str) -> dict[str, Any]:
        """Return the receipt of the system's newest run."""
        s3, bucket = self.client("s3"), self.described["receipts_bucket"]
        prefix = f"receipts/{self.connector}/CDP - {system}/"
        listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        found = [
            json.loads(s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read())
            for one in listed
            if one["Key"].endswith(".json")
        ]
        newest: dict[str, Any] = max(found, key=lambda one: str(one["folder"]["export"]["slot"]))
        return newest

    def held(self, system: str) -> set[Member]:
        """Return the members that the platform holds in the system's audience, in its own account alone."""
        read = expectations()[PLATFORM].held
        found = [
            one
            for one in self.simulator.state()["audiences"]
            if one["name"] == f"CDP - {system}" and one.get("account_id") == ACCOUNTS[system]
        ]
        return {member for one in found for member in read(one)}

    def wanted(self, system: str) -> set[Member]:
        """Return the members that the platform should hold, by a query of the group's own."""
        members = expectations()[PLATFORM].members
        rows = self.server.rows(_WANTED.format(tenants=", ".join(map(str, SYSTEMS[system]))))
        return {
            member
            for email, phone in rows
            for member in members(
                {"EMAIL": str(email), "PHONE": "".join(filter(str.isdigit, str(phone))) if phone else ""}
            )
        }

    def _outputs(self) -> dict[str, str]:
        stacks = self.client("cloudformation").describe_stacks()["Stacks"]
        (stack,) = [one for one in stacks if one["StackName"].endswith(STACK_SUFFIX)]
        return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


@contextmanager
def group(described: dict[str, Any]) -> Iterator[Group]:
    """Run the group's database; it and all that is in it are gone afterwards."""
    folder = partial(tempfile.TemporaryDirectory, prefix="postgres-")
    with (
        folder() as data,
        folder() as own,
        postgres_server(Path(data)) as server,
        tls_proxy(server.socket, Path(own)) as proxy,
    ):
        yield Group(server, proxy, described, Path(own))
