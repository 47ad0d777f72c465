"""The deployed connectors, found in the stacks' outputs, and their secrets in the sandbox."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import requests

from sandbox.emulator.environment import client_environment
from sandbox.errors import SandboxError
from sandbox.place import ROOT

Outputs = Mapping[str, Mapping[str, str]]

_RESOURCES = {
    "SecretArn": "secret_arn",
    "QueueUrl": "queue_url",
    "DeadLetterQueueUrl": "dead_letter_queue_url",
    "UndeliveredQueueUrl": "undelivered_queue_url",
    "FunctionName": "function_name",
}
# Platforms one of whose tokens may reach several ad accounts, as those of the sandbox's database need.
_OF_ANY_ACCOUNT = ("meta",)
# Platforms whose API is another one's as well: one simulator serves both.
SIMULATED_BY = {"meta_conversions": "meta"}


@dataclass(frozen=True)
class Connector:
    """A connector in the app's settings and the names of its deployed resources."""

    name: str
    platform: str
    resources: Mapping[str, str]


def flag(root: Path = ROOT) -> dict[str, str]:
    """Return the context flag with which Meta's connectors serve any account that their token reaches."""
    settings = json.loads((root / "cdk.context.json").read_text())["audience_activation"]
    return {
        "connectors": json.dumps(
            [
                {"accounts": "any", **one} if one["platform"] in _OF_ANY_ACCOUNT else one
                for one in settings["connectors"]
            ]
        )
    }


def output(outputs: Outputs, name: str) -> str:
    """Return an output by name, from any stack; raises SandboxError if there is none."""
    for stack in outputs.values():
        if name in stack:
            return stack[name]
    raise SandboxError(f"no stack has the output {name}")


def deployed(outputs: Outputs, root: Path = ROOT) -> list[Connector]:
    """Match the connectors of cdk.context.json with the outputs, which contain their names without hyphens."""
    settings = json.loads((root / "cdk.context.json").read_text())["audience_activation"]
    found = {name.lower(): text for stack in outputs.values() for name, text in stack.items()}
    return [
        Connector(
            name=one["name"],
            platform=one["platform"],
            resources={
                key: found[f"{one['name'].replace('-', '')}{suffix}".lower()]
                for suffix, key in _RESOURCES.items()
                if f"{one['name'].replace('-', '')}{suffix}".lower() in found
            },
        )
        for one in settings["connectors"]
    ]


def client(endpoint_url: str, service: str) -> Any:
    """Return an AWS client as the root user of the emulator's account."""
    access = client_environment(endpoint_url)
    return boto3.client(  # type: ignore[call-overload]  # the service is not a literal here
        service,
        endpoint_url=endpoint_url,
        region_name=access["AWS_REGION"],
        aws_access_key_id=access["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=access["AWS_SECRET_ACCESS_KEY"],
    )


def write_secrets(connectors: list[Connector], simulators: Mapping[str, str], endpoint_url: str) -> None:
    """Write to each connector's secret what its platform's simulator accepts."""
    secrets = client(endpoint_url, "secretsmanager")
    for connector in connectors:
        if url := simulators.get(SIMULATED_BY.get(connector.platform, connector.platform)):
            told = requests.get(f"{url}/_sim/secret", timeout=10)
            told.raise_for_status()
            secrets.put_secret_value(
                SecretId=connector.resources["secret_arn"], SecretString=json.dumps(told.json())
            )
