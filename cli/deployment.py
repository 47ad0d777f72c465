"""The deployed app, located through its stacks' outputs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from stacks.names import DEFAULT_APP

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient

    from stacks.settings import Settings
    from stacks.source_settings import SourceSettings

STACK = "ACTIVATION_STACK"  # the variable that `--stack` sets


@dataclass(frozen=True)
class ConnectorAddresses:
    """The resources of one connector: secret, queues, function, rule, and the rules of its sources."""

    secret_arn: str
    queue_url: str
    dead_letter_queue_url: str
    undelivered_queue_url: str
    function_name: str
    rule_arn: str
    source_rule_arns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Deployment:
    """The app as deployed in this account and region.

    `platforms` are those of its connectors, by name, and `told` their settings as their stack describes them,
    without what is not set. `other_prefixes` are those in the drops bucket whose files
    are no drops. `alarm_topics` are the ARNs of the topics that tell people, the app's first. `any_endpoint` says
    that secrets may name other servers than the platforms', as in the sandbox. `mirrors_bucket` is that of what
    mirrored audiences were sent, "" in an earlier release. `app` is what `stacks.connector_told.of_app` says,
    nothing in an earlier release.
    """

    drops_bucket: str
    receipts_bucket: str
    ledger_table: str
    archive_arn: str
    connectors: dict[str, ConnectorAddresses]
    platforms: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[SourceSettings, ...] = ()
    other_prefixes: tuple[str, ...] = ()
    alarm_topics: tuple[str, ...] = ()
    any_endpoint: bool = False
    mirrors_bucket: str = ""
    told: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    app: Mapping[str, Any] = field(default_factory=dict)

    @property
    def region(self) -> str:
        """Return the AWS region that the app is in."""
        return self.archive_arn.split(":")[3]

    def sources_of(self, connector: str) -> list[SourceSettings]:
        """Return the sources whose drops a connector sends."""
        return [source for source in self.sources if source.connector == connector]

    def connector(self, name: str) -> ConnectorAddresses:
        """Return a connector's addresses; end the command if no connector of this name is deployed."""
        if name not in self.connectors:
            fail(f"no connector {name} is deployed; deployed are: {', '.join(sorted(self.connectors)) or 'none'}")
        return self.connectors[name]


def fail(sentence: str) -> NoReturn:
    """End the command with exit 1 and a sentence on stderr."""
    typer.echo(sentence, err=True)
    raise typer.Exit(1)


def find() -> Deployment:
    """Read the stacks' outputs; end the command if the app is not deployed here."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    name = app_name()
    try:
        client = boto3.client("cloudformation")
        storage = _outputs(client, f"{name}-storage")
        activation = _outputs(client, f"{name}-activation")
    except (BotoCoreError, ClientError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        fail(
            f"the app was not found in this AWS account and region ({code}): "
            "deploy it, check the AWS profile and region, or add --sandbox before the command"
        )
    connectors, platforms = {}, _platforms(activation)
    told = {one: told_of(activation, one) for one in platforms}
    sources = _sources(told)
    for one in platforms:
        prefix = _prefix(one)
        if f"{prefix}SecretArn" in activation:
            connectors[one] = ConnectorAddresses(
                activation[f"{prefix}SecretArn"],
                activation[f"{prefix}QueueUrl"],
                activation[f"{prefix}DeadLetterQueueUrl"],
                activation[f"{prefix}UndeliveredQueueUrl"],
                activation[f"{prefix}FunctionName"],
                activation[f"{prefix}RuleArn"],
                tuple(
                    activation[rule]
                    for source in sources
                    if source.connector == one and (rule := f"{source.id}SourceRuleArn") in activation
                ),
            )
    return Deployment(
        storage["DropsBucket"],
        storage["ReceiptsBucket"],
        storage["LedgerTable"],
        storage["ArchiveArn"],
        connectors,
        platforms,
        sources,
        tuple(filter(None, activation.get("OtherPrefixes", "").split(","))),
        tuple(dict.fromkeys(text for key, text in _sorted(storage, activation) if key.endswith("AlarmTopicArn"))),
        activation.get("SecretEndpoints", "") == "any",
        storage.get("MirrorsBucket", ""),
        told,
        json.loads(activation.get("App", "{}")),
    )


def named_app() -> str:
    """Return the name that `--stack` gives, "" if it gives none."""
    return os.environ.get(STACK, "")


def app_name() -> str:
    """Return the app's name: `--stack`, else that of ./cdk.context.json, else the default one."""
    if named := named_app():
        return named
    found = _settings()
    return found.name if found else DEFAULT_APP


def _settings() -> Settings | None:
    from cli.connectors import NoConnector, settings

    try:
        return settings()
    except NoConnector as error:
        fail(error.sentence)


def _platforms(outputs: Mapping[str, str]) -> dict[str, str]:
    """Return the deployed connectors' platforms by their names; an earlier release's are those of the settings."""
    if "Connectors" in outputs:
        found: dict[str, str] = json.loads(outputs["Connectors"])
        return found
    known = _settings()
    return {one.name: one.platform for one in known.connectors} if known else {}


def _prefix(connector: str) -> str:
    """Return how the names of a connector's outputs begin."""
    return "".join(part.title() for part in connector.split("-"))


def told_of(outputs: Mapping[str, str], connector: str) -> dict[str, Any]:
    """Return what a connector's outputs say of its settings; an earlier release's say nothing."""
    text, number = "", 1
    while (name := f"{_prefix(connector)}Settings{number if number > 1 else ''}") in outputs:
        text, number = text + outputs[name], number + 1
    found: dict[str, Any] = json.loads(text or "{}")
    return found


def _sources(told: Mapping[str, Mapping[str, Any]]) -> tuple[SourceSettings, ...]:
    """Return the deployed sources; an earlier release's are those of the settings."""
    from stacks.source_settings import SourceSettings

    absent = {"prefix": "", "action": "add", "key_arn": "", "account": ""}
    found = [
        SourceSettings(**absent | one | {"connector": connector})
        for connector, settings in told.items()
        for one in settings.get("sources", ())
    ]
    if found:
        return tuple(found)
    known = _settings()
    return known.sources if known else ()


def _sorted(storage: dict[str, str], activation: dict[str, str]) -> list[tuple[str, str]]:
    """Return the outputs of both stacks, the storage stack's first."""
    return [*storage.items(), *sorted(activation.items())]


def _outputs(client: CloudFormationClient, stack: str) -> dict[str, str]:
    listed = client.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
    return {one["OutputKey"]: one["OutputValue"] for one in listed if "OutputKey" in one and "OutputValue" in one}
