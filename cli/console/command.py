"""`activation console`: serves the deployed app's pages on this machine."""

from __future__ import annotations

import secrets
import socket
from typing import Annotated

import typer

PORT = 8723


def console(
    port: Annotated[int, typer.Option(min=1024, max=65535, help="The port on this machine, 127.0.0.1.")] = PORT,
    opens: Annotated[bool, typer.Option("--open", help="Open the page in the browser as well.")] = False,
) -> None:
    """Show runs, audiences, platforms and queues in a browser, until Ctrl-C.

    The pages are served to this machine alone, and only to a browser that has opened the printed address. They
    show and do what your AWS rights allow; each action asks first.
    """
    import webbrowser

    import uvicorn

    from cli import deployment
    from cli.console.app import application
    from cli.console.deployed import DeployedSource
    from cli.console.guard import HOST

    source = DeployedSource(deployment.find(), deployment.app_name())
    listening = _listen(HOST, port)
    app = application(source, port=port, key=secrets.token_urlsafe(24))
    typer.echo(f"open {app.entrance}")
    typer.echo("Ctrl-C ends it")
    if opens:
        webbrowser.open(app.entrance)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, ws="none", lifespan="off", server_header=False
    )
    uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; end the command where the port is taken."""
    from cli import deployment

    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError:
        deployment.fail(f"port {port} is in use: choose another with --port")
    return listening
