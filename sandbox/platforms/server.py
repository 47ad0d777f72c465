"""Serve a simulator over real sockets: as a separate program, or in a thread of a test."""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox.platforms.history import History

if TYPE_CHECKING:
    import asyncio

    from starlette.applications import Starlette
    from starlette.types import ASGIApp, Receive, Scope, Send

TRANSPORT = "sandbox.transport"  # the key of the connection in the scope's extensions


class _Protocol(H11Protocol):
    """HTTP/1.1 that gives the application its connection, so that it can lose an answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        super().connection_made(transport)
        app: Any = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope["extensions"] = {**(scope.get("extensions") or {}), TRANSPORT: {"transport": transport}}
            await app(scope, receive, send)

        self.app = with_transport


def _server(app: ASGIApp, host: str, port: int, certificate: Path | None = None) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=75,
            ssl_certfile=certificate,
        )
    )


def _port(server: uvicorn.Server) -> int:
    port = server.servers[0].sockets[0].getsockname()[1]
    return int(port)


@contextmanager
def running(
    app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0, certificate: Path | None = None
) -> Iterator[str]:
    """Serve `app` in a thread while the block runs; yield its base URL. Port 0 takes a free port.

    With a `certificate` (a PEM file with key and chain) it is served over TLS.
    """
    server = _server(app, host, port, certificate)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError(f"the simulator could not listen on {host}:{port}")
            time.sleep(0.005)
        yield f"{'https' if certificate else 'http'}://{host}:{_port(server)}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def run(name: str, build: Callable[[], Starlette]) -> None:
    """Parse the command line, and serve until stopped; the first line on stdout is the base URL."""
    parser = argparse.ArgumentParser(description=f"A simulated {name} on this machine.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument("--settings", type=json.loads, default={}, help="JSON, instead of defaults, also on reset")
    parser.add_argument("--history", type=Path, help="file that keeps what it holds, read at the start if there")
    arguments = parser.parse_args()
    simulator = build()
    simulator.state.face.begin_with(arguments.settings)
    kept = History(simulator, simulator.state.face, arguments.history) if arguments.history else simulator
    server = _server(kept, arguments.host, arguments.port)

    def announce() -> None:
        while not server.started and not server.should_exit:
            time.sleep(0.005)
        if server.started:
            sys.stdout.write(f"http://{arguments.host}:{_port(server)}\n")
            sys.stdout.flush()

    threading.Thread(target=announce, daemon=True).start()
    server.run()
