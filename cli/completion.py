"""What a shell completes: the names of connectors and platforms, and runs."""

from __future__ import annotations

import typer

RUNS = 50  # the newest are completed


def connectors(incomplete: str) -> list[str]:
    """Return the connectors of the settings here that begin so."""
    from cli.connectors import NoConnector, settings

    try:
        read = settings()
    except NoConnector:
        return []
    return [one.name for one in read.connectors if one.name.startswith(incomplete)] if read else []


def platforms(incomplete: str) -> list[str]:
    """Return the platforms that begin so."""
    from activation.platforms.discovery import platforms as known

    return sorted(name for name in known() if name.startswith(incomplete))


def runs(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the newest runs of the app, or after --sandbox of that, that begin so; none where there is no app."""
    import io
    import os
    from contextlib import redirect_stderr

    import boto3
    from activation.errors import ActivationError
    from botocore.exceptions import BotoCoreError, ClientError

    from cli import deployment
    from cli.runs.listing import Wanted, list_runs

    try:
        with redirect_stderr(io.StringIO()):  # a shell would show it in the middle of what is typed
            if ctx.find_root().params.get("in_sandbox"):  # no command is run that would have noted it
                os.environ |= _of_sandbox()
            table = deployment.find().ledger_table
            rows = list_runs(boto3.client("dynamodb"), table, Wanted(run=incomplete), limit=RUNS)
    except (ActivationError, BotoCoreError, ClientError, typer.Exit):
        return []
    return [row.run_id for row in rows]


def _of_sandbox() -> dict[str, str]:
    """Return the environment of the sandbox's clients; raises typer.Exit where none runs, and starts nothing."""
    from cli.demo_install import require_checkout

    require_checkout()
    from sandbox import loopback, state
    from sandbox.emulator.environment import client_environment
    from sandbox.place import DEFAULT

    found = state.load(DEFAULT)
    if not found.runs():
        raise typer.Exit(1)
    loopback.activate()
    return client_environment(found.emulator.url)
