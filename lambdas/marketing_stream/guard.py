"""The guard's function: CloudFormation asks it before a deployment changes a dataset stack, and before it removes.

A custom resource: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html, read 2026-11-30.
A refusal makes CloudFormation roll back; only after a complete update does it remove what a template lacks.
"""

from __future__ import annotations

import json
import logging
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from activation.aws.errors import code_of
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.marketing_stream.clients import client
from lambdas.marketing_stream.configuration import log_level
from lambdas.marketing_stream.logs import event

_LOG = logging.getLogger(__name__)
logging.getLogger().setLevel(log_level())

_DOCS = "see docs/marketing_stream.md, Upgrade"
_ANSWER_WITHIN_S = 10


@dataclass(frozen=True)
class Live:
    """The stack as it is: its status, and the logical ids of its resources."""

    status: str
    ids: frozenset[str]


def lambda_handler(asked: Mapping[str, Any], _context: object) -> None:
    """Answer CloudFormation at the address that it gives, whatever happens: else it would wait for an hour."""
    try:
        refusal = answer(asked, _live, time.sleep)
    except (ClientError, BotoCoreError) as error:
        refusal = f"the guard could not look at the stack ({code_of(error)})"
    except Exception as error:  # noqa: BLE001  the edge: no answer would be worse
        refusal = f"the guard failed ({type(error).__name__})"
    event(_LOG, logging.INFO, "asked", request=str(asked.get("RequestType")), refusal=refusal)
    document = {
        "Status": "FAILED" if refusal else "SUCCESS",
        "Reason": refusal or "nothing is against it",
        "PhysicalResourceId": asked.get("PhysicalResourceId") or str(asked["LogicalResourceId"]),
        **{key: asked[key] for key in ("StackId", "RequestId", "LogicalResourceId")},
    }
    # S3 has signed the address for a request without a content type.
    request = urllib.request.Request(  # noqa: S310  CloudFormation's own address
        asked["ResponseURL"], json.dumps(document).encode(), {"Content-Type": ""}, method="PUT"
    )
    urllib.request.urlopen(request, timeout=_ANSWER_WITHIN_S).close()  # noqa: S310  as above


def answer(asked: Mapping[str, Any], live: Callable[[str], Live], wait: Callable[[float], None]) -> str:
    """Return why the deployment is refused, "" if it may go on; `wait` first if the question says so.

    A deletion and a rollback are never refused: they undo, and a refused rollback leaves a stack that is stuck.
    """
    if asked["RequestType"] == "Delete":
        return ""
    properties: Mapping[str, Any] = asked["ResourceProperties"]
    found = live(asked["StackId"])
    if "ROLLBACK" in found.status:
        return ""
    if found.ids.intersection(properties.get("While", ())):
        wait(float(properties["WaitS"]))
    return _refusal(properties, found.ids)


def _refusal(properties: Mapping[str, Any], live: frozenset[str]) -> str:
    if live.intersection(properties.get("MayNotBeThere", ())):
        return f"this is Amazon's example stack: deploy once with -c stream_upgrade=first before this; {_DOCS}"
    if set(properties.get("MustBeThere", ())) - live:
        return f"this is no stack of Amazon's example, or it is upgraded: deploy without stream_upgrade; {_DOCS}"
    gone = {kind for id_, kind in properties.get("MayNotGo", {}).items() if kind and id_ in live}
    for kind in sorted(gone):
        if kind in properties["Deliveries"]:
            return (
                "this deployment would replace the roles that Firehose subscriptions hold: set `firehose_roles` to"
                f" its other value; {_DOCS}"
            )
        return (
            f"this deployment would end the delivery {kind}, with every subscription to it: keep it in `delivery`,"
            f" or archive them and deploy with -c stream_retire={kind}; {_DOCS}"
        )
    return ""


def _live(stack: str) -> Live:
    cloudformation = client("cloudformation")
    (described,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    ids = frozenset(
        one["LogicalResourceId"]
        for page in pages
        for one in page["StackResourceSummaries"]
        if one["ResourceStatus"] != "DELETE_COMPLETE"
    )
    return Live(described["StackStatus"], ids)
