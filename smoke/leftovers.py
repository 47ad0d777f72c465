"""What an account still holds of an app, asked of the services and not of the stacks that made it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# What makes a client of a service.
Client = Callable[[str], Any]

# kind: service, call, where its answer lists things, where a thing has its name ("" where it is a name itself)
LISTED: Mapping[str, tuple[str, str, str, str]] = {
    "stack": ("cloudformation", "describe_stacks", "Stacks", "StackName"),
    "bucket": ("s3", "list_buckets", "Buckets", "Name"),
    "table": ("dynamodb", "list_tables", "TableNames", ""),
    "queue": ("sqs", "list_queues", "QueueUrls", ""),
    "topic": ("sns", "list_topics", "Topics", "TopicArn"),
    "function": ("lambda", "list_functions", "Functions", "FunctionName"),
    "layer": ("lambda", "list_layers", "Layers", "LayerName"),
    "event source": ("lambda", "list_event_source_mappings", "EventSourceMappings", "UUID"),
    "log group": ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    "rule": ("events", "list_rules", "Rules", "Name"),
    "archive": ("events", "list_archives", "Archives", "ArchiveName"),
    "event bus": ("events", "list_event_buses", "EventBuses", "Name"),
    "alarm": ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    "key alias": ("kms", "list_aliases", "Aliases", "AliasName"),
    "role": ("iam", "list_roles", "Roles", "RoleName"),
    "delivery stream": ("firehose", "list_delivery_streams", "DeliveryStreamNames", ""),
    "database": ("glue", "get_databases", "DatabaseList", "Name"),
}


@dataclass(frozen=True)
class Left:
    """One thing that is left; `pending` says that AWS will delete it in some days."""

    kind: str
    name: str
    pending: bool = False


def resources(cloudformation: Any, app: str) -> dict[str, str]:
    """Return what the app's stacks hold, as physical id -> type. Not all of it has the app's name in its own."""
    return {
        one["PhysicalResourceId"]: one["ResourceType"]
        for stacks in cloudformation.get_paginator("describe_stacks").paginate()
        for stack in stacks["Stacks"]
        if app in stack["StackName"].lower()
        for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack["StackName"])
        for one in page["StackResourceSummaries"]
        if one.get("PhysicalResourceId")
    }


def left(client: Client, app: str, known: Mapping[str, str]) -> list[Left]:
    """Return everything that is among `known`, or whose name has the app's in it."""
    found = [
        Left(kind, name)
        for kind, (service, call, field, key) in LISTED.items()
        for name in _names(client(service), call, field, key)
        if _is_of(name, app, known)
    ]
    return [*found, *_policies(client("iam"), app), *_secrets(client, app, known), *_keys(client, known)]


def said(found: Collection[Left]) -> str:
    """Return what is left in words, such as `2 keys and 1 secret pending deletion`, `nothing`."""
    kinds = Counter(one.kind for one in found if one.pending)
    pending = " and ".join(f"{count} {kind}{'s' * (count > 1)}" for kind, count in sorted(kinds.items()))
    named = [f"{one.kind} {one.name}" for one in found if not one.pending]
    return ", ".join([*named, *([f"{pending} pending deletion"] if pending else [])]) or "nothing"


def _is_of(name: str, app: str, known: Collection[str]) -> bool:
    return app in name.lower() or name in known


def _names(client: Any, call: str, field: str, key: str) -> Iterator[str]:
    # Archives, buses and delivery streams have no pages in the SDK: the first hundred are looked through.
    pages = client.get_paginator(call).paginate() if client.can_paginate(call) else [getattr(client, call)()]
    for page in pages:
        for one in page.get(field, []):
            yield one[key] if key else one


def _policies(iam: Any, app: str) -> Iterator[Left]:
    for page in iam.get_paginator("list_policies").paginate(Scope="Local"):
        yield from (
            Left("policy", one["PolicyName"]) for one in page["Policies"] if app in one["PolicyName"].lower()
        )


def _secrets(client: Client, app: str, known: Collection[str]) -> Iterator[Left]:
    for page in client("secretsmanager").get_paginator("list_secrets").paginate(IncludePlannedDeletion=True):
        for one in page["SecretList"]:
            if _is_of(one["Name"], app, known) or one["ARN"] in known:
                yield Left("secret", one["Name"], "DeletedDate" in one)


def _keys(client: Client, known: Mapping[str, str]) -> Iterator[Left]:
    for key_id, kind in known.items():
        if kind == "AWS::KMS::Key":
            state = client("kms").describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"]
            yield Left("key", key_id, state == "PendingDeletion")
