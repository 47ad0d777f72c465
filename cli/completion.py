"""What a shell completes: the names of connectors and platforms, and runs."""

from __future__ import annotations

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


def runs(incomplete: str) -> list[str]:
    """Return the newest runs of the deployed app that begin so; none where AWS is out of reach."""
    import io
    from contextlib import redirect_stderr

    import boto3
    import typer
    from activation.errors import ActivationError
    from botocore.exceptions import BotoCoreError, ClientError

    from cli import deployment
    from cli.runs.listing import Wanted, list_runs

    try:
        with redirect_stderr(io.StringIO()):  # a shell would show it in the middle of what is typed
            table = deployment.find().ledger_table
            rows = list_runs(boto3.client("dynamodb"), table, Wanted(run=incomplete), limit=RUNS)
    except (ActivationError, BotoCoreError, ClientError, typer.Exit):
        return []
    return [row.run_id for row in rows]
