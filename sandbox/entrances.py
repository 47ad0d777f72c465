"""How others reach the deployed app: CI360's webhook with its key, and the queues that a stream sends to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.connectors import Outputs

WEBHOOK_PATH = "/ci360/bulk"
# The output's logical id in Amazon's own stream stacks, which the app's stacks keep.
QUEUE_OUTPUT = "IngressIngressQueue91B67342"


def entrances(outputs: Outputs, endpoint_url: str, client: Callable[[str], Any]) -> dict[str, Any]:
    """Return `ci360_url` and `ci360_api_key`, and `stream_queues` by stack, for what is deployed."""
    return {**_webhook(endpoint_url, client("apigateway")), **_queues(outputs, client("sqs"))}


def _webhook(endpoint_url: str, gateway: Any) -> dict[str, str]:
    for api in gateway.get_rest_apis()["items"]:
        paths = {resource["path"] for resource in gateway.get_resources(restApiId=api["id"])["items"]}
        stages = gateway.get_stages(restApiId=api["id"])["item"]
        if WEBHOOK_PATH in paths and stages:
            keys = gateway.get_api_keys(includeValues=True)["items"]
            # The host name in the stack's own URL resolves to AWS; this is the emulator's address of the same
            # stage.
            url = f"{endpoint_url}/_aws/execute-api/{api['id']}/{stages[0]['stageName']}{WEBHOOK_PATH}"
            return {"ci360_url": url, **({"ci360_api_key": keys[0]["value"]} if keys else {})}
    return {}


def _queues(outputs: Outputs, sqs: Any) -> dict[str, dict[str, str]]:
    urls = {
        stack: str(sqs.get_queue_url(QueueName=values[QUEUE_OUTPUT].rsplit(":", 1)[-1])["QueueUrl"])
        for stack, values in outputs.items()
        if QUEUE_OUTPUT in values
    }
    return {"stream_queues": urls} if urls else {}
