"""A subscription's destination: given by ARN, or read from a stack's outputs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from amz_stream_cli.errors import StreamError
from stacks.marketing_stream import catalogue
from stacks.marketing_stream.catalogue import Realm

_QUEUE = "IngressIngressQueue91B67342"
_FIREHOSE = {
    "deliveryStreamArn": "StorageDeliveryStreamArnBB2306AC",
    "subscriptionRoleArn": "FirehoseSubscriptionRoleInfraArn22E3DAAD",
    "subscriberRoleArn": "FirehoseSubscriberRoleInfraArn3358A9BC",
}
Destination = dict[str, Any]


def queue(arn: str) -> Destination:
    """Return a queue as a destination."""
    return {"sqsDestination": {"queueArn": arn}}


def delivery_stream(arn: str, subscription_role: str, subscriber_role: str) -> Destination:
    """Return a delivery stream and its two roles as a destination."""
    return {
        "firehoseDestination": {
            "deliveryStreamArn": arn,
            "subscriptionRoleArn": subscription_role,
            "subscriberRoleArn": subscriber_role,
        }
    }


def of_stack(name: str, realm: Realm, kind: str = "") -> Destination:
    """Read a stack's outputs; return its queue if it has one, unless `kind` is "firehose". Raises StreamError."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client = boto3.client("cloudformation", region_name=realm.region)
        described = client.describe_stacks(StackName=name)["Stacks"][0]
    except (BotoCoreError, ClientError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        raise StreamError(f"stack {name} was not found in {realm.region} ({code}); deploy it first") from None
    outputs = {one.get("OutputKey"): one.get("OutputValue", "") for one in described.get("Outputs", ())}
    return from_outputs(name, outputs, kind)


def from_outputs(name: str, outputs: Mapping[str | None, str], kind: str = "") -> Destination:
    """Return the destination in a stack's outputs; raises StreamError if they contain none of this kind."""
    if kind != "firehose" and _QUEUE in outputs:
        return queue(outputs[_QUEUE])
    if kind != "sqs" and all(key in outputs for key in _FIREHOSE.values()):
        return delivery_stream(*(outputs[key] for key in _FIREHOSE.values()))
    raise StreamError(f"the outputs of stack {name} contain no destination" + (f" of kind {kind}" if kind else ""))


def dataset_of(stack: str) -> tuple[str, Realm] | None:
    """Return the dataset and realm in a stack's name, None if it names none. An app's name may stand before."""
    named = re.fullmatch(rf"(?:.+-)?AmzStream-({'|'.join(Realm)})-(.+)", stack)
    return (named[2], Realm(named[1])) if named else None


def is_dsp(dataset: str) -> bool:
    """Return whether a dataset is subscribed to through the API for Amazon DSP."""
    found = catalogue.BY_ID.get(dataset)
    return found.path == catalogue.DSP if found else dataset.startswith("adsp-")


def arns(destination: Mapping[str, Any]) -> dict[str, str]:
    """Return every ARN of a destination, by the kind of resource it names."""
    found: dict[str, str] = {}
    for kind in destination.values():
        if isinstance(kind, Mapping):
            found |= {str(name): str(arn) for name, arn in kind.items()}
    return found
