"""A deployed app with one connector of Meta, in memory, that a test makes sick."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from botocore.exceptions import ClientError

from cli.deployment import Deployment
from lambdas.doctor.addresses import ConnectorAddresses
from sandbox.platforms.outside import Outside
from stacks.source_settings import SourceSettings
from tests.unit.line.aws_in_memory import Secrets, meta_of
from tests.unit.line.table_in_memory import Table

KNOWN = "account#meta#542676646350001#known#"


@dataclass
class Patient:
    """A deployed connector of Meta, healthy until a test changes it."""

    platform: Outside
    secrets: Secrets = field(default_factory=Secrets)
    table: Table = field(default_factory=Table)
    rule: str = "ENABLED"
    mapping: str = "Enabled"
    dead: int = 0
    written: bool = True
    clock_off_s: float = 0.0
    subscription: str = "arn:aws:sns:eu-west-1:111122223333:told:1"
    options: dict[str, Any] = field(default_factory=dict)
    account: str = ""
    more: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    # A source of the connector's, and whether its bucket's owner sends events to EventBridge.
    sources: list[dict[str, str]] = field(default_factory=list)
    sends_events: bool = True

    def get_function_configuration(self, **_: object) -> dict[str, str]:
        """Describe the connector's function."""
        role = "arn:aws:iam::111122223333:role/meta"
        return {"Role": role, "FunctionArn": "arn:aws:lambda:eu-west-1:111122223333:function:f"}

    def head_bucket(self, **_: object) -> dict[str, Any]:
        """Say where a source's bucket is, as S3 does to who may not list it."""
        said = {"x-amz-bucket-region": "eu-west-1"}
        answer: Any = {"Error": {"Code": "403"}, "ResponseMetadata": {"HTTPStatusCode": 403, "HTTPHeaders": said}}
        raise ClientError(answer, "HeadBucket")

    def get_bucket_notification_configuration(self, **_: object) -> dict[str, Any]:
        """Say whether a source's events are sent."""
        return {"EventBridgeConfiguration": {}} if self.sends_events else {}

    def get_bucket_versioning(self, **_: object) -> dict[str, str]:
        """Say that versions are kept."""
        return {"Status": "Enabled"}

    def get_bucket_encryption(self, **_: object) -> dict[str, Any]:
        """Say that S3's own keys encrypt."""
        return {"ServerSideEncryptionConfiguration": {"Rules": []}}

    def describe_rule(self, **_: object) -> dict[str, str]:
        """Describe the connector's rule."""
        return {"State": self.rule}

    def get_queue_attributes(self, *, QueueUrl: str, **_: object) -> dict[str, dict[str, str]]:
        """Count the messages of a queue."""
        return {"Attributes": {"ApproximateNumberOfMessages": str(self.dead if QueueUrl == "dead" else 0)}}

    def list_event_source_mappings(self, **_: object) -> dict[str, list[dict[str, str]]]:
        """Describe what calls the function."""
        return {"EventSourceMappings": [{"State": self.mapping, "UUID": "0a1b"}]}

    def describe_stacks(self, *, StackName: str) -> dict[str, list[dict[str, Any]]]:
        """Describe the app's stacks by their outputs."""
        storage = {"LedgerTable": "ledger", "EventBusName": "bus", "AlarmTopicArn": "arn:aws:sns:r:a:told"}
        addresses = {
            "MetaSecretArn": "secret", "MetaQueueUrl": "queue", "MetaDeadLetterQueueUrl": "dead",
            "MetaUndeliveredQueueUrl": "undelivered", "MetaFunctionName": "function",
            "MetaRuleArn": "arn:rule/drops",
        }  # fmt: skip
        app = {"alarms": "", "max_concurrency": 5, "reserved_concurrency": 0}
        activation = addresses | {
            "Connectors": json.dumps({"meta": "meta"}), "App": json.dumps(app), "SecretEndpoints": "any",
            "MetaSettings": json.dumps(self._told()["meta"]),
        }  # fmt: skip
        outputs = storage if StackName == "audience-activation-storage" else activation
        return {"Stacks": [{"Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in outputs.items()]}]}

    def put_events(self, *, Entries: list[dict[str, str]]) -> dict[str, int]:
        """Take events on the app's bus."""
        self.events += [{"type": one["DetailType"], **json.loads(one["Detail"])} for one in Entries]
        return {"FailedEntryCount": 0}

    def get_paginator(self, _operation: str) -> Patient:
        """Return itself as the paginator of the topic's subscriptions."""
        return self

    def paginate(self, **_: object) -> Iterator[dict[str, list[dict[str, str]]]]:
        """Return the topic's subscriptions."""
        yield {"Subscriptions": [{"SubscriptionArn": self.subscription}]}

    def get_account_settings(self) -> dict[str, dict[str, int]]:
        """Return Lambda's limits."""
        return {"AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}}

    def client(self, service: str, **_: object) -> Any:
        """Return a client, as boto3 does."""
        own: Mapping[str, Any] = {"secretsmanager": self.secrets, "dynamodb": self.table}
        made = own.get(service, self)
        made.meta = meta_of(service)
        return made

    def write_secret(self) -> None:
        """Write the connector's secret, or make it without a value."""
        secret = {**self.platform.secret(), "endpoint": self.platform.base_url, **self.more}
        self.secrets.create_secret(Name="secret", SecretString=json.dumps(secret) if self.written else "")

    def find(self) -> Deployment:
        """Describe what is deployed."""
        addresses = ConnectorAddresses("secret", "queue", "dead", "undelivered", "function", "arn:rule/drops")
        found = {"meta": addresses}
        known = tuple(_source(one) for one in self.sources)
        return Deployment(
            "drops",
            "receipts",
            "ledger",
            "archive",
            found,
            {"meta": "meta"},
            known,
            any_endpoint=True,
            told=self._told(),
        )

    def _told(self) -> dict[str, dict[str, Any]]:
        return {"meta": {"options": self.options, "account": self.account, "sources": self.sources}}


def _source(told: Mapping[str, str]) -> SourceSettings:
    """Return a source as the command reads it from the stack's outputs."""
    unset = dict.fromkeys((one.name for one in fields(SourceSettings)), "")
    return SourceSettings(**{**unset, **told, "connector": "meta"})
