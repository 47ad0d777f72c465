"""20,000 runs are listed by pages of the index alone; `-s` prints how long that takes this program.

The service is a stand-in behind a real socket that answers as DynamoDB does, a page and a key to go on with: moto
and the emulator sort all of an index for each page, so that theirs would be the time that is measured.
"""

from __future__ import annotations

import bisect
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from cli.runs.listing import Wanted, list_runs
from stacks.run_index import ACTION, INCLUDED, STARTED_AT
from tests.unit.cli.ledger_in_moto import START, item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

RUNS = 20_000
PAGE_ITEMS = 1_000  # of about 700 bytes: below 1 MB
PROJECTED = ("pk", ACTION, STARTED_AT, *INCLUDED)


class Index(ThreadingHTTPServer):
    """The index: what its partitions hold, the newest first, and how often each operation was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: Counter[str] = Counter()
        self.partitions: dict[str, list[dict[str, Any]]] = {}
        self.starts: dict[str, list[float]] = {}
        for number in reversed(range(RUNS)):
            state = "failed" if number % 10 == 0 else "applied"
            one = item(f"{number:032x}", state, at=START + number)
            self.partitions.setdefault(one[ACTION]["S"], []).append({name: one[name] for name in PROJECTED})
        for action, items in self.partitions.items():
            self.starts[action] = [-float(one["started_at"]["N"]) for one in items]


class Handler(BaseHTTPRequestHandler):
    """Answers Query as the service does; it is asked for nothing else."""

    protocol_version = "HTTP/1.1"
    server: Index

    def do_POST(self) -> None:
        """Answer one call."""
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        operation = self.headers["x-amz-target"].rpartition(".")[2]
        self.server.asked[operation] += 1
        assert operation == "Query"
        action = asked["ExpressionAttributeValues"][":action"]["S"]
        items = self.server.partitions.get(action, [])
        begin = 0
        if key := asked.get("ExclusiveStartKey"):
            begin = bisect.bisect_right(self.server.starts[action], -float(key["started_at"]["N"]))
        page = items[begin : begin + min(asked["Limit"], PAGE_ITEMS)]
        answer: dict[str, Any] = {"Items": page, "Count": len(page), "ScannedCount": len(page)}
        if begin + len(page) < len(items):
            answer["LastEvaluatedKey"] = {name: page[-1][name] for name in ("pk", ACTION, STARTED_AT)}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's own name
        """Print nothing."""


@pytest.fixture(scope="module")
def index() -> Iterator[Index]:
    """Serve 20,000 runs."""
    with Index() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def client(index: Index) -> DynamoDBClient:
    """Return a client of the served index."""
    index.asked.clear()
    return boto3.client(
        "dynamodb",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{index.server_port}",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


@pytest.mark.parametrize(
    ("limit", "most_queries"), [(50, 8), (RUNS, 8 + RUNS // PAGE_ITEMS + 2)], ids=["the newest 50", "all of them"]
)
def test_20_000_runs_are_listed_by_pages_of_the_index(
    index: Index, client: DynamoDBClient, limit: int, most_queries: int
) -> None:
    """Nothing but pages of the index is read, and of these no more than the list shows."""
    began = time.thread_time()
    rows = list_runs(client, "ledger", Wanted(), limit=limit)
    took_s = time.thread_time() - began
    assert len(rows) == limit
    assert all(one.started_at > other.started_at for one, other in itertools.pairwise(rows))
    assert rows[0].rows_rejected == 1
    assert index.asked.keys() == {"Query"}
    assert index.asked["Query"] <= most_queries
    print(f"{limit:,} of {RUNS:,} runs: {took_s:.2f} s, {index.asked.total()} queries")
