"""Logical ids of Amazon's example stacks, which must not change in a live deployment.

CloudFormation identifies resources by them. Another id for the ingress queue would create another queue, and every
existing subscription would send to a queue that no longer exists. The ids are those that
https://github.com/amzn/amazon-marketing-stream-examples synthesises (read 2026-11-22).
"""

from __future__ import annotations

from aws_cdk import CfnElement
from constructs import IConstruct

INGRESS_QUEUE = "IngressQueue26236266"
INGRESS_DEAD_LETTERS = "IngressDlq69714C64"
INGRESS_QUEUE_POLICY = "IngressQueuePolicy51A6E0B5"
CONFIRMATION_QUEUE = "FanoutSubsConfirmationQueue45DB7E45"
CONFIRMATION_DEAD_LETTERS = "FanoutSubsConfirmationDlq1E3A7822"
DATA_TOPIC = "FanoutDataTopic0A0A60DE"
LANDING_BUCKET = "StorageLZ10F6C360"
DELIVERY_STREAM = "StorageFirehoseEEA939E5"

INGRESS_QUEUE_OUTPUT = "IngressIngressQueue91B67342"
LANDING_BUCKET_OUTPUT = "StorageLandingZoneBucketFE2101CB"
DELIVERY_STREAM_OUTPUT = "StorageDeliveryStreamArnBB2306AC"
SUBSCRIPTION_ROLE_OUTPUT = "FirehoseSubscriptionRoleInfraArn22E3DAAD"
SUBSCRIBER_ROLE_OUTPUT = "FirehoseSubscriberRoleInfraArn3358A9BC"


def pin(construct: IConstruct, logical_id: str) -> None:
    """Pin the resource or output behind `construct` to this logical id."""
    element = construct if isinstance(construct, CfnElement) else construct.node.default_child
    assert isinstance(element, CfnElement)  # noqa: S101  narrows a type, checks no input
    element.override_logical_id(logical_id)
