"""`activation doctor`: check each connector's secret and its access to the platform."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from activation.platforms.platform import Finding

    from cli.connectors import NamedConnector
    from cli.deployment import ConnectorAddresses, Deployment


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
    from cli import deployment
    from cli.concurrency import examine_concurrency
    from cli.connectors import deployed, settings
    from cli.told import examine_topics
    from stacks.connector_told import of_app
    from stacks.names import NOBODY

    found = deployment.find()
    wanted = {name: found.connector(name) for name in ([connector] if connector else sorted(found.connectors))}
    findings = [
        (name, one)
        for name, addresses in wanted.items()
        for one in _examine(deployed(name, found), found, addresses.secret_arn, audience)
    ]
    findings += [(name, one) for name, addresses in wanted.items() for one in _line(name, addresses)]
    findings += [(name, one) for name, addresses in wanted.items() for one in _sources(found, name, addresses)]
    if not connector:
        read = settings()
        told = of_app(read) if read else found.app
        topics = examine_topics(found.alarm_topics, nobody=told.get("alarms") == NOBODY)
        findings += [("app", one) for one in topics]
        if told:
            findings.append(("app", examine_concurrency(told)))
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


def _examine(named: NamedConnector, found: Deployment, secret_arn: str, audience: str) -> Iterator[Finding]:
    import boto3
    from activation.authentication.parameter import secret_client
    from activation.aws.table import ConditionalTable
    from activation.platforms.http import PooledHttp

    from cli import secret_store, today
    from cli.typed import typed
    from lambdas.doctor.connector import ConnectorDoctor

    yield from ConnectorDoctor(
        named.name,
        named.platform,
        named.options,
        secret_arn,
        lambda: secret_store.read(secret_arn),
        lambda: secret_client(secret_arn),
        ConditionalTable(boto3.client("dynamodb"), found.ledger_table),
        PooledHttp(connections=1),
        typed,
        any_endpoint=found.any_endpoint,
        clock=today.now,
        today=today.today,
    ).findings(audience)


def _line(name: str, addresses: ConnectorAddresses) -> Iterator[Finding]:
    """Check what lies between the drops bucket and the connector's function."""
    import boto3

    from cli.typed import typed
    from lambdas.doctor.line import Line

    line = Line(
        name,
        addresses.queue_url,
        addresses.dead_letter_queue_url,
        addresses.undelivered_queue_url,
        addresses.function_name,
        addresses.rule_arn,
        typed,
    )
    yield from line.findings(boto3.client("sqs"), boto3.client("events"), boto3.client("lambda"))


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
