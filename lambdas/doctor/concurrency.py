"""Whether the account lets as many functions run at once as the settings say, for `doctor`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
from activation.platforms.platform import Finding
from botocore.exceptions import BotoCoreError, ClientError

# What Lambda keeps for functions without a reservation:
# https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html, read 2026-11-29
KEPT = 100


def examine_concurrency(told: Mapping[str, Any]) -> Finding:
    """Compare what `stacks.connector_told.of_app` says with the account's limit of executions in this region."""
    try:
        limit = boto3.client("lambda").get_account_settings()["AccountLimit"]
    except (ClientError, BotoCoreError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        return Finding("concurrency", False, f"Lambda's limits cannot be read: {code}")
    total, free = limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]
    reserved, wanted = told["reserved_concurrency"], told["max_concurrency"]
    raise_it = "ask AWS for a higher quota of Lambda's concurrent executions"
    if reserved and total - reserved < KEPT:
        most = max(0, total - KEPT)
        return Finding(
            "concurrency",
            False,
            f"the account's limit is {total}, so ci360.reserved_concurrency may be {most} at most: lower it, or"
            f" {raise_it}",
        )
    if wanted > free:
        return Finding(
            "concurrency",
            False,
            f"the connectors may run {wanted} functions at once and the account {free}: lower max_concurrency, or"
            f" {raise_it}",
        )
    return Finding(
        "concurrency", True, f"the connectors may run {wanted} functions at once, and the account {free}"
    )
