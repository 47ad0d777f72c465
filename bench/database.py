"""A PostgreSQL of customers, behind TLS, for the parts of the bench that select from one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sandbox.postgres.cdp import add_customers, create_tables
from sandbox.postgres.server import postgres_server
from sandbox.postgres.tls_proxy import tls_proxy

# Of the customers, so many are selected: the others have no e-mail address, or an excluded segment.
SELECTED = 0.6


def customers_for(rows: int) -> int:
    """Return how many customers there have to be for about `rows` that are selected."""
    return int(rows / SELECTED)


@contextmanager
def database(rows: int) -> Iterator[tuple[str, str, str, str]]:
    """Yield host, port and the certificate authority of a database of which `rows` are selected, and a folder to use."""
    with (
        TemporaryDirectory(prefix="bench-postgres-") as data,
        TemporaryDirectory(prefix="bench-database-") as folder,
        postgres_server(Path(data)) as server,
        tls_proxy(server.socket, Path(folder)) as proxy,
    ):
        create_tables(server)
        add_customers(server, customers_for(rows))
        yield "localhost", str(proxy.port), str(proxy.ca_file), folder
