"""The receiver of a smoke run on AWS answers the connector and `doctor` as Meta does, as far as they ask."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import aws_cdk as cdk
import pyarrow as pa
import pytest
from activation.model import Audience
from activation.platforms.credentials import Credentials
from activation.platforms.outcome import Outcome, OutcomeKind
from activation.platforms.platform import Examination
from activation.platforms.request import Answer, Request
from activation.platforms.upload import Batch
from aws_cdk import assertions

from lambdas.meta.platform import PLATFORM
from smoke.receiver import URL
from smoke.receiver.app import build
from smoke.receiver.function.receiver import handler
from tests.platforms.signing import account_of, signer_of

T = TypeVar("T")

TOKEN = "a-token-of-this-run"
SECRET = {"access_token": TOKEN, "ad_account_id": "1"}
AUDIENCE = Audience("meta", "Ten people")
HASHES = [hashlib.sha256(text.encode()).hexdigest() for text in ("a", "b")]


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the receiver know the token."""
    monkeypatch.setenv("TOKEN_SHA256", hashlib.sha256(TOKEN.encode()).hexdigest())


def as_event(method: str, url: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    """Return a request as a function URL hands it on: payload format 2.0."""
    parts = urlsplit(url)
    return {
        "requestContext": {"http": {"method": method, "path": parts.path}},
        "headers": {name.lower(): text for name, text in headers.items()},
        "queryStringParameters": dict(parse_qsl(parts.query)),
        "body": body.decode(),
        "isBase64Encoded": False,
    }


def ask(request: Request, token: str = TOKEN) -> Answer:
    """Sign a request with a token and give the receiver's answer."""
    one = signer_of(PLATFORM, {**SECRET, "access_token": token}).sign(request)
    given = handler(as_event(one.method, one.url, dict(one.headers), one.content), None)
    return Answer(given["statusCode"], given["headers"], given["body"].encode())


def converse(conversation: Generator[Request, Outcome, T]) -> T:
    """Hold a conversation with the receiver to its end."""
    publisher = PLATFORM.publisher(account_of(PLATFORM, SECRET))
    try:
        request = next(conversation)
        while True:
            request = conversation.send(publisher.classify(request, ask(request)))
    except StopIteration as end:
        result: T = end.value
        return result


def sent(columns: dict[str, list[str]], token: str = TOKEN) -> Outcome:
    """Send an upload of two rows and classify the answer."""
    publisher = PLATFORM.publisher(account_of(PLATFORM, SECRET))
    table = pa.table({key: pa.array(values, pa.string()) for key, values in columns.items()})
    upload = Batch("run", 1, 2, table, pa.array([1, 2])).upload()
    request = publisher.encode(upload, AUDIENCE, converse(publisher.open(AUDIENCE, tuple(columns))))
    return publisher.classify(request, ask(request, token))


def test_an_audience_is_created_and_filled() -> None:
    """The connector makes the audience, and each of its hashed rows is acknowledged."""
    publisher = PLATFORM.publisher(account_of(PLATFORM, SECRET))
    opened = converse(publisher.open(AUDIENCE, ("EMAIL",)))
    assert opened.created
    assert opened.audience_id.isdecimal()
    assert sent({"EMAIL": HASHES, "EXTERN_ID": ["one", "two"]}).kind is OutcomeKind.OK


def test_a_value_that_is_not_hashed_is_an_invalid_entry() -> None:
    """So the receipt of a run that sent plain text would not add up to ten acknowledged people."""
    outcome = sent({"EMAIL": [HASHES[0], "ann@example.com"]})
    assert (outcome.kind, outcome.refused_count) == (OutcomeKind.PARTIAL, 1)


def test_another_token_is_refused() -> None:
    """Whoever finds the URL can send nothing to it."""
    assert sent({"EMAIL": HASHES}, "another-token").kind is OutcomeKind.REFRESH_AUTH


def test_what_it_does_not_know_is_refused() -> None:
    """A call that no drop of ten people makes is no success."""
    given = handler(as_event("DELETE", f"https://x.example/v27.0/1/users?access_token={TOKEN}", {}, b""), None)
    assert given["statusCode"] == 400


def test_doctor_passes() -> None:
    """Token, permissions, account and terms are those of an account that may be used."""
    with _served() as url:
        account = account_of(PLATFORM, {**SECRET, "endpoint": url})
        asked = Examination(Credentials(SECRET), account, "", ask)
        findings = list(PLATFORM.load().examine(asked))
    assert [one.check for one in findings] == ["token", "permissions", "account", "terms", "audiences"]
    assert all(one.ok for one in findings), findings


def test_the_url_needs_the_token_alone(tmp_path: Any) -> None:
    """The connector signs as Meta wants it, so the URL asks for no signature of AWS's."""
    app = build("smoke-1-receiver", "a-hash", outdir=str(tmp_path))
    stack = app.node.find_child("smoke-1-receiver")
    assert isinstance(stack, cdk.Stack)
    template = assertions.Template.from_stack(stack)
    template.has_resource_properties("AWS::Lambda::Url", {"AuthType": "NONE"})
    template.has_resource_properties(
        "AWS::Lambda::Function", {"Environment": {"Variables": {"TOKEN_SHA256": "a-hash"}}}
    )
    template.has_output(URL, {})


@contextmanager
def _served() -> Iterator[str]:
    """Serve the receiver on this machine, as its URL does on AWS."""

    class Served(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given = handler(as_event("GET", self.path, dict(self.headers), b""), None)
            self.send_response(given["statusCode"])
            self.end_headers()
            self.wfile.write(given["body"].encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Served)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
