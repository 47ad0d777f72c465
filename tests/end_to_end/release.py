"""Deployments of one connector's stack from its template: a release that cannot start, and the one before it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sandbox.emulator.environment import ACCOUNT, REGION
from tests.end_to_end.driver import Sandbox, until
from tests.end_to_end.function import KEEPS

_FUNCTION = "AWS::Lambda::Function"


@dataclass(frozen=True)
class Releases:
    """The stack that holds a connector's function, and its template as it was deployed."""

    sandbox: Sandbox
    stack: str
    template: dict[str, Any]
    function: str

    @classmethod
    def of(cls, sandbox: Sandbox, connector: str) -> Releases:
        """Find the stack by the function's name; LookupError if no stack has it."""
        cloudformation, wanted = sandbox.client("cloudformation"), sandbox.connector(connector)["function_name"]
        for stack in cloudformation.describe_stacks()["Stacks"]:
            name = stack["StackName"]
            for one in cloudformation.describe_stack_resources(StackName=name)["StackResources"]:
                if one["ResourceType"] == _FUNCTION and one["PhysicalResourceId"] == wanted:
                    template = cloudformation.get_template(StackName=name)["TemplateBody"]
                    document = json.loads(template) if isinstance(template, str) else template
                    return cls(sandbox, name, document, one["LogicalResourceId"])
        raise LookupError(f"no stack has the function of {connector}")

    @contextmanager
    def broken(self) -> Iterator[None]:
        """Deploy a release whose function cannot start, and roll back to the one before."""
        properties = self.template["Resources"][self.function]["Properties"]
        assert self.deploy(f"{properties['Handler']}_missing") == "UPDATE_COMPLETE"
        try:
            yield
        finally:
            assert self.deploy() == "UPDATE_COMPLETE"

    def deploy(self, handler: str = "") -> str:
        """Deploy the template with another handler, or as it was; return the stack's status.

        Drops are kept, as every Line keeps them.
        """
        template = copy.deepcopy(self.template)
        properties = template["Resources"][self.function]["Properties"]
        properties["Environment"]["Variables"] |= KEEPS
        if handler:
            properties["Handler"] = handler
        cloudformation = self.sandbox.client("cloudformation")
        (before,) = cloudformation.describe_stacks(StackName=self.stack)["Stacks"]
        keys = [one["ParameterKey"] for one in before.get("Parameters", ())]
        cloudformation.update_stack(
            StackName=self.stack,
            TemplateURL=self._upload(template),
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Parameters=[{"ParameterKey": key, "UsePreviousValue": True} for key in keys],
        )

        def ended() -> str | None:
            (found,) = cloudformation.describe_stacks(StackName=self.stack)["Stacks"]
            status = str(found["StackStatus"])
            return None if status.endswith("_IN_PROGRESS") else status

        return until(ended, 120)

    def _upload(self, template: dict[str, Any]) -> str:
        """Put a template where the CDK puts those that are too long for a call; return its URL."""
        bucket, key = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}", f"{self.stack}-release.json"
        body = json.dumps(template, separators=(",", ":")).encode()
        self.sandbox.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
        return f"https://s3.{REGION}.amazonaws.com/{bucket}/{key}"
