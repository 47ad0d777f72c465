"""How a finding of cdk-nag is accepted, and how it spells the resources it names."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_s3 as s3
from constructs import IConstruct

PACK = "AwsSolutions"


def accept(construct: IConstruct, rule: str, reason: str) -> None:
    """Accept the finding that `rule` names, with its resource where it has one, for a construct."""
    Validations.of(construct).acknowledge(Acknowledgment(id=f"{PACK}::{PACK}-{rule}", reason=reason))


def arn_of(bucket: s3.Bucket) -> str:
    """Return a bucket's ARN as cdk-nag spells it in another stack: the name of the export."""
    owner = Stack.of(bucket)
    resolved: dict[str, str] = owner.resolve(owner.export_value(bucket.bucket_arn))
    return resolved["Fn::ImportValue"]


def logical_id_of(bucket: s3.Bucket) -> str:
    """Return a bucket's name in its own template, as cdk-nag spells it there."""
    resource = bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket)
    return str(Stack.of(bucket).resolve(resource.logical_id))
