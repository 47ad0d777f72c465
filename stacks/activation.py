"""Activation stack: one construct per configured connector, and the layers their functions share."""

from __future__ import annotations

import json
from pathlib import Path

from activation.platforms.discovery import every_platform, platform_named
from activation.platforms.platform import Platform
from aws_cdk import Aws, CfnOutput, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.chat import ChatNotices
from stacks.connector import Connector
from stacks.connector_told import of_app, outputs
from stacks.dashboard import RunsDashboard
from stacks.doctor_permissions import secrets
from stacks.drop_watch import DropWatch
from stacks.packaging import ROOT, function_code, layers
from stacks.people import operator_policy
from stacks.settings import Settings
from stacks.storage import StorageStack
from stacks.suppressions import Suppressions


class ActivationStack(Stack):
    """All connectors and their layers. Layers from another stack would be exports, which cannot change."""

    def __init__(
        self, scope: Construct, id_: str, *, settings: Settings, storage: StorageStack, root: Path = ROOT
    ) -> None:
        super().__init__(
            scope,
            id_,
            description="Audience Activation: connectors from drops to ad platforms",
        )
        shared = layers(self, settings.wheels, root)
        self.connectors = {
            connector.name: Connector(
                self,
                construct_id(connector.name),
                settings=settings,
                connector=connector,
                platform=platform_named(connector.platform),
                storage=storage,
                layers=shared,
                code=function_code(*platform_named(connector.platform).folders, root=root),
                sources=[source for source in settings.sources if source.connector == connector.name],
            )
            for connector in settings.connectors
        }
        self.drop_watch = DropWatch(
            self,
            "DropWatch",
            settings=settings,
            storage=storage,
            layers=shared,
            code=function_code("drop_watch", root=root),
        )
        self.suppressions = Suppressions(
            self,
            "Suppressions",
            settings=settings,
            storage=storage,
            layers=shared,
            code=function_code("suppressions", *_with_tables(), root=root),
        )
        self.dashboard = RunsDashboard(self, "Runs", settings=settings, connectors=self.connectors)
        self.chat: ChatNotices | None = None
        if settings.chat.is_on:
            alone = [one.alarms for one in self.connectors.values() if one.alarms.is_told_alone]
            topics = [storage.alarm_topic.topic_arn, *(alarms.topic.topic_arn for alarms in alone)]
            self.chat = ChatNotices(self, "Chat", settings=settings, storage=storage, topics=topics)
        if settings.endpoints == "any":
            CfnOutput(self, "SecretEndpoints", value="any")
        if self.drop_watch.elsewhere:
            CfnOutput(self, "OtherPrefixes", value=",".join(self.drop_watch.elsewhere))
        if settings.sources:
            CfnOutput(self, "DropWatchRoleArn", value=self.drop_watch.role.role_arn)
        lists = self.suppressions
        CfnOutput(self, "SuppressionsQueueUrl", value=lists.queue.queue_url)
        CfnOutput(self, "SuppressionsDeadLetterQueueUrl", value=lists.dead_letters.queue_url)
        CfnOutput(self, "SuppressionsUndeliveredQueueUrl", value=lists.undelivered.queue_url)
        CfnOutput(self, "SuppressionsFunctionName", value=lists.function.function_name)
        CfnOutput(self, "SuppressionsRuleArn", value=lists.rule.rule_arn)
        CfnOutput(self, "DropWatchFunctionName", value=self.drop_watch.function.function_name)
        self.operator = operator_policy(
            self,
            secrets=[one.secret for one in self.connectors.values() if one.secret],
            key=storage.key,
            drops=storage.drops,
            ledger=storage.ledger,
            archive=storage.archive,
            topic=storage.alarm_topic,
        )
        # The daily `doctor` is another stack's, to which secrets that come and go could not be exports.
        self.doctor_secrets = iam.ManagedPolicy(
            self,
            "DoctorSecrets",
            description="Read the connectors' secrets, for the daily examination",
            statements=secrets(list(self.connectors.values()), storage.key),
        )
        # So that the command finds the connectors where cdk.context.json is not.
        platforms = {connector.name: connector.platform for connector in settings.connectors}
        CfnOutput(self, "Connectors", value=json.dumps(platforms))
        CfnOutput(self, "App", value=json.dumps(of_app(settings)))
        CfnOutput(self, "OperatorPolicyArn", value=self.operator.managed_policy_arn)
        for name, connector in self.connectors.items():
            others = [other for other in self.connectors.values() if other is not connector]
            if alike := [other for other in others if other.platform.name == connector.platform.name]:
                connector.wakes(alike)
            self._outputs(construct_id(name), connector)
        for one in settings.connectors:
            own = [source for source in settings.sources if source.connector == one.name]
            for suffix, text in outputs(one, own):
                CfnOutput(self, f"{construct_id(one.name)}{suffix}", value=text)
        for owner in sorted({source.account for source in settings.sources if source.account}):
            self._let_in(owner)

    def _outputs(self, prefix: str, connector: Connector) -> None:
        CfnOutput(self, f"{prefix}SecretArn", value=connector.secret_arn)
        CfnOutput(self, f"{prefix}QueueUrl", value=connector.queue.queue_url)
        CfnOutput(self, f"{prefix}DeadLetterQueueUrl", value=connector.dead_letters.queue_url)
        CfnOutput(self, f"{prefix}UndeliveredQueueUrl", value=connector.undelivered.queue_url)
        CfnOutput(self, f"{prefix}FunctionName", value=connector.function.function_name)
        CfnOutput(self, f"{prefix}RuleArn", value=connector.rule.rule_arn)
        if connector.alarms.is_told_alone:
            CfnOutput(self, f"{prefix}AlarmTopicArn", value=connector.alarms.topic.topic_arn)
        for name, rule in connector.source_rules.items():
            CfnOutput(self, f"{construct_id(name)}SourceRuleArn", value=rule.rule_arn)

    def _let_in(self, owner: str) -> None:
        """Let another account send its buckets' events to the default bus, and no other events.

        S3 sends them to the owner's own bus, from which a rule of the owner's sends them on:
        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html, read 2026-11-29
        """
        events.CfnEventBusPolicy(
            self,
            f"EventsOf{owner}",
            statement_id=f"{self.stack_name}-{owner}",
            event_bus_name="default",
            statement={
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:{Aws.PARTITION}:iam::{owner}:root"},
                "Action": "events:PutEvents",
                "Resource": self.format_arn(service="events", resource="event-bus", resource_name="default"),
                "Condition": {"StringEquals": {"events:source": "aws.s3", "events:detail-type": "Object Created"}},
            },
        )


def _with_tables() -> list[str]:
    """Return the folders under lambdas/ that hold a platform's fields, with what they share."""
    found = every_platform()
    families = {one.family for one in found.values() if isinstance(one, Platform) and one.family}
    return sorted({*found, *families})


def construct_id(name: str) -> str:
    """Return the construct id of a connector's name: meta-eu becomes MetaEu."""
    return "".join(part.title() for part in name.split("-"))
