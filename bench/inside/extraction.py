"""An extraction in a process of its own: `extraction.py parts|objects HOST PORT CA_FILE FOLDER ROWS`.

`parts` is what the sync's function does. `objects` reads the same rows as a script over a database driver does:
all of them, as one dictionary each.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import boto3
from activation.authentication.store import SecretVersion

from bench.inside.meter import metered
from lambdas.sync.extract.postgres import PostgresSource
from lambdas.sync.extract.postgres_access import PostgresAccess
from lambdas.sync.extract.postgres_session import session
from lambdas.sync.source import Consent, Parameter, Selection

SQL = """
select c.id, c.email, c.phone, c.firstname, c.lastname, c.accepts_marketing
from customers_master c
where c.tenant_id in :tenants and c.email is not null
  and not exists (
    select 1 from cdp.cdp_rfm_analysis r where r.customer_id = c.id and r.rfm_segment in :not_segments)
limit :most
"""
COLUMNS = ("id", "email", "phone", "firstname", "lastname")
SECRET = SecretVersion('{"username": "postgres", "password": "-", "dbname": "postgres"}', "1")
_TIMEOUT_S = 600.0


class HeldSecret:
    """The login of the measured database."""

    def read(self, *, afresh: bool = False) -> SecretVersion:
        """Return the login."""
        return SECRET


@dataclass(frozen=True)
class Folder:
    """A local folder for the parts."""

    path: Path
    bucket: str = ""

    @property
    def prefix(self) -> str:
        """Return how the parts' paths begin."""
        return f"{self.path}/"

    @contextmanager
    def create(self, key: str) -> Iterator[IO[bytes]]:
        """Open a part."""
        with Path(key).open("wb") as file:
            yield file


def main() -> None:
    """Do the work that the arguments name."""
    work, host, port, ca_file, folder, rows = sys.argv[1:]
    access = PostgresAccess(host, int(port), ca_file=Path(ca_file))
    boto3.client("s3"), boto3.client("secretsmanager")  # what the function has loaded
    if work == "parts":
        metered(lambda: _parts(access, Path(folder), int(rows)))
    else:
        metered(lambda: _objects(access, int(rows)))


def _parts(access: PostgresAccess, folder: Path, rows: int) -> dict[str, Any]:
    named = tuple((name, "ignore") for name in COLUMNS)
    params: dict[str, Parameter] = {
        "tenants": tuple(range(1000)),
        "not_segments": ("Lost", "Hibernating"),
        "most": rows,
    }
    asked = Selection(named, SQL, "", params, Consent("accepts_marketing", ("true",)))
    source = PostgresSource(access, HeldSecret())
    found = source.extract(asked, Folder(folder), time.time() + _TIMEOUT_S, "a" * 32)
    return {"rows": found.rows_read, "size_bytes": sum(part.size_bytes for part in found.parts)}


def _objects(access: PostgresAccess, rows: int) -> dict[str, Any]:
    tenants = ", ".join(map(str, range(1000)))
    sql = SQL.replace(":tenants", f"({tenants})").replace(":not_segments", "('Lost', 'Hibernating')")
    with session(access, HeldSecret(), timeout_s=_TIMEOUT_S) as opened:
        names = (*COLUMNS, "accepts_marketing")
        found = [dict(zip(names, row, strict=True)) for row in opened.rows(sql.replace(":most", str(rows)))]
    return {"rows": len(found), "size_bytes": 0}


if __name__ == "__main__":
    main()
