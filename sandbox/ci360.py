"""Let the deployed CI360 functions reach the simulated CI360, which their link rules would refuse.

No template sets these two variables. They name one server on this machine, and the certificate authority that it
made for itself when it started; lambdas/ci360/links.py says what they allow.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import requests

Outputs = Mapping[str, Mapping[str, str]]

SIMULATOR = "ci360"


def let_in(outputs: Outputs, simulators: Mapping[str, str], client: Callable[[str], Any]) -> None:
    """Give the deployed CI360 functions, if there are any, the simulator's address and certificate authority."""
    found = {name: text for stack in outputs.values() for name, text in stack.items() if name.startswith("Ci360")}
    if SIMULATOR not in simulators or "Ci360Url" not in found:
        return
    state = requests.get(f"{simulators[SIMULATOR]}/_sim/state", timeout=10).json()
    _extend(client("lambda"), found["Ci360WebhookFunctionName"], {"LAPTOP_HOST": state["files_host"]})
    _extend(
        client("lambda"),
        found["Ci360TransferFunctionName"],
        {"LAPTOP_HOST": state["files_host"], "LAPTOP_CA": state["authority"]},
    )
    if "Ci360SecretArn" in found:
        told = requests.get(f"{simulators[SIMULATOR]}/_sim/secret", timeout=10).json()
        client("secretsmanager").put_secret_value(SecretId=found["Ci360SecretArn"], SecretString=json.dumps(told))


def _extend(functions: Any, name: str, variables: Mapping[str, str]) -> None:
    known = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    if not variables.items() <= known.items():
        functions.update_function_configuration(
            FunctionName=name, Environment={"Variables": {**known, **variables}}
        )
