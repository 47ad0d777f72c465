"""The deployed connectors' addresses and settings, as the outputs of the activation stack list them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient


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


def outputs_of(client: CloudFormationClient, stack: str) -> dict[str, str]:
    """Return a stack's outputs by name; raises ClientError and BotoCoreError."""
    listed = client.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
    return {one["OutputKey"]: one["OutputValue"] for one in listed if "OutputKey" in one and "OutputValue" in one}


def platforms_of(activation: Mapping[str, str]) -> dict[str, str] | None:
    """Return the connectors' platforms by the connectors' names, None where an earlier release does not tell."""
    if "Connectors" not in activation:
        return None
    found: dict[str, str] = json.loads(activation["Connectors"])
    return found


def app_of(activation: Mapping[str, str]) -> dict[str, Any]:
    """Return what `stacks.connector_told.of_app` says, {} where an earlier release does not tell."""
    found: dict[str, Any] = json.loads(activation.get("App", "{}"))
    return found


def topics_of(storage: Mapping[str, str], activation: Mapping[str, str]) -> tuple[str, ...]:
    """Return the ARNs of the topics that notify people, the app's own first."""
    listed = (*storage.items(), *sorted(activation.items()))
    return tuple(dict.fromkeys(text for key, text in listed if key.endswith("AlarmTopicArn")))


def any_endpoint_in(activation: Mapping[str, str]) -> bool:
    """Return whether secrets may name other servers than the platforms'."""
    return activation.get("SecretEndpoints", "") == "any"


def addresses_of(
    activation: Mapping[str, str], connector: str, source_ids: tuple[str, ...] = ()
) -> ConnectorAddresses | None:
    """Return a connector's addresses, None if it is not deployed; `source_ids` are its sources' construct ids."""
    prefix = output_prefix(connector)
    if f"{prefix}SecretArn" not in activation:
        return None
    return ConnectorAddresses(
        activation[f"{prefix}SecretArn"],
        activation[f"{prefix}QueueUrl"],
        activation[f"{prefix}DeadLetterQueueUrl"],
        activation[f"{prefix}UndeliveredQueueUrl"],
        activation[f"{prefix}FunctionName"],
        activation[f"{prefix}RuleArn"],
        tuple(activation[rule] for one in source_ids if (rule := f"{one}SourceRuleArn") in activation),
    )


def output_prefix(connector: str) -> str:
    """Return how the names of a connector's outputs begin."""
    return "".join(part.title() for part in connector.split("-"))


def told_of(activation: Mapping[str, str], connector: str) -> dict[str, Any]:
    """Return what a connector's outputs say of its settings; an earlier release's say nothing."""
    text, number = "", 1
    while (name := f"{output_prefix(connector)}Settings{number if number > 1 else ''}") in activation:
        text, number = text + activation[name], number + 1
    found: dict[str, Any] = json.loads(text or "{}")
    return found
