"""What of the deployed templates has no effect in the sandbox, and what to expect instead.

The emulator drops some properties, which `readback` finds, and keeps others without acting on them. Both are
listed here, and an end-to-end test fails when it drops one that is not.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import requests

from sandbox.readback import dropped
from sandbox.readers import Client

UNKNOWN = "the emulator drops it"

_Effects = dict[str, dict[str, str]]

DROPPED: _Effects = {
    "AWS::ApiGateway::RestApi": {
        "EndpointAccessMode": "any host name is answered",
        "EndpointConfiguration": "there is one endpoint, on 127.0.0.1",
        "SecurityPolicy": "plain HTTP is answered",
    },
    "AWS::DynamoDB::Table": {"SSESpecification": "items are in memory, not encrypted"},
    "AWS::Lambda::EventSourceMapping": {
        "MetricsConfig": "a mapping's messages are counted, whether it asks for it or not",
        "Tags": "mappings have no tags",
    },
    "AWS::S3::Bucket": {
        "BucketEncryption": "objects are in memory, not encrypted, and no key is asked for",
        "LifecycleConfiguration": "objects, versions and parts of uploads stay until the sandbox is stopped",
        "LoggingConfiguration": "no access logs are written",
        "Tags": "buckets have no tags",
    },
}
IGNORED: _Effects = {
    "AWS::ApiGateway::UsagePlan": {
        "Quota": "calls are not counted",
        "Throttle": "no call is throttled",
    },
    "AWS::DynamoDB::Table": {"PointInTimeRecoverySpecification": "there is nothing to restore from"},
    "AWS::KMS::Key": {
        "EnableKeyRotation": "keys do not rotate",
        "KeyPolicy": "the policy is asked only when the key itself is used, and no service uses it here",
    },
    "AWS::KinesisFirehose::DeliveryStream": {
        "DeliveryStreamEncryptionConfigurationInput": "records are not encrypted",
    },
    "AWS::Lambda::Function": {
        "Architectures": "functions run on this machine's processor",
        "MemorySize": "memory is measured and reported, not limited",
        "TracingConfig": "no traces are sent",
    },
    "AWS::Logs::LogGroup": {
        "KmsKeyId": "logs are not encrypted",
        "RetentionInDays": "logs stay until the sandbox is stopped",
    },
    "AWS::Scheduler::Schedule": {"FlexibleTimeWindow": "the target is invoked when the window opens"},
    "AWS::SecretsManager::Secret": {"KmsKeyId": "secrets are not encrypted"},
    "AWS::SNS::Topic": {"KmsMasterKeyId": "messages are not encrypted"},
    "AWS::SQS::Queue": {
        "KmsMasterKeyId": "messages are not encrypted",
        "SqsManagedSseEnabled": "messages are not encrypted",
    },
    "AWS::WAFv2::WebACL": {"Rules": "no request is filtered"},
}


@dataclass(frozen=True, order=True)
class Unenforced:
    """A property that the templates set and the sandbox does not act on, and what happens instead."""

    type: str
    property: str
    effect: str


def inert(endpoint_url: str) -> list[dict[str, str]]:
    """Return the deployed resources that do nothing: `type`, `stack`, `logical_id`, `undone`."""
    answer = requests.get(f"{endpoint_url}/_inert", timeout=10)
    answer.raise_for_status()
    found: list[dict[str, str]] = answer.json()
    return found


def unenforced(templates: Path, client: Client) -> list[Unenforced]:
    """Return what the templates of a folder set that has no effect; UNKNOWN for what no table here lists."""
    given: set[tuple[str, str]] = set()
    for path in templates.glob("*.template.json"):
        for resource in json.loads(path.read_text())["Resources"].values():
            given |= {(resource["Type"], name) for name in resource.get("Properties", {})}
    lost = {(one.type, one.property) for one in dropped(templates, client)}
    ignored = {(kind, name) for kind, effects in IGNORED.items() for name in effects}
    return sorted(Unenforced(*one, _effect(*one)) for one in lost | (given & ignored))


def _effect(kind: str, name: str) -> str:
    return DROPPED.get(kind, {}).get(name) or IGNORED.get(kind, {}).get(name) or UNKNOWN
