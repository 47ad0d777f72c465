"""The database's shell, as the demo prints it for whoever wants to look at the tables or change them."""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from pathlib import Path

from sandbox.postgres.server import postgres_server


def test_the_printed_command_opens_the_database() -> None:
    """It runs as it stands, with the wheel's own program, as the server's owner."""
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder, postgres_server(Path(folder)) as server:
        server.run("create table t (n int)", "insert into t values (7)")
        command = [*shlex.split(server.psql()), "-Atc", "select current_user, n from t"]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "postgres|7\n"
