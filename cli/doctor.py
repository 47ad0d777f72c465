"""`activation doctor`: whether each connector's secret is there, and the platform lets us in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from cli.findings import Finding


def doctor(
    connector: Annotated[str, typer.Option(help="Only this connector; all of them by default.")] = "",
    audience: Annotated[str, typer.Option(help="Look this audience up, too; nothing is created.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per finding.")] = False,
) -> None:
    """Check secret, token, permissions, terms and API version of the deployed connectors; exit 1 on a fault."""
    from cli import deployment
    from cli.connectors import connectors

    found = deployment.find()
    named = connectors()
    wanted = {name: found.connector(name) for name in ([connector] if connector else sorted(found.connectors))}
    findings = [
        (name, one)
        for name, addresses in wanted.items()
        for one in _examine(named[name].platform, addresses.secret_arn, audience)
    ]
    for name, one in findings:
        if as_json:
            print(json.dumps({"connector": name, "check": one.check, "ok": one.ok, "says": one.says}))
        else:
            typer.secho(f"{'ok  ' if one.ok else 'FAIL'}  ", fg="green" if one.ok else "red", nl=False)
            typer.echo(f"{name}: {one.check}: {one.says}")
    if not all(one.ok for _, one in findings):
        raise typer.Exit(1)


def _examine(platform: str, secret_arn: str, audience: str) -> Iterator[Finding]:
    from cli.findings import Finding

    secret, finding = _secret(secret_arn)
    yield finding
    if secret is None:
        return
    if platform in EXAMINERS:
        yield from EXAMINERS[platform](secret, audience)
    else:
        yield Finding("account", True, f"nothing more can be asked of {platform} without sending a drop")


def _secret(arn: str) -> tuple[dict[str, Any] | None, Finding]:
    import boto3
    from botocore.exceptions import ClientError

    from cli.findings import Finding

    try:
        text = boto3.client("secretsmanager").get_secret_value(SecretId=arn).get("SecretString", "")
    except ClientError as error:
        return None, Finding("secret", False, f"cannot be read: {error.response['Error']['Code']}")
    try:
        secret = json.loads(text)
    except ValueError:
        secret = None
    if not isinstance(secret, dict):
        return None, Finding("secret", False, "is not a JSON object")
    return secret, Finding("secret", True, f"has {', '.join(sorted(secret))}")


def _meta(secret: dict[str, Any], audience: str) -> Iterator[Finding]:
    from cli.doctor_meta import examine

    return examine(secret, audience)


def _tiktok(secret: dict[str, Any], audience: str) -> Iterator[Finding]:
    from cli.doctor_tiktok import examine

    return examine(secret, audience)


EXAMINERS: dict[str, Callable[[dict[str, Any], str], Iterator[Finding]]] = {"meta": _meta, "tiktok": _tiktok}
