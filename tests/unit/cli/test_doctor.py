"""`doctor` takes the secrets that the connector takes, and never shows a token, whatever goes wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from cli import doctor_meta, doctor_tiktok
from cli.findings import Finding

TOKEN = "tOkEn-0123456789"
CLOSED = "http://127.0.0.1:9"  # the discard port: nobody listens


@pytest.fixture
def nonsense() -> Iterator[str]:
    """Give the address of a server that answers every GET with JSON of no platform's shape."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(["hello"]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the standard library's name
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_platform_out_of_reach_is_a_finding_without_the_token() -> None:
    """Meta's SDK puts the token into the URL, and a failed connection's text has the URL in it."""
    secret = {"access_token": TOKEN, "ad_account_id": "1", "endpoint": CLOSED}
    findings = list(doctor_meta.examine(secret, ""))
    assert findings == [Finding("meta", False, "cannot be reached: ConnectionError")]
    assert TOKEN not in repr(findings)


@pytest.mark.parametrize(
    "secret",
    [
        {"ACCESS_TOKEN": TOKEN, "AD_ACCOUNT_ID": "act_1", "ENDPOINT": CLOSED},
        {"access_token": f" {TOKEN}\n", "ad_account_id": 1, "endpoint": f"{CLOSED}/"},
    ],
)
def test_meta_s_keys_are_read_as_the_connector_reads_them(secret: dict[str, object]) -> None:
    """Any case, white space around a value and an id as a number are no fault of the secret's."""
    assert [one.check for one in doctor_meta.examine(secret, "")] == ["meta"]


def test_tiktok_s_keys_are_read_as_the_connector_reads_them() -> None:
    """A line break at the token's end is no part of it; sent as a header it would end the command."""
    secret = {" access_token": f"{TOKEN}\n", "advertiser_id": 7, "endpoint": CLOSED}
    assert list(doctor_tiktok.examine(secret, "")) == [
        Finding("tiktok", False, "cannot be reached: ConnectionError")
    ]


def test_an_answer_that_is_not_tiktok_s_is_a_finding(nonsense: str) -> None:
    """Some other server at the endpoint is told, not stumbled over."""
    secret = {"ACCESS_TOKEN": TOKEN, "ADVERTISER_ID": "7", "ENDPOINT": nonsense}
    (finding,) = doctor_tiktok.examine(secret, "")
    assert (finding.ok, finding.check) == (False, "tiktok")


@pytest.mark.parametrize("examine", [doctor_meta.examine, doctor_tiktok.examine])
def test_an_unusable_secret_names_the_key(examine: object) -> None:
    """A secret without its token says so."""
    assert callable(examine)
    (finding,) = examine({"ad_account_id": "1", "ADVERTISER_ID": "1"}, "")
    assert not finding.ok
    assert "access_token" in finding.says.lower()
