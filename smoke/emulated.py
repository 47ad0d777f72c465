"""The emulator's account: empty at its start, IAM enforced, Meta simulated beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import requests

from sandbox import cdk, connectors, lifecycle, node
from sandbox.place import Place
from sandbox.state import State
from smoke.shell import Shell

PLATFORM = "meta"
PERSON = "smoke-operator"
_WHEELS = "wheels_"


@dataclass(frozen=True)
class EmulatedAccount:
    """See `ground.Account`."""

    shell: Shell
    state: State
    any_endpoint: bool = True  # that of the simulator

    @property
    def wheels(self) -> Mapping[str, str]:
        """Return this machine's, whose Python runs the functions."""
        return {flag.removeprefix(_WHEELS): value for flag, value in cdk.hosts_wheels().items()}

    def client(self, service: str) -> Any:
        """Return a client of the account's root user."""
        return connectors.client(self.state.emulator.url, service)

    def prepare(self, name: str) -> str:
        """Do nothing: the simulator runs beside the emulator."""
        return ""

    def operator(self, policies: Sequence[str]) -> tuple[Shell, str]:
        """Make a user, to whom IAM allows what these policies say."""
        iam = self.client("iam")
        iam.create_user(UserName=PERSON)
        for arn in policies:
            iam.attach_user_policy(UserName=PERSON, PolicyArn=arn)
        key = iam.create_access_key(UserName=PERSON)["AccessKey"]
        own = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
        shell = replace(self.shell, environment={**self.shell.environment, **own})
        return shell, "a user with the policies of dropper, reader and operator, and no other right"

    def secret(self) -> dict[str, str]:
        """Return the secret that the simulator accepts, its address among it."""
        told: dict[str, str] = self._simulator("secret")
        return told

    def received(self, audience: str) -> int | None:
        """Count the people whom the simulator holds."""
        audiences = self._simulator("state?members=0")["audiences"]
        return sum(int(one["count"]) for one in audiences if one["name"] == audience)

    def clean(self, name: str) -> None:
        """Remove the user, if one was made."""
        iam = self.client("iam")
        with suppress(iam.exceptions.NoSuchEntityException):
            for key in iam.list_access_keys(UserName=PERSON)["AccessKeyMetadata"]:
                iam.delete_access_key(UserName=PERSON, AccessKeyId=key["AccessKeyId"])
            for policy in iam.list_attached_user_policies(UserName=PERSON)["AttachedPolicies"]:
                iam.detach_user_policy(UserName=PERSON, PolicyArn=policy["PolicyArn"])
            iam.delete_user(UserName=PERSON)

    def _simulator(self, what: str) -> Any:
        (simulator,) = self.state.simulators
        answer = requests.get(f"{simulator.url}/_sim/{what}", timeout=10)
        answer.raise_for_status()
        return json.loads(answer.text)


@contextmanager
def emulated(place: Place) -> Iterator[EmulatedAccount]:
    """Start the emulator and the simulator, and end them; raises SandboxError."""
    runner = node.find()
    node.install_packages(runner)
    with lifecycle.bare(place, (PLATFORM,), auth=True) as state:
        environment = cdk.sandbox_environment(runner, place, state.emulator.url)
        yield EmulatedAccount(Shell(place.directory / "app", place.logs, environment, runner), state)
