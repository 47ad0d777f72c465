"""Two million rows at a memory that does not grow with them, measured in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stacks.wheels import ALLOCATOR
from tests.unit.extract.world import World

LIMIT_MB = 256
ROWS = 2_000_000
# What a function has loaded when it extracts: boto3, the library's reading of a secret, and this.
PROGRAM = """
import json, re, sys, time
import boto3
from lambdas.sync.extract.postgres import PostgresSource
from lambdas.sync.extract.postgres_access import PostgresAccess
from lambdas.sync.source import Consent, Selection
from pathlib import Path
from tests.unit.extract.on_disk import Folder, HeldSecret
def peak_mb():  # of this program alone: getrusage would begin with the process that started it
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024
loaded_mb = peak_mb()
port, ca_file, folder, rows = json.load(sys.stdin)
boto3.client("s3"), boto3.client("secretsmanager")
sql = '''select n as id, 'person' || n || '@example.com' as email, '+54 9 11 ' || (40000000 + n) as phone,
  'First' || n % 900 as firstname, 'Last' || n % 2000 as lastname, n % 100 >= 10 as agreed
  from generate_series(1, :rows) n'''
columns = tuple((name, "ignore") for name in ("id", "email", "phone", "firstname", "lastname"))
selection = Selection(columns, sql, "", {"rows": rows}, Consent("agreed", ("true",)))
source = PostgresSource(PostgresAccess(ca_file=Path(ca_file)), HeldSecret(port))
began = time.monotonic()
extract = source.extract(selection, Folder(Path(folder)), time.time() + 240, "a" * 32)
print(json.dumps({
    "rows_read": extract.rows_read, "rows": extract.rows, "seconds": round(time.monotonic() - began, 2),
    "loaded_mb": loaded_mb, "peak_mb": peak_mb(),
    "parts_mb": sum(part.size_bytes for part in extract.parts) // 1_000_000,
}))
"""


def measured(world: World, rows: int) -> dict[str, float]:
    """Extract so many rows in a process of its own, with a function's allocator."""
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps([world.proxy.port, str(world.proxy.ca_file), str(world.folder / str(rows)), rows]),
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
        env={
            **os.environ,
            **ALLOCATOR,
            "PYTHONPATH": f"{root}:{root / 'layers/activation/python'}",
            "AWS_DEFAULT_REGION": "eu-central-1",
        },
    )
    found: dict[str, float] = json.loads(done.stdout)
    print(found)
    return found


@pytest.mark.faults
def test_two_million_rows_are_extracted_at_flat_memory(world: World) -> None:
    """The whole process stays below 256 MB, and ten times the rows take little more than a tenth of them."""
    small, large = measured(world, ROWS // 10), measured(world, ROWS)
    assert large["rows_read"] == ROWS
    assert large["rows"] == ROWS * 0.9
    assert large["peak_mb"] < LIMIT_MB
    assert large["peak_mb"] - small["peak_mb"] < 60
