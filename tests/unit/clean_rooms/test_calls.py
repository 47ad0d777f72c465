"""The calls of Clean Rooms as the SDK makes them: the start is sent once, whatever becomes of its answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import boto3
import pytest
from activation.aws.clients import CONFIG
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.clean_rooms.calls import ONCE, ProtectedQueries
from tests.unit.clean_rooms.world import MEMBERSHIP, QUERY


class Silent(HTTPServer):
    """A server that reads each request and does not answer it, or answers with `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Silence)
        self.requests: list[str] = []
        self.status = 0


class _Silence(BaseHTTPRequestHandler):
    server: Silent

    def _take(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append(f"{self.command} {self.path}")
        if self.server.status:
            self.send_response(self.server.status)
            self.send_header("Content-Length", "0")
            self.end_headers()
        self.close_connection = True

    do_POST = do_GET = _take  # noqa: N815  the names are the server's

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the signature is the server's
        """Say nothing."""


@pytest.fixture
def silent() -> Iterator[Silent]:
    """Serve until the test has ended."""
    with Silent() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


def calls(server: Silent) -> ProtectedQueries:
    """Return the calls as the function makes them, at this server."""

    def client(config: Config) -> object:
        return boto3.client(
            "cleanrooms",
            endpoint_url=f"http://127.0.0.1:{server.server_port}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=config,
        )

    return ProtectedQueries(client(ONCE), client(CONFIG))


@pytest.mark.parametrize("status", [0, 500, 503])
def test_a_start_is_never_sent_again(silent: Silent, status: int) -> None:
    """Neither a connection that breaks nor a server's error makes the SDK repeat what costs."""
    silent.status = status
    with pytest.raises((BotoCoreError, ClientError)):
        calls(silent).start(QUERY, "activation/query=vip/x-1")
    assert silent.requests == [f"POST /memberships/{MEMBERSHIP}/protectedQueries"]


def test_a_read_is_sent_again(silent: Silent) -> None:
    """What costs nothing is repeated, as everywhere in the app."""
    silent.status = 503
    with pytest.raises(ClientError):
        calls(silent).read(MEMBERSHIP, MEMBERSHIP)
    assert len(silent.requests) > 1
