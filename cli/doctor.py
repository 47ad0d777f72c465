"""`activation doctor`: check each connector's secret and its access to the platform."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from activation.platforms.platform import Finding

    from cli.deployment import Deployment
    from lambdas.doctor.addresses import ConnectorAddresses


def doctor(
    connector: Annotated[str, typer.Option(help="Only this connector; all of them by default.")] = "",
    audience: Annotated[str, typer.Option(help="Also look up this audience; nothing is created.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per finding.")] = False,
) -> None:
    """Check secrets, tokens, permissions, terms, audiences, API versions, and that somebody is told of failures.

    The line of each connector is looked at as well: its rule, its queues, what calls its function, its sources.
    Exit 1 if a check fails. Warns from 60 days before the platform ends the version of its API that this release
    calls.
    """
    from cli import deployment, today
    from cli.connectors import deployed, settings
    from cli.typed import typed
    from lambdas.doctor.examination import Examiner, examine_app
    from stacks.connector_told import of_app

    found = deployment.find()
    wanted = {name: found.connector(name) for name in ([connector] if connector else sorted(found.connectors))}
    examiner = Examiner(
        found.ledger_table,
        typed,
        any_endpoint=found.any_endpoint,
        own_sdk=True,
        clock=today.now,
        today=today.today,
    )
    findings: list[tuple[str, Finding]] = []
    for name, addresses in wanted.items():
        named = deployed(name, found)
        account = named.settings.get("account") or ""
        examined = examiner.connector(
            name, named.platform, named.options, addresses, audience, expected_account=account
        )
        findings += [(name, one) for one in (*examined, *_sources(found, name, addresses))]
    if not connector:
        read = settings()
        told = of_app(read) if read else found.app
        findings += [("app", one) for one in examine_app(found.alarm_topics, told)]
    for name, one in findings:
        if as_json:
            print(json.dumps({"connector": name, **asdict(one)}))
        else:
            passed = ("warn", "yellow") if one.warns else ("ok  ", "green")
            word, colour = passed if one.ok else ("FAIL", "red")
            typer.secho(f"{word}  ", fg=colour, nl=False)
            typer.echo(f"{name}: {one.check}: {one.says}")
    if not all(one.ok for _, one in findings):
        raise typer.Exit(1)


def _sources(found: Deployment, connector: str, addresses: ConnectorAddresses) -> Iterator[Finding]:
    """Check what the owners of the connector's sources must have switched on."""
    import boto3

    from cli.source_checks import SourceExamination

    sources = found.sources_of(connector)
    if not sources:
        return
    described = boto3.client("lambda").get_function_configuration(FunctionName=addresses.function_name)
    s3, kms = boto3.client("s3"), boto3.client("kms")
    for source in sources:
        yield from SourceExamination(source, s3, kms, described["Role"], found.region).findings()
