"""A deployed connector's function: configured, given its secret, limited, restarted, killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

from tests.end_to_end.driver import Sandbox, until

# Tests send drops again, and wait until no message is left: of a drop that is deleted, one is left for a while.
KEEPS = {"DELETE_FINAL_DROPS": "0"}


@dataclass
class Function:
    """A connector, by name, whose platform is simulated; this part of a Line is about its function."""

    sandbox: Sandbox
    connector: str
    platform: str
    kills: int = 0
    simulated_s: float = 0.0
    _configured: dict[str, Any] | None = field(default=None, repr=False)
    _secret_written: bool = field(default=False, repr=False)

    @cached_property
    def addresses(self) -> dict[str, str]:
        """Return the names and addresses of what the connector consists of."""
        return self.sandbox.connector(self.connector)

    @cached_property
    def deployed(self) -> dict[str, Any]:
        """Return the function's configuration as it was deployed."""
        configuration = self.sandbox.client("lambda").get_function_configuration(
            FunctionName=self.addresses["function_name"]
        )
        return {"Timeout": configuration["Timeout"], "Environment": configuration["Environment"]}

    @cached_property
    def log_group(self) -> str:
        """Return the log group the function writes to."""
        configuration = self.sandbox.client("lambda").get_function_configuration(
            FunctionName=self.addresses["function_name"]
        )
        return str(configuration["LoggingConfig"]["LogGroup"])

    @property
    def variables(self) -> dict[str, str]:
        """Return the function's environment as it was deployed."""
        found: dict[str, str] = self.deployed["Environment"]["Variables"]
        return found

    def configure(self, timeout_s: int = 0, environment: Mapping[str, str] = MappingProxyType({})) -> None:
        """Change the function as a deployment would: its timeout, variables of its environment; it starts cold.

        What is not named is as it was deployed, but that drops are kept. A function that is like this already is
        left alone, and warm.
        """
        wanted = {
            "Timeout": timeout_s or self.deployed["Timeout"],
            "Environment": {"Variables": {**self.variables, **KEEPS, **environment}},
        }
        if wanted == (self._configured or self.deployed):
            return
        self._configured = wanted
        self.sandbox.client("lambda").update_function_configuration(
            FunctionName=self.addresses["function_name"], **wanted
        )

    def write_secret(self, text: str | bytes) -> None:
        """Write the connector's secret, and let it be read: functions that run keep the old one for minutes."""
        self._secret_written = True
        kind = "SecretString" if isinstance(text, str) else "SecretBinary"
        self.sandbox.client("secretsmanager").put_secret_value(
            SecretId=self.addresses["secret_arn"], **{kind: text}
        )

    def stored_secret(self) -> Any:
        """Return the connector's secret as it is stored now; None where it is no JSON."""
        secret = self.sandbox.client("secretsmanager").get_secret_value(SecretId=self.addresses["secret_arn"])
        try:
            return json.loads(secret.get("SecretString", ""))
        except ValueError:
            return None

    @contextmanager
    def unwritten_secret(self) -> Iterator[Callable[[], None]]:
        """Return the function a secret as a deployment leaves it, without a value; what is given writes it."""
        stacks, name = self.sandbox.client("cloudformation"), f"unwritten-{time.monotonic_ns()}"
        template = {
            "Resources": {"Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": name}}},
            "Outputs": {"Arn": {"Value": {"Ref": "Secret"}}},
        }
        stacks.create_stack(StackName=name, TemplateBody=json.dumps(template))
        stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
        arn = stacks.describe_stacks(StackName=name)["Stacks"][0]["Outputs"][0]["OutputValue"]
        self.configure(environment={"SECRET_ARN": arn})
        right = json.dumps(self.sandbox.simulator_secret(self.platform))
        try:
            yield lambda: self.sandbox.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=right)
        finally:
            stacks.delete_stack(StackName=name)

    def restart(self) -> None:
        """End the function's idle processes, as Lambda does now and then; the next message starts one cold."""
        for worker in self.sandbox.workers(self.connector):
            if not worker["in_flight"]:
                self.kill(worker["pid"])

    @contextmanager
    def at_most(self, functions: int) -> Iterator[None]:
        """Let the function run so often at a time and no more."""
        client, name = self.sandbox.client("lambda"), self.addresses["function_name"]
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=functions)
        try:
            yield
        finally:
            client.delete_function_concurrency(FunctionName=name)

    def kill(self, pid: int) -> None:
        """End a process of the function with signal 9, and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

        def gone() -> bool | None:
            return None if any(one["pid"] == pid for one in self.sandbox.workers(self.connector)) else True

        until(gone, 10)
