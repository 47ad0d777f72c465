"""The stack of the sync, and the policy of who declares audiences."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.packaging import FURTHER_LAYERS, LAYERS, ROOT, function_code, layers
from stacks.settings import Settings
from stacks.storage import StorageStack
from stacks.sync.permissions import operator_statements
from stacks.sync.settings import SyncSettings
from stacks.sync.sync import Sync


class SyncStack(Stack):
    """The sync alone: a change of its network or its sources touches no connector."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        sync: SyncSettings,
        storage: StorageStack,
        root: Path = ROOT,
    ) -> None:
        super().__init__(scope, id_, description="Audience Activation: audiences kept in step with their sources")
        self.settings = sync
        self.sync = Sync(
            self,
            "Sync",
            settings=settings,
            sync=sync,
            storage=storage,
            layers=layers(self, settings.wheels, root, names=(*FURTHER_LAYERS, *LAYERS)),
            code=function_code("sync", root=root),
        )
        self.operator = iam.ManagedPolicy(
            self,
            "Operator",
            description="Declare audiences, run and redrive their slots, together with the operator's policy",
            statements=operator_statements(
                storage, self.sync.queue, self.sync.dead_letters, self.sync.undelivered
            ),
        )
        CfnOutput(self, "FunctionName", value=self.sync.function.function_name)
        CfnOutput(self, "QueueUrl", value=self.sync.queue.queue_url)
        CfnOutput(self, "DeadLetterQueueUrl", value=self.sync.dead_letters.queue_url)
        CfnOutput(self, "UndeliveredQueueUrl", value=self.sync.undelivered.queue_url)
        CfnOutput(self, "SyncOperatorPolicyArn", value=self.operator.managed_policy_arn)
        CfnOutput(self, "Sources", value=self.sync.environment["SOURCES"])
        for source in sync.sources:
            if secret := self.sync.secrets.get(source.name):
                CfnOutput(self, f"{source.id}SecretArn", value=secret.ref)
