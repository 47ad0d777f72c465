"""The deployed app as a command finds it: by its stacks' outputs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient

DEFAULT_NAME = "audience-activation"


@dataclass(frozen=True)
class ConnectorAddresses:
    """What belongs to one connector: a secret, queues, a rule."""

    secret_arn: str
    queue_url: str
    dead_letter_queue_url: str
    undelivered_queue_url: str
    function_name: str
    rule_arn: str


@dataclass(frozen=True)
class Deployment:
    """The app in this account and region."""

    drops_bucket: str
    receipts_bucket: str
    ledger_table: str
    archive_arn: str
    connectors: dict[str, ConnectorAddresses]

    def connector(self, name: str) -> ConnectorAddresses:
        """Give a connector's addresses; ends the command when there is none of this name."""
        if name not in self.connectors:
            fail(f"no connector {name} is deployed; there are: {', '.join(sorted(self.connectors)) or 'none'}")
        return self.connectors[name]


def fail(sentence: str) -> None:
    """End the command with exit 1 and a sentence on stderr."""
    typer.echo(sentence, err=True)
    raise typer.Exit(1)


def find() -> Deployment:
    """Read the stacks' outputs; ends the command when the app is not deployed here."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    name, listed = _context()
    try:
        client = boto3.client("cloudformation")
        storage = _outputs(client, f"{name}-storage")
        activation = _outputs(client, f"{name}-activation")
    except (BotoCoreError, ClientError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        fail(f"the app is not found in this account and region ({code}); deploy it, or check the AWS profile")
    connectors = {}
    for one in listed:
        prefix = "".join(part.title() for part in one.split("-"))
        if f"{prefix}SecretArn" in activation:
            connectors[one] = ConnectorAddresses(
                activation[f"{prefix}SecretArn"],
                activation[f"{prefix}QueueUrl"],
                activation[f"{prefix}DeadLetterQueueUrl"],
                activation[f"{prefix}UndeliveredQueueUrl"],
                activation[f"{prefix}FunctionName"],
                activation[f"{prefix}RuleArn"],
            )
    return Deployment(
        storage["DropsBucket"],
        storage["ReceiptsBucket"],
        storage["LedgerTable"],
        storage["ArchiveArn"],
        connectors,
    )


def _context() -> tuple[str, list[str]]:
    """Read the app's name and its connectors' from cdk.context.json here."""
    path = Path("cdk.context.json")
    if not path.exists():
        fail("cdk.context.json is not here; run the command in the app's folder")
    context = json.loads(path.read_text(encoding="utf-8")).get("audience_activation", {})
    return context.get("name", DEFAULT_NAME), [one["name"] for one in context.get("connectors", [])]


def _outputs(client: CloudFormationClient, stack: str) -> dict[str, str]:
    listed = client.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
    return {one["OutputKey"]: one["OutputValue"] for one in listed if "OutputKey" in one and "OutputValue" in one}
