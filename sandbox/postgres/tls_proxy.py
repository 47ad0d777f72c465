"""TLS in front of a PostgreSQL that has none: a proxy that can cut, delay, stall, refuse and change certificates.

A client asks for TLS with an SSLRequest, which is answered by one letter before the handshake:
https://www.postgresql.org/docs/18/protocol-flow.html#PROTOCOL-FLOW-SSL, read 2026-11-30.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import trustme

_SSL_REQUEST, _GSS_REQUEST = 80877103, 80877104
_CHUNK_BYTES = 64 * 1024


@dataclass
class ProxyFaults:
    """What goes wrong from now on; each may be changed while the proxy runs, and counts for new connections.

    `refuse` closes what connects, `plaintext` answers that there is no TLS. `delay_s` passes before each 64 KiB of
    an answer. After `cut_after_bytes` of answers a connection is closed, after `stall_after_bytes` it stays open
    and silent; None for never.
    """

    refuse: bool = False
    plaintext: bool = False
    delay_s: float = 0.0
    cut_after_bytes: int | None = None
    stall_after_bytes: int | None = None


@dataclass
class TlsProxy:
    """A running proxy; clients connect to `localhost` and `port` and verify its certificate with `ca_file`."""

    socket: Path
    ca_file: Path
    faults: ProxyFaults = field(default_factory=ProxyFaults)
    port: int = 0
    connections: int = 0
    _tls: ssl.SSLContext | None = None
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    def use_certificate(self, authority: trustme.CA, name: str = "localhost") -> None:
        """Present from now on a certificate of this authority for this host name."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        self._tls = context

    def cut(self) -> None:
        """Close every open connection, as a failover does."""

        async def close() -> None:
            for writer in tuple(self._open):
                writer.transport.abort()

        asyncio.run_coroutine_threadsafe(close(), self._loop).result()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        try:
            await self._converse(reader, writer)
        except (OSError, EOFError):  # either side is gone, or the client does not accept the certificate
            return
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.faults.refuse:
            return
        first = await self._first_message(reader, writer)
        server_reader, server_writer = await asyncio.open_unix_connection(str(self.socket))
        self._open.add(server_writer)
        server_writer.write(first)
        upwards = asyncio.create_task(self._pass(reader, server_writer))
        try:
            await self._pass(server_reader, writer, answers=True)
        finally:
            upwards.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await upwards
            self._open.discard(server_writer)
            server_writer.transport.abort()

    async def _first_message(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        """Return the first message that is for the server, after TLS has begun if the client asks for it."""
        while True:
            head = await reader.readexactly(8)
            length, code = struct.unpack("!ii", head)
            if code == _SSL_REQUEST and not self.faults.plaintext and self._tls is not None:
                writer.write(b"S")
                await writer.drain()
                await writer.start_tls(self._tls)
            elif code in {_SSL_REQUEST, _GSS_REQUEST}:
                writer.write(b"N")
                await writer.drain()
            else:
                return head + await reader.readexactly(length - len(head))

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool = False
    ) -> None:
        passed, faults = 0, self.faults
        while block := await reader.read(_CHUNK_BYTES):
            if answers:
                await asyncio.sleep(faults.delay_s)
                passed += len(block)
                if faults.cut_after_bytes is not None and passed > faults.cut_after_bytes:
                    return
                if faults.stall_after_bytes is not None and passed > faults.stall_after_bytes:
                    await asyncio.Event().wait()
            writer.write(block)
            await writer.drain()


@contextmanager
def tls_proxy(socket: Path, folder: Path) -> Iterator[TlsProxy]:
    """Run a proxy in front of a server's Unix socket; the file of its authority is put into `folder`."""
    authority = trustme.CA()
    ca_file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    proxy = TlsProxy(socket, ca_file)
    proxy.use_certificate(authority)
    ready = threading.Event()

    async def main(stop: asyncio.Event) -> None:
        server = await asyncio.start_server(proxy._serve, "127.0.0.1", 0)
        proxy.port = server.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    stop = asyncio.Event()
    thread = threading.Thread(target=proxy._loop.run_until_complete, args=(main(stop),), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield proxy
    finally:
        proxy._loop.call_soon_threadsafe(stop.set)
        thread.join(10)
