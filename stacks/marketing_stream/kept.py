"""What the first of two deployments over Amazon's example stacks keeps of them; the second removes it.

The ids are those that https://github.com/amzn/amazon-marketing-stream-examples synthesises (read 2026-11-29).
CloudFormation removes what a template no longer has in no fixed order, while records are still on their way.
"""

from __future__ import annotations

from aws_cdk import Fn
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.marketing_stream import pinned
from stacks.marketing_stream.fanout import FanOut
from stacks.marketing_stream.landing import Landing

# What the roles of the old functions may do is what those functions call.
_RECEIVES = (
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
)
_SENDS = ("sqs:SendMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl")


class KeptOfExample(Construct):
    """The way through the topic into the delivery stream, and the roles that may still be in use."""

    def __init__(self, scope: Construct, id_: str, *, landing: Landing, fan_out: FanOut | None) -> None:
        super().__init__(scope, id_)
        self._destination(landing)
        if fan_out:
            self._subscription(landing, fan_out)
            self._functions(fan_out)

    def _destination(self, landing: Landing) -> None:
        """Keep the role with which the delivery stream writes what it took before it was given the new one.

        An update of a stream takes effect within minutes, and it buffers for up to five:
        https://docs.aws.amazon.com/firehose/latest/dev/basic-create.html, read 2026-11-30.
        """
        statements = [
            iam.PolicyStatement(actions=["s3:*Object", "s3:AbortMultipartUpload"], resources=landing.objects),
            iam.PolicyStatement(
                actions=["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
                resources=[landing.bucket.bucket_arn],
            ),
        ]
        policy = "StorageFirehoseS3DestinationRoleDefaultPolicyF7CF78FB"
        self._role(pinned.DESTINATION_ROLE, "firehose.amazonaws.com", policy, statements)

    def _subscription(self, landing: Landing, fan_out: FanOut) -> None:
        put = iam.PolicyStatement(
            actions=["firehose:PutRecord", "firehose:PutRecordBatch"], resources=[landing.stream.attr_arn]
        )
        policy = "StorageSnsSubsRoleDefaultPolicy127F3C9D"
        role = self._role("StorageSnsSubsRoleCB7C113A", "sns.amazonaws.com", policy, [put])
        subscription = sns.CfnSubscription(
            self,
            "Subscription",
            protocol="firehose",
            topic_arn=fan_out.topic.topic_arn,
            endpoint=landing.stream.attr_arn,
            raw_message_delivery=True,
            subscription_role_arn=role.attr_arn,
        )
        pinned.pin(subscription, pinned.TOPIC_SUBSCRIPTION)

    def _functions(self, fan_out: FanOut) -> None:
        """Keep the roles of the old functions: a call that is refused makes them drop the message it was for."""
        ingress, asked = fan_out.ingress.queue.queue_arn, fan_out.confirmations.queue.queue_arn
        self._role(
            "FanoutLambdaServiceRoleCA70D9C8",
            "lambda.amazonaws.com",
            "FanoutLambdaServiceRoleDefaultPolicyF13F0C47",
            [
                iam.PolicyStatement(actions=["sns:Publish"], resources=[fan_out.topic.topic_arn]),
                iam.PolicyStatement(actions=list(_SENDS), resources=[asked]),
                iam.PolicyStatement(actions=list(_RECEIVES), resources=[ingress]),
            ],
        )
        self._role(
            "SubsConfirmationLambdaServiceRole446777D3",
            "lambda.amazonaws.com",
            "SubsConfirmationLambdaServiceRoleDefaultPolicy4FF9E466",
            [
                iam.PolicyStatement(actions=["sns:ConfirmSubscription"], resources=[fan_out.source]),
                iam.PolicyStatement(actions=list(_RECEIVES), resources=[asked]),
            ],
        )

    def _role(
        self, role_id: str, service: str, policy_id: str, statements: list[iam.PolicyStatement]
    ) -> iam.CfnRole:
        trust = iam.PolicyStatement(
            actions=["sts:AssumeRole"], principals=[iam.ServicePrincipal(service)]
        ).to_statement_json()
        managed = "arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
        role = iam.CfnRole(
            self,
            role_id,
            assume_role_policy_document={"Version": "2012-10-17", "Statement": [trust]},
            managed_policy_arns=[Fn.sub(managed)] if service.startswith("lambda.") else None,
        )
        policy = iam.CfnPolicy(
            self,
            policy_id,
            policy_name=policy_id,
            policy_document=iam.PolicyDocument(statements=statements),
            roles=[role.ref],
        )
        pinned.pin(role, role_id)
        pinned.pin(policy, policy_id)
        return role
