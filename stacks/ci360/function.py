"""A function of the stack: log group, least-privilege role, and the function itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.ci360 import permissions
from stacks.log_groups import log_group
from stacks.packaging import ARCHITECTURES, RUNTIMES
from stacks.settings import Settings
from stacks.statements import own_logs
from stacks.storage import StorageStack
from stacks.watch import COUNT_EVENTS

# One whole vCPU: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html. The memory itself is not
# needed, but with less CPU a cold start would take seconds, and TLS and checksums would limit the speed of a
# transfer.
MEMORY_MB = 1769


class Function(Construct):
    """One function; with `queue`, it handles that queue one message at a time."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        storage: StorageStack,
        code: lambda_.Code,
        layers: Sequence[lambda_.ILayerVersion],
        handler: str,
        description: str,
        timeout_s: int,
        environment: Mapping[str, str],
        statements: Sequence[iam.PolicyStatement],
        queue: sqs.IQueue | None = None,
        max_concurrency: int | None = None,
        loops: bool = False,
        reserved_concurrency: int | None = None,
    ) -> None:
        super().__init__(scope, id_)
        self.log_group = log_group(self, settings, storage.key)
        consume = permissions.consume(queue) if queue else []
        self.role = iam.Role(
            self,
            "Role",
            description=f"{description}: permissions",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={
                "Function": iam.PolicyDocument(statements=[*statements, *consume, own_logs(self.log_group)])
            },
        )
        self.environment = {**environment, "LOG_LEVEL": settings.log_level}
        self.function = lambda_.Function(
            self,
            "Function",
            description=description,
            code=code,
            handler=f"lambdas.ci360.{handler}.lambda_handler",
            runtime=RUNTIMES[settings.wheels.python],
            architecture=ARCHITECTURES[settings.wheels.architecture],
            layers=list(layers),
            memory_size=MEMORY_MB,
            timeout=Duration.seconds(timeout_s),
            environment=self.environment,
            log_group=self.log_group,
            # A large file takes many runs, each started by the previous run's message; the record has a deadline.
            reserved_concurrent_executions=reserved_concurrency,
            recursive_loop=lambda_.RecursiveLoop.ALLOW if loops else None,
            # All permissions are explicit; no construct may add to the role.
            role=self.role.without_policy_updates(),
        )
        self.mapping: lambda_.EventSourceMapping | None = None
        if queue:
            self.mapping = lambda_.EventSourceMapping(
                self,
                "Mapping",
                target=self.function,
                event_source_arn=queue.queue_arn,
                batch_size=1,
                max_concurrency=max_concurrency,
                report_batch_item_failures=True,
                metrics_config=COUNT_EVENTS,
            )
