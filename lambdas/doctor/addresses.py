"""The deployed app as its stacks' outputs list it, for the command and the daily function alike."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient


@dataclass(frozen=True)
class LineQueues:
    """The URLs of a queue of drops, of its dead letters and of the events that did not reach it."""

    queue_url: str
    dead_letter_queue_url: str
    undelivered_queue_url: str


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

    @property
    def queues(self) -> LineQueues:
        """Return the queues alone."""
        return LineQueues(self.queue_url, self.dead_letter_queue_url, self.undelivered_queue_url)


@dataclass(frozen=True)
class AppOutputs:
    """The outputs of the app's `storage` and `activation` stacks, by their names."""

    storage: Mapping[str, str]
    activation: Mapping[str, str]

    @classmethod
    def find(cls, client: CloudFormationClient, name: str) -> AppOutputs:
        """Read the stacks of the app of this name; raises ClientError and BotoCoreError."""
        return cls(outputs_of(client, f"{name}-storage"), outputs_of(client, f"{name}-activation"))

    @property
    def platforms(self) -> dict[str, str] | None:
        """Return the connectors' platforms by their own names, None where an earlier release does not tell."""
        if "Connectors" not in self.activation:
            return None
        found: dict[str, str] = json.loads(self.activation["Connectors"])
        return found

    @property
    def app(self) -> dict[str, Any]:
        """Return what `stacks.connector_told.of_app` says, {} where an earlier release does not tell."""
        found: dict[str, Any] = json.loads(self.activation.get("App", "{}"))
        return found

    @property
    def lists(self) -> LineQueues | None:
        """Return the queues of suppression lists, None where an earlier release has none."""
        if "SuppressionsQueueUrl" not in self.activation:
            return None
        names = ("QueueUrl", "DeadLetterQueueUrl", "UndeliveredQueueUrl")
        return LineQueues(*(self.activation[f"Suppressions{name}"] for name in names))

    @property
    def topics(self) -> tuple[str, ...]:
        """Return the ARNs of the topics that notify people, the app's own first."""
        listed = (*self.storage.items(), *sorted(self.activation.items()))
        return tuple(dict.fromkeys(text for key, text in listed if key.endswith("AlarmTopicArn")))

    @property
    def any_endpoint(self) -> bool:
        """Return whether secrets may name other servers than the platforms'."""
        return self.activation.get("SecretEndpoints", "") == "any"

    def addresses(self, connector: str, source_ids: tuple[str, ...] = ()) -> ConnectorAddresses | None:
        """Return a connector's addresses, None if it is not deployed; `source_ids` are its sources' ids."""
        prefix, found = _prefix(connector), self.activation
        if f"{prefix}SecretArn" not in found:
            return None
        return ConnectorAddresses(
            found[f"{prefix}SecretArn"],
            found[f"{prefix}QueueUrl"],
            found[f"{prefix}DeadLetterQueueUrl"],
            found[f"{prefix}UndeliveredQueueUrl"],
            found[f"{prefix}FunctionName"],
            found[f"{prefix}RuleArn"],
            tuple(found[rule] for one in source_ids if (rule := f"{one}SourceRuleArn") in found),
        )

    def told(self, connector: str) -> dict[str, Any]:
        """Return what a connector's outputs say of its settings; an earlier release's say nothing."""
        text, number = "", 1
        while (name := f"{_prefix(connector)}Settings{number if number > 1 else ''}") in self.activation:
            text, number = text + self.activation[name], number + 1
        found: dict[str, Any] = json.loads(text or "{}")
        return found


def outputs_of(client: CloudFormationClient, stack: str) -> dict[str, str]:
    """Return a stack's outputs by name; raises ClientError and BotoCoreError."""
    listed = client.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
    return {one["OutputKey"]: one["OutputValue"] for one in listed if "OutputKey" in one and "OutputValue" in one}


def _prefix(connector: str) -> str:
    """Return how the names of a connector's outputs begin."""
    return "".join(part.title() for part in connector.split("-"))
