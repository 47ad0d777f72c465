"""The queues of a dataset stack, and the senders allowed on Amazon's ingress queue."""

from __future__ import annotations

from aws_cdk import CfnOutput, CfnResource, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.marketing_stream import pinned

# Six timeouts of the function are AWS's own advice: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
# (read 2026-11-22).
VISIBILITY_TIMEOUTS = 6
FAN_OUT_TIMEOUT_S = 30
CONFIRM_TIMEOUT_S = 30

# The function itself sends bad messages to the dead-letter queue. So a message that is received repeatedly is a
# good one that meets an outage: 20 receives outlast at least an hour of it.
_INGRESS_RECEIVES = 20
_CONFIRMATION_RECEIVES = 10


class Ingress(Construct):
    """The queue Amazon delivers to, with its dead-letter queue. Amazon never sends a message again.

    Both, and the policy by which Amazon delivers, outlive their stack where `removal` is to retain: what they hold
    cannot be had again, and subscriptions that were not archived go on.
    """

    def __init__(
        self, scope: Construct, id_: str, *, source: str, reviewers: tuple[str, ...], removal: RemovalPolicy
    ) -> None:
        super().__init__(scope, id_)
        self.dead_letters = _queue(self, "DeadLetters", pinned.INGRESS_DEAD_LETTERS, removal)
        self.queue = _queue(
            self,
            "Queue",
            pinned.INGRESS_QUEUE,
            removal,
            timeout_s=FAN_OUT_TIMEOUT_S,
            dead_letters=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=_INGRESS_RECEIVES),
        )
        # https://advertising.amazon.com/API/docs/en-us/guides/amazon-marketing-stream/onboarding/sqs/get-started,
        # read 2026-11-22
        self.queue.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AmazonReviewsTheQueue",
                principals=[iam.ArnPrincipal(one) for one in reviewers],
                actions=["sqs:GetQueueAttributes"],
                resources=[self.queue.queue_arn],
            )
        )
        self.queue.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AmazonSendsTheDataset",
                principals=[iam.ServicePrincipal("sns.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[self.queue.queue_arn],
                conditions={"ArnLike": {"aws:SourceArn": source}},
            )
        )
        policy = self.queue.node.find_child("Policy")
        pinned.pin(policy, pinned.INGRESS_QUEUE_POLICY)
        resource = policy.node.default_child
        assert isinstance(resource, CfnResource)
        resource.apply_removal_policy(removal)
        pinned.pin(CfnOutput(self, "QueueArn", value=self.queue.queue_arn), pinned.INGRESS_QUEUE_OUTPUT)


class Confirmations(Construct):
    """Requests to confirm a subscription, apart from the data."""

    def __init__(self, scope: Construct, id_: str, *, removal: RemovalPolicy) -> None:
        super().__init__(scope, id_)
        self.dead_letters = _queue(self, "DeadLetters", pinned.CONFIRMATION_DEAD_LETTERS, removal)
        self.queue = _queue(
            self,
            "Queue",
            pinned.CONFIRMATION_QUEUE,
            removal,
            timeout_s=CONFIRM_TIMEOUT_S,
            dead_letters=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=_CONFIRMATION_RECEIVES),
        )


def _queue(
    scope: Construct,
    id_: str,
    logical_id: str,
    removal: RemovalPolicy,
    *,
    timeout_s: int = 0,
    dead_letters: sqs.DeadLetterQueue | None = None,
) -> sqs.Queue:
    """Make a queue that keeps its messages for 14 days, the maximum.

    SSE-SQS and not a customer key: SNS could only deliver if that key were opened to it as well.
    """
    queue = sqs.Queue(
        scope,
        id_,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=Duration.days(14),
        receive_message_wait_time=Duration.seconds(20) if timeout_s else None,
        visibility_timeout=Duration.seconds(VISIBILITY_TIMEOUTS * timeout_s) if timeout_s else None,
        dead_letter_queue=dead_letters,
        removal_policy=removal,
    )
    pinned.pin(queue, logical_id)
    return queue
