"""Connections to a platform: what counts as not sent, as lost, and as an answer."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from activation.errors import ConfigError
from activation.platforms import http
from activation.platforms.http import AnswerLost, NotSent, PooledHttp
from activation.platforms.request import Answer, Request, Stream
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Serve = Callable[[socket.socket], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Trace: abc\r\n\r\n{}"


@contextmanager
def server(serve: Serve, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Answer each connection on a free port with `serve`."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                with (
                    connection,
                    context.wrap_socket(connection, server_side=True) if context else connection as one,
                ):
                    serve(one)
            except OSError:
                continue

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


def take(connection: socket.socket) -> None:
    """Read a request to its end; closing before would reset the connection."""
    request = b""
    while not request.endswith(b"\r\n\r\n[]"):
        piece = connection.recv(65536)
        if not piece:
            return
        request += piece


def reply(*pieces: bytes, pause_s: float = 0.0) -> Serve:
    """Read a request and answer in pieces."""

    def serve(connection: socket.socket) -> None:
        take(connection)
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause_s)

    return serve


def ask(port: int, *, scheme: str = "http", timeout_s: float = 20.0, host: str = "127.0.0.1") -> Answer:
    """Send a request as the line does."""
    request = Request("users", "POST", f"{scheme}://{host}:{port}/users", {"X-Token": "t"}, b"[]")
    return PooledHttp(connections=1, connect_timeout_s=10).send(request, timeout_s=timeout_s)


def test_an_answer_is_read_whole_with_lower_case_headers() -> None:
    """Status, headers and body come as they are."""
    with server(reply(OK)) as port:
        answer = ask(port)
    assert (answer.status, answer.body, answer.headers["x-trace"]) == (200, b"{}", "abc")


def test_a_stream_is_written_as_its_pieces_anew_each_time() -> None:
    """A body that nobody holds arrives whole, with its length, as often as the request is sent."""
    got: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        data = b""
        while not data.endswith(b"end"):
            data += connection.recv(65536)
        got.append(data)
        connection.sendall(OK)

    parts = [b"x" * 100_000, b"", b"y" * 70_000, b"end"]
    stream = Stream(sum(map(len, parts)), lambda: iter(parts))
    with server(serve) as port:
        request = Request("upload", "POST", f"http://127.0.0.1:{port}/", stream=stream)
        for _ in range(2):
            assert PooledHttp(connections=1).send(request, timeout_s=20).status == 200
    for data in got:
        head, _, body = data.partition(b"\r\n\r\n")
        assert b"content-length: 170003" in head.lower()
        assert b"chunked" not in head.lower()
        assert body == b"".join(parts) == request.content
    assert len(got) == 2
    assert request.size_bytes == 170_003


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    """The token goes nowhere else."""
    with server(
        reply(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
    ) as port:
        assert ask(port).status == 302


def test_a_compressed_answer_is_read() -> None:
    """What the platform packs is unpacked."""
    body = gzip.compress(json.dumps({"a": 1}).encode())
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with server(reply(head, body)) as port:
        assert ask(port).body == b'{"a": 1}'


def test_a_closed_port_and_an_unknown_name_were_not_sent() -> None:
    """Nothing can have been applied."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotSent):
        ask(port)
    with pytest.raises(NotSent):
        ask(port, host="nosuch.invalid")


@pytest.mark.parametrize(
    "serve",
    [
        reply(),
        reply(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
        reply(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        reply(b"not http at all\r\n\r\n"),
        reply(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"),
    ],
    ids=["closed", "cut off", "bad chunk", "no http", "bad gzip"],
)
def test_an_answer_that_breaks_off_is_lost(serve: Serve) -> None:
    """The request may have been applied."""
    with server(serve) as port, pytest.raises(AnswerLost):
        ask(port)


def test_silence_and_trickling_end_after_the_timeout() -> None:
    """Neither a server that says nothing nor one that never ends holds a worker."""
    slow = reply(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", *[b"x"] * 100, pause_s=0.05)
    for serve in (reply(b"", pause_s=5), slow):
        begun = time.monotonic()
        with server(serve) as port, pytest.raises(AnswerLost):
            ask(port, timeout_s=0.3)
        assert time.monotonic() - begun < 1.5


def test_an_answer_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is not the platform's to fill."""
    monkeypatch.setattr(http, "MAX_ANSWER_BYTES", 1000)
    body = b"x" * 2000
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with server(reply(head, body)) as port, pytest.raises(AnswerLost):
        ask(port)


class Authority:
    """A throw-away certificate authority."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test's own authority")])
        self.certificate = self._sign(self.name, self.key.public_key(), days=1, authority=True)
        self.path = folder / "authority.pem"
        self.path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _sign(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePublicKey,
        *,
        days: int,
        authority: bool = False,
        host: str = "",
    ) -> x509.Certificate:
        now = datetime.now(tz=UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=10))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if host:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False
            )
        return builder.sign(self.key, hashes.SHA256())

    def context(self, *, days: int = 1, host: str = "127.0.0.1") -> ssl.SSLContext:
        """Return a server's context with a certificate for `host`, valid for `days` more."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        certificate = self._sign(name, key.public_key(), days=days, host=host)
        path = self.folder / f"{host}{days}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return an authority that only these tests know."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """Return the authority, trusted by this process."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    return authority


def test_a_good_certificate_is_a_good_connection(trusted: Authority) -> None:
    """The tests below refuse for what they say they do."""
    with server(reply(OK), trusted.context()) as port:
        assert ask(port, scheme="https").status == 200


@pytest.mark.parametrize("wrong", ["unknown authority", "expired", "other host"])
def test_a_certificate_that_is_not_good_stops_the_run(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    """Nobody is talked to who cannot prove who they are."""
    if wrong != "unknown authority":
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    context = authority.context(
        days=-1 if wrong == "expired" else 1, host="127.0.0.2" if wrong == "other host" else "127.0.0.1"
    )
    with server(reply(OK), context) as port, pytest.raises(ConfigError, match="tls"):
        ask(port, scheme="https")


def test_a_connection_cut_inside_tls_is_a_lost_answer(trusted: Authority) -> None:
    """A break in the middle says nothing about the certificate, and the request may have been applied."""

    def cut(connection: socket.socket) -> None:
        take(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        connection.shutdown(socket.SHUT_RDWR)

    with server(cut, trusted.context()) as port, pytest.raises(AnswerLost):
        ask(port, scheme="https")


def test_a_server_that_speaks_no_tls_is_no_matter_of_certificates() -> None:
    """It is retried like any other broken connection, and never talked to without encryption."""

    def plain(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(OK)

    with server(plain) as port, pytest.raises((AnswerLost, NotSent)):
        ask(port, scheme="https")
