"""Logical ids of Amazon's example stacks, which must not change in a live deployment.

CloudFormation identifies resources by them. Another id for the ingress queue would create another queue, and every
existing subscription would send to a queue that no longer exists. The ids are those that
https://github.com/amzn/amazon-marketing-stream-examples synthesises (read 2026-11-22).
"""

from __future__ import annotations

import hashlib
import re

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
# The roles that a Firehose subscription holds; those of the example stacks also have names of their own.
SUBSCRIPTION_ROLE = "FirehoseSubscriptionRoleInfraFirehoseSubscriptionRoleF02F2291"
SUBSCRIBER_ROLE = "FirehoseSubscriberRoleInfraFirehoseSubscriberRole34E8AE0B"
# Those of this project's own, which CloudFormation names.
GENERATED_SUBSCRIPTION_ROLE = "DirectSubscriptionRoleF1C73FAC"
GENERATED_SUBSCRIBER_ROLE = "DirectSubscriberRole790A661C"

# What the first of two deployments over an example stack keeps, and the second removes.
TOPIC_SUBSCRIPTION = "StorageFirehoseSubA3A71188"
DESTINATION_ROLE = "StorageFirehoseS3DestinationRole4A7F6E2A"
# One resource of each kind of example stack that the first deployment removes.
REPLACED = (
    "FanoutLambdaD65A4B4B",
    "FirehoseSubscriptionRoleInfraFirehoseSubscriptionRoleDefaultPolicyEB34C2E2",
)

INGRESS_QUEUE_OUTPUT = "IngressIngressQueue91B67342"
LANDING_BUCKET_OUTPUT = "StorageLandingZoneBucketFE2101CB"
DELIVERY_STREAM_OUTPUT = "StorageDeliveryStreamArnBB2306AC"
SUBSCRIPTION_ROLE_OUTPUT = "FirehoseSubscriptionRoleInfraArn22E3DAAD"
SUBSCRIBER_ROLE_OUTPUT = "FirehoseSubscriberRoleInfraArn3358A9BC"


def ingress_mapping(stack: str) -> str:
    """Return the id of the example's mapping of the ingress queue to its function, in a stack of this name."""
    return _mapping("Fanout", stack, "Ingress/Queue")


def confirmation_mapping(stack: str) -> str:
    """Return the id of the example's mapping of the confirmation queue to its function."""
    return _mapping("SubsConfirmation", stack, "Fanout/SubsConfirmationQueue")


def _mapping(function: str, stack: str, queue: str) -> str:
    """Return the id that the CDK gives to a mapping: the paths of function and queue, each with its digest."""
    source = re.sub(r"[^A-Za-z0-9]", "", f"{stack}{queue}") + _digest(f"{stack}/{queue}")
    return f"{function}LambdaSqsEventSource{source}" + _digest(
        f"{function}/Lambda/SqsEventSource:{source}/Resource"
    )


def _digest(path: str) -> str:
    return hashlib.md5(path.encode(), usedforsecurity=False).hexdigest()[:8].upper()


def pin(construct: IConstruct, logical_id: str) -> None:
    """Pin the resource or output behind `construct` to this logical id."""
    element = construct if isinstance(construct, CfnElement) else construct.node.default_child
    assert isinstance(element, CfnElement)
    element.override_logical_id(logical_id)
