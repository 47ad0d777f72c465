"""Delivery by Amazon straight to the delivery stream: the two roles that a Firehose subscription names."""

from __future__ import annotations

from aws_cdk import CfnOutput
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.marketing_stream import pinned
from stacks.marketing_stream.landing import Landing
from stacks.marketing_stream.settings import StreamDataset


class DirectDelivery(Construct):
    """The role that puts records and the role that subscribes: what a live subscription holds.

    A dataset of Amazon's example stacks has the names it has there; other names would be cut to the same eight
    letters, and are left to CloudFormation.

    https://advertising.amazon.com/API/docs/en-us/guides/amazon-marketing-stream/onboarding/firehose/get-started,
    read 2026-11-22. There is nothing to confirm: Amazon assumes the subscriber role and subscribes by itself.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        wanted: StreamDataset,
        landing: Landing,
        reviewers: tuple[str, ...],
        subscribers: tuple[str, ...],
    ) -> None:
        super().__init__(scope, id_)
        self.subscription_role = iam.Role(
            self,
            "SubscriptionRole",
            role_name=_name(wanted, "subscription"),
            description=f"Lets Amazon's topics put records of {wanted.dataset.id} into the delivery stream",
            assumed_by=iam.CompositePrincipal(
                iam.ServicePrincipal("sns.amazonaws.com"), *(iam.ArnPrincipal(one) for one in reviewers)
            ),
            inline_policies={
                "Put": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            sid="PutIntoTheStream",
                            actions=[
                                "firehose:DescribeDeliveryStream",
                                "firehose:ListTagsForDeliveryStream",
                                "firehose:PutRecord",
                                "firehose:PutRecordBatch",
                            ],
                            resources=[landing.stream.attr_arn],
                        )
                    ]
                )
            },
        )
        self.subscriber_role = iam.Role(
            self,
            "SubscriberRole",
            role_name=_name(wanted, "subscriber"),
            description=f"Lets Amazon subscribe the delivery stream to its topics of {wanted.dataset.id}",
            assumed_by=iam.SessionTagsPrincipal(
                iam.CompositePrincipal(*(iam.ArnPrincipal(one) for one in subscribers))
            ),
            inline_policies={
                "Subscribe": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            sid="SubscribeToAmazonsTopics",
                            actions=["sns:Subscribe", "sns:Unsubscribe"],
                            resources=[wanted.source],
                        ),
                        iam.PolicyStatement(
                            sid="HandOverTheOtherRole",
                            actions=["iam:PassRole"],
                            resources=[self.subscription_role.role_arn],
                        ),
                    ]
                )
            },
        )
        if wanted.example_roles:
            pinned.pin(self.subscription_role, pinned.SUBSCRIPTION_ROLE)
            pinned.pin(self.subscriber_role, pinned.SUBSCRIBER_ROLE)
        else:
            pinned.pin(self.subscription_role, pinned.GENERATED_SUBSCRIPTION_ROLE)
            pinned.pin(self.subscriber_role, pinned.GENERATED_SUBSCRIBER_ROLE)
        for id_of_output, role, logical_id in (
            ("SubscriptionRoleArn", self.subscription_role, pinned.SUBSCRIPTION_ROLE_OUTPUT),
            ("SubscriberRoleArn", self.subscriber_role, pinned.SUBSCRIBER_ROLE_OUTPUT),
        ):
            pinned.pin(CfnOutput(self, id_of_output, value=role.role_arn), logical_id)


def _name(wanted: StreamDataset, use: str) -> str | None:
    return f"{wanted.dataset.id[:8]}-{wanted.realm}-{use}" if wanted.example_roles else None
