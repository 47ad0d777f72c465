"""A real PostgreSQL, reached through the TLS proxy as an app user with a password."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.postgres.cdp import add_customers, create_tables
from sandbox.postgres.server import PostgresServer, postgres_server
from sandbox.postgres.tls_proxy import TlsProxy, tls_proxy
from tests.unit.extract.configured import REVERT, Configured
from tests.unit.extract.lake import lake
from tests.unit.extract.on_disk import PASSWORD, HeldSecret
from tests.unit.extract.world import World
from tests.unit.sandbox.emulator.conftest import emulator

__all__ = ["emulator", "lake"]  # fixtures that stand elsewhere, for the tests of Athena


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """Start the server with 3,500 customers, once for all tests.

    Its files are not below pytest's folder, which is closed to the server's own user.
    """
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder, postgres_server(Path(folder)) as started:
        create_tables(started)
        add_customers(started, 3500)
        started.run(
            f"create role app login password '{PASSWORD}'",
            "grant usage on schema cdp to app",
            "grant select on all tables in schema public, cdp to app",
        )
        yield started


@pytest.fixture
def proxy(server: PostgresServer, tmp_path: Path) -> Iterator[TlsProxy]:
    """Put TLS in front of the server."""
    with tls_proxy(server.socket, tmp_path) as running:
        yield running


@pytest.fixture
def world(server: PostgresServer, proxy: TlsProxy, tmp_path: Path) -> Iterator[World]:
    """Return the server, its proxy, a secret that is right, and a schema `t` for the test's own tables."""
    server.run("create schema t", "grant usage on schema t to app")
    server.run("alter default privileges in schema t grant select on tables to app")
    yield World(server, proxy, HeldSecret(proxy.port), tmp_path / "parts")
    server.run(f"alter role app password '{PASSWORD}'", "drop schema t cascade")


@pytest.fixture
def configured(world: World) -> Iterator[Configured]:
    """Return an empty table of configurations that the app's user may update."""
    world.server.run("truncate cdp.facebook_configurations", "grant update on cdp.facebook_configurations to app")
    yield Configured(world, [])
    world.server.run(REVERT.read_text())
    world.server.run("drop table if exists rfm_elsewhere")
