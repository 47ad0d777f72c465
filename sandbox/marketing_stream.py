"""The deployed stacks of Amazon Marketing Stream, found in their outputs."""

from __future__ import annotations

from collections.abc import Mapping

import boto3
import requests

from sandbox.connectors import Outputs
from sandbox.emulator.environment import client_environment

_API = "ads_api"
_QUEUE_ARN = "IngressIngressQueue91B67342"  # only the stacks of datasets have it


def queues(outputs: Outputs, endpoint_url: str) -> dict[str, str]:
    """Return the URL of each stack's ingress queue, by stack."""
    arns = {stack: found[_QUEUE_ARN] for stack, found in outputs.items() if _QUEUE_ARN in found}
    if not arns:
        return {}
    access = client_environment(endpoint_url)
    sqs = boto3.client(
        "sqs",
        endpoint_url=endpoint_url,
        region_name=access["AWS_REGION"],
        aws_access_key_id=access["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=access["AWS_SECRET_ACCESS_KEY"],
    )
    return {stack: sqs.get_queue_url(QueueName=arn.rsplit(":", 1)[1])["QueueUrl"] for stack, arn in arns.items()}


def ask_queues(simulators: Mapping[str, str], endpoint_url: str) -> None:
    """Let the subscription API ask the deployed queues to confirm, and wait for the functions that do."""
    if _API in simulators:
        aws = {"endpoint_url": endpoint_url, "own_url": simulators[_API]}
        requests.post(f"{simulators[_API]}/_sim/config", json={"aws": aws}, timeout=30).raise_for_status()
