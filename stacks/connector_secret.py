"""A connector's secret: one that the app makes, or a secret or parameter that exists."""

from __future__ import annotations

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from stacks.secret_settings import SecretSettings


def own_secret(
    scope: Construct, connector: str, key: kms.IKey, removal: RemovalPolicy
) -> secretsmanager.CfnSecret:
    """Make a secret without a value: the operator writes it, so no template or history ever contains one."""
    secret = secretsmanager.CfnSecret(
        scope,
        "Secret",
        description=f"Credentials of connector {connector}; empty until an operator writes them",
        kms_key_id=key.key_arn,
    )
    secret.apply_removal_policy(removal)
    return secret


def existing_secret(scope: Construct, secret: SecretSettings) -> str:
    """Return the ARN of the secret or the parameter that the settings name."""
    if secret.arn:
        return secret.arn
    name = secret.parameter.removeprefix("/")
    return Stack.of(scope).format_arn(service="ssm", resource="parameter", resource_name=name)
