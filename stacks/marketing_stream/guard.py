"""What refuses a deployment that live subscriptions would not survive, before anything is changed."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import Aws, CustomResource, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct, IDependable

from stacks.marketing_stream import pinned
from stacks.marketing_stream.catalogue import Realm
from stacks.marketing_stream.queues import FAN_OUT_TIMEOUT_S
from stacks.marketing_stream.settings import StreamDataset
from stacks.packaging import ARCHITECTURES, RUNTIMES, function_code, layers
from stacks.settings import Settings

# Until the last invocation with the old settings has ended, and SNS has delivered what it published.
SETTLED_S = FAN_OUT_TIMEOUT_S + 15
_TIMEOUT = Duration.minutes(3)

# What subscriptions hold, by the delivery that it belongs to.
_HELD = {
    pinned.INGRESS_QUEUE: "sqs",
    pinned.SUBSCRIPTION_ROLE: "firehose",
    pinned.SUBSCRIBER_ROLE: "firehose",
    pinned.GENERATED_SUBSCRIPTION_ROLE: "firehose",
    pinned.GENERATED_SUBSCRIBER_ROLE: "firehose",
}


class GuardFunction(Construct):
    """The function that looks at a live stack for all dataset stacks of a realm. `logs_key` encrypts its logs."""

    def __init__(
        self, scope: Construct, id_: str, *, settings: Settings, realm: Realm, root: Path, logs_key: kms.IKey
    ) -> None:
        super().__init__(scope, id_)
        self.log_group = logs.LogGroup(self, "Logs", encryption_key=logs_key, removal_policy=RemovalPolicy.DESTROY)
        resource = self.log_group.node.default_child
        assert isinstance(resource, logs.CfnLogGroup)
        resource.retention_in_days = settings.retention.logs_days
        stacks = f"arn:{Aws.PARTITION}:cloudformation:{Aws.REGION}:{Aws.ACCOUNT_ID}:stack/*AmzStream-{realm}-*/*"
        statements = [
            iam.PolicyStatement(
                sid="LookAtTheStack",
                actions=["cloudformation:DescribeStacks", "cloudformation:ListStackResources"],
                resources=[stacks],
            ),
            iam.PolicyStatement(
                sid="OwnLogs",
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[self.log_group.log_group_arn],
            ),
        ]
        self.role = iam.Role(
            self,
            "Role",
            description="Permissions of the guard over deployments of the stream",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={"Guard": iam.PolicyDocument(statements=statements)},
        )
        self.environment = {"LOG_LEVEL": settings.log_level}
        self.function = lambda_.Function(
            self,
            "Function",
            description="Refuses deployments that live subscriptions would not survive",
            code=function_code("marketing_stream", root=root),
            handler="lambdas.marketing_stream.guard.lambda_handler",
            runtime=RUNTIMES[settings.wheels.python],
            architecture=ARCHITECTURES[settings.wheels.architecture],
            layers=layers(self, settings.wheels, root, ("activation",)),
            memory_size=256,
            timeout=_TIMEOUT,
            environment=self.environment,
            log_group=self.log_group,
            role=self.role.without_policy_updates(),
        )


class Guard(Construct):
    """A dataset stack's two questions to it: before anything is changed, and before anything is removed."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        wanted: StreamDataset,
        function: lambda_.IFunction,
        retired: tuple[str, ...],
    ) -> None:
        super().__init__(scope, id_)
        self._wanted, self._function = wanted, function
        self.before = self._ask(
            "Before",
            {
                "Deliveries": list(wanted.deliveries),
                "MayNotGo": {id_: kind for id_, kind in _HELD.items() if kind not in retired}
                | dict.fromkeys(_held_by(wanted), ""),
                "MayNotBeThere": [] if wanted.upgrades else list(pinned.REPLACED),
                "MustBeThere": [pinned.DESTINATION_ROLE] if wanted.upgrades else [],
            },
        )

    def settle_after(self, changed: IDependable) -> None:
        """Wait, once `changed` is up to date, for the old settings' last invocation, if the topic still lands."""
        settled = self._ask(
            "Settled", {"While": [] if self._wanted.upgrades else [pinned.TOPIC_SUBSCRIPTION], "WaitS": SETTLED_S}
        )
        settled.node.add_dependency(changed)

    def _ask(self, id_: str, properties: dict[str, object]) -> CustomResource:
        return CustomResource(
            self,
            id_,
            service_token=self._function.function_arn,
            service_timeout=_TIMEOUT,
            resource_type="Custom::MarketingStreamGuard",
            properties=properties,
        )


def _held_by(wanted: StreamDataset) -> tuple[str, ...]:
    """Return which of the ids the stack has."""
    roles = (
        (pinned.SUBSCRIPTION_ROLE, pinned.SUBSCRIBER_ROLE)
        if wanted.example_roles
        else (pinned.GENERATED_SUBSCRIPTION_ROLE, pinned.GENERATED_SUBSCRIBER_ROLE)
    )
    return (
        *((pinned.INGRESS_QUEUE,) if "sqs" in wanted.deliveries else ()),
        *(roles if "firehose" in wanted.deliveries else ()),
    )
