"""`activation doctor`: check each connector's secret and its access to the platform."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from activation.platforms.platform import Finding
    from activation.platforms.request import Answer, Request
    from activation.platforms.version import ApiVersion

    from cli.connectors import NamedConnector
    from cli.deployment import ConnectorAddresses, Deployment

TIMEOUT_S = 20.0


def doctor(
    connector: Annotated[str, typer.Option(help="Only this connector; all of them by default.")] = "",
    audience: Annotated[str, typer.Option(help="Also look up this audience; nothing is created.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per finding.")] = False,
) -> None:
    """Check secrets, tokens, permissions, terms, API versions and sources, and that somebody is told of failures.

    Exit 1 if a check fails. Warns from 60 days before the platform ends the version of its API that this release
    calls.
    """
    from cli import deployment
    from cli.concurrency import examine_concurrency
    from cli.connectors import deployed, settings
    from cli.told import examine_topics

    found = deployment.find()
    wanted = {name: found.connector(name) for name in ([connector] if connector else sorted(found.connectors))}
    findings = [
        (name, one)
        for name, addresses in wanted.items()
        for one in _examine(deployed(name, found), found, addresses.secret_arn, audience)
    ]
    findings += [(name, one) for name, addresses in wanted.items() for one in _sources(found, name, addresses)]
    if not connector:
        read = settings()
        told = examine_topics(found.alarm_topics, nobody=read is not None and read.alarms == "none")
        findings += [("app", one) for one in told]
        if read is not None:
            findings.append(("app", examine_concurrency(read)))
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
    """Read the secret, then run the platform's own checks.

    An expired access token is replaced as the connector would replace it. If that spends the refresh token, it is
    done only if this command's AWS identity may store the new one.
    """
    import boto3
    from activation.authentication.parameter import secret_client
    from activation.aws.table import ConditionalTable
    from activation.errors import ActivationError, Retryable
    from activation.model import visible_name
    from activation.platforms.credentials import Credentials
    from activation.platforms.http import AnswerLost, NotSent, PooledHttp
    from activation.platforms.platform import Examination, Finding
    from activation.runs.secret import ConnectorSecret

    if version := named.platform.version:
        yield from _of_version(version)
    secret, finding = _secret(named.name, secret_arn)
    yield finding
    if secret is None:
        return
    http = PooledHttp(connections=1)
    table = ConditionalTable(boto3.client("dynamodb"), found.ledger_table)
    client = secret_client(secret_arn)
    signing = ConnectorSecret(
        named.platform,
        client,
        secret_arn,
        table=table,
        http=http,
        options=named.options,
        any_endpoint=found.any_endpoint,
    )

    def send(request: Request) -> Answer:
        signed, _ = signing.sign(request)
        try:
            return http.send(signed, timeout_s=TIMEOUT_S)
        except (NotSent, AnswerLost) as error:
            raise Retryable("not_reached", f"cannot be reached: {error}") from None

    try:
        account = signing.account()
    except ActivationError as error:
        yield Finding("secret", False, error.sentence)
        return
    asked = Examination(Credentials(secret), account, visible_name(audience), send)
    yield from named.platform.load().examine(asked)


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


def _of_version(version: ApiVersion) -> Iterator[Finding]:
    """Yield a finding if the platform ends the version soon, or has ended it."""
    from activation.platforms.platform import Finding

    from cli import today

    now = today.today()
    if warning := version.warning(now):
        yield Finding("api version", not version.has_ended(now), warning.sentence, warns=True)


def _secret(connector: str, arn: str) -> tuple[dict[str, Any] | None, Finding]:
    """Return the secret's keys and values, None if there are none, and what is to be said of it."""
    from activation.errors import ConfigError
    from activation.platforms.platform import Finding
    from botocore.exceptions import BotoCoreError, ClientError

    from cli.secret_store import read
    from cli.typed import typed

    version = None
    try:
        version = read(arn)
        if version is None:
            return None, Finding("secret", False, f"not written yet: {typed('secret', 'set', connector)}")
        secret = dict(version.values)
    except (ClientError, BotoCoreError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        return None, Finding("secret", False, f"cannot be read: {code}")
    except ConfigError as error:
        says = error.sentence if error.code == "old_sdk" else "is not a JSON object"
        if error.code != "old_sdk" and not (version and version.text.strip()):
            says = f"is blank: {typed('secret', 'set', connector)}"
        return None, Finding("secret", False, says)
    if not secret:
        return None, Finding("secret", False, f"has no fields yet: {typed('secret', 'set', connector)}")
    return secret, Finding("secret", True, f"has {', '.join(sorted(secret))}")
