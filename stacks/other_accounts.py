"""What principals of other accounts may do with the app's buckets: upload drops, and nothing else."""

from __future__ import annotations

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from stacks.connector_settings import ConnectorSettings
from stacks.people import deny_options


def let_drop(connector: ConnectorSettings, drops: s3.Bucket, key: kms.IKey) -> None:
    """Let principals of other accounts upload drops of a connector, which their own accounts allow as well.

    They can read nothing: with kms:Decrypt, which an upload in parts needs, comes no right to get an object.
    Sources, read 2026-11-29: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html,
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html
    """
    if not connector.droppers:
        return
    sid = "".join(part.title() for part in connector.name.split("-"))
    principals: list[iam.IPrincipal] = [iam.ArnPrincipal(arn) for arn in connector.droppers]
    drops.add_to_resource_policy(
        iam.PolicyStatement(
            sid=f"DropFor{sid}",
            principals=principals,
            actions=["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
            resources=[drops.arn_for_objects(f"{connector.name}/*")],
        )
    )
    if not connector.replaces:
        drops.add_to_resource_policy(deny_options(drops, connector.name, principals))
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid=f"DropFor{sid}",
            principals=principals,
            actions=["kms:GenerateDataKey", "kms:Decrypt"],
            resources=["*"],  # in a key's policy, "*" is this key
            conditions={"StringEquals": {"kms:ViaService": f"s3.{Aws.REGION}.amazonaws.com"}},
        )
    )
