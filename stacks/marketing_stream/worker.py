"""A function of the stream that handles a queue: log group, role, function and mapping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.marketing_stream import pinned
from stacks.packaging import ARCHITECTURES, RUNTIMES
from stacks.settings import Settings
from stacks.watch import COUNT_EVENTS

_MEMORY_MB = 256


class QueueFunction(Construct):
    """One function and its queue. `statements` are its permissions beyond reading the queue and logging.

    `mapping_id` is the logical id that the mapping of the queue to the function is pinned to.
    `logs_key` encrypts its log group.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        code: lambda_.Code,
        layers: list[lambda_.ILayerVersion],
        handler: str,
        description: str,
        queue: sqs.Queue,
        mapping_id: str,
        timeout_s: int,
        batch_size: int,
        batching_s: int,
        max_concurrency: int,
        environment: Mapping[str, str],
        statements: Sequence[iam.PolicyStatement],
        logs_key: kms.IKey,
    ) -> None:
        super().__init__(scope, id_)
        self.log_group = self._log_group(settings, logs_key)
        self.role = iam.Role(
            self,
            "Role",
            description=f"{description}: permissions",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={"Worker": iam.PolicyDocument(statements=[*self._always(queue), *statements])},
        )
        self.environment = {**environment, "LOG_LEVEL": settings.log_level}
        self.function = lambda_.Function(
            self,
            "Function",
            description=description,
            code=code,
            handler=handler,
            runtime=RUNTIMES[settings.wheels.python],
            architecture=ARCHITECTURES[settings.wheels.architecture],
            layers=layers,
            memory_size=_MEMORY_MB,
            timeout=Duration.seconds(timeout_s),
            environment=self.environment,
            log_group=self.log_group,
            # All permissions are explicit; no construct may add to the role.
            role=self.role.without_policy_updates(),
        )
        self.mapping = lambda_.EventSourceMapping(
            self,
            "Mapping",
            target=self.function,
            event_source_arn=queue.queue_arn,
            batch_size=batch_size,
            max_batching_window=Duration.seconds(batching_s) if batching_s else None,
            max_concurrency=max_concurrency,
            report_batch_item_failures=True,
            metrics_config=COUNT_EVENTS,
        )
        pinned.pin(self.mapping, mapping_id)

    def _log_group(self, settings: Settings, key: kms.IKey) -> logs.LogGroup:
        group = logs.LogGroup(self, "Logs", encryption_key=key, removal_policy=RemovalPolicy.DESTROY)
        resource = group.node.default_child
        assert isinstance(resource, logs.CfnLogGroup)
        resource.retention_in_days = settings.retention.logs_days
        return group

    def _always(self, queue: sqs.Queue) -> list[iam.PolicyStatement]:
        return [
            iam.PolicyStatement(
                sid="OwnQueue",
                actions=[
                    "sqs:ReceiveMessage",
                    "sqs:DeleteMessage",
                    "sqs:ChangeMessageVisibility",
                    "sqs:GetQueueAttributes",
                ],
                resources=[queue.queue_arn],
            ),
            iam.PolicyStatement(
                sid="OwnLogs",
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[self.log_group.log_group_arn],
            ),
        ]
