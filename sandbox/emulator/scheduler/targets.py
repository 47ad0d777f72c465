"""How a schedule invokes its target: a real call of the emulator's API, with the schedule's execution role.

So it fails as any other call does: for a queue that does not exist, a role that lacks the permission (with
`--auth`), or a fault that was injected. Lambda accepts an asynchronous call and retries the function itself.
https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets.html (read 2026-11-30)
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import boto3
from botocore import xform_name
from botocore.config import Config
from ministack.core.lambda_runtime import execution_credentials

from sandbox.emulator.hook import Hook

HOOKS = (Hook("ministack.core.lambda_runtime", "execution_credentials", ("config",)),)

_UNIVERSAL = "arn:aws:scheduler:::aws-sdk:"
# The names of universal targets follow another SDK than boto3.
_CLIENTS = {"eventbridge": "events", "sfn": "stepfunctions", "cloudwatchlogs": "logs"}

Call = tuple[str, str, dict[str, Any]]


def call_of(target: dict[str, Any], payload: str) -> Call:
    """Return client, method and parameters of the call that invokes a target; ValueError if there is none here.

    `payload` is the target's input after substitution.
    """
    arn = str(target.get("Arn", ""))
    if arn.startswith(_UNIVERSAL):
        service, _, action = arn.removeprefix(_UNIVERSAL).partition(":")
        client = _CLIENTS.get(service, service)
        if client not in boto3.session.Session().get_available_services():
            raise ValueError(f"{arn} names no service.")
        return client, xform_name(action), dict(json.loads(payload or "{}"))
    service = arn.split(":")[2] if arn.startswith("arn:aws:") else ""
    if service not in _TEMPLATED:
        raise ValueError(f"The sandbox's schedules cannot invoke {arn}; a universal target can.")
    return _TEMPLATED[service](target, payload)


def invoke(call: Call, role_arn: str, account: str, region: str) -> None:
    """Make the call as the execution role; botocore's errors say why it failed."""
    service, method, parameters = call
    credentials = execution_credentials(
        {
            "Role": role_arn,
            "FunctionArn": f"arn:aws:lambda:{region}:{account}:function:scheduler",
            "FunctionName": "scheduler",
        }
    )
    client = boto3.client(  # type: ignore[call-overload]  # the service is not a literal here
        service,
        endpoint_url=f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
        region_name=region,
        aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=credentials["AWS_SESSION_TOKEN"] or None,
        # The schedule's own policy says how often a call is tried.
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=10),
    )
    getattr(client, method)(**parameters)


def _function(target: dict[str, Any], payload: str) -> Call:
    return "lambda", "invoke", {"FunctionName": target["Arn"], "InvocationType": "Event", "Payload": payload}


def _queue(target: dict[str, Any], payload: str) -> Call:
    _, _, _, _, account, name = target["Arn"].split(":")
    url = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}/{account}/{name}"
    return "sqs", "send_message", {"QueueUrl": url, "MessageBody": payload, **(target.get("SqsParameters") or {})}


def _topic(target: dict[str, Any], payload: str) -> Call:
    return "sns", "publish", {"TopicArn": target["Arn"], "Message": payload}


def _bus(target: dict[str, Any], payload: str) -> Call:
    entry = {"EventBusName": target["Arn"], "Detail": payload, **(target.get("EventBridgeParameters") or {})}
    return "events", "put_events", {"Entries": [entry]}


def _state_machine(target: dict[str, Any], payload: str) -> Call:
    return "stepfunctions", "start_execution", {"stateMachineArn": target["Arn"], "input": payload}


_TEMPLATED: dict[str, Callable[[dict[str, Any], str], Call]] = {
    "lambda": _function,
    "sqs": _queue,
    "sns": _topic,
    "events": _bus,
    "states": _state_machine,
}
