"""`activation stream`: Amazon Marketing Stream's subscriptions and landed files."""

from __future__ import annotations

import typer

from amz_stream_cli import commands
from cli.landed import landed

stream = typer.Typer(help="Amazon Marketing Stream: subscriptions and landed files.", no_args_is_help=True)
stream.command()(commands.create)
stream.command()(commands.get)
stream.command("list")(commands.list_)
stream.command()(commands.update)
stream.command()(commands.sync)
stream.command()(landed)
