"""`activation doctor`: check each connector's secret and its access to the platform."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from activation.platforms.platform import Finding


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
    from lambdas.doctor.sources import Source
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
        sources = [Source(one.name, one.bucket, one.key_arn, one.account) for one in found.sources_of(name)]
        examined = examiner.connector(
            name, named.platform, named.options, addresses, audience, expected_account=account, sources=sources
        )
        findings += [(name, one) for one in examined]
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
