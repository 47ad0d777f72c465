"""The use of a customer key by CloudWatch Logs itself, for log groups of the app alone."""

from __future__ import annotations

from aws_cdk import ArnFormat, Aws, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms


def let_logs_use(key: kms.Key, *groups: str) -> None:
    """Let CloudWatch Logs use the key for this account's log groups whose names are like one of `groups`.

    It refuses to make a group that the policy does not cover, and with it the stack.

    Generated names begin with the stack's:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html, read 2026-11-22
    """
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="LogsOfThisApp",
            principals=[iam.ServicePrincipal(f"logs.{Aws.REGION}.amazonaws.com")],
            actions=[
                "kms:Encrypt",
                "kms:Decrypt",
                "kms:ReEncryptFrom",
                "kms:ReEncryptTo",
                "kms:GenerateDataKey",
                "kms:GenerateDataKeyWithoutPlaintext",
                "kms:DescribeKey",
            ],
            resources=["*"],  # in a key's policy, "*" is this key
            conditions={
                "ArnLike": {
                    "kms:EncryptionContext:aws:logs:arn": [
                        Stack.of(key).format_arn(
                            service="logs",
                            resource="log-group",
                            resource_name=names,
                            arn_format=ArnFormat.COLON_RESOURCE_NAME,
                        )
                        for names in groups
                    ]
                }
            },
        )
    )
