"""The AWS account of the environment's credentials, and a server that the people are sent to."""

from __future__ import annotations

import hashlib
import json
import secrets
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
import requests

from sandbox import cdk, node
from sandbox.place import Place
from smoke import receiver
from smoke.shell import Shell
from smoke.steps import StepFailed

ACCOUNT_ID = "1"  # of the ad account, which the receiver does not have


@dataclass(frozen=True)
class Target:
    """Where the people go: the server at `endpoint`, what the secret in `file` says, else a server of our own.

    A server at `endpoint` answers as the sandbox's simulator does, which says at /_sim/secret whom it lets in.
    """

    endpoint: str = ""
    file: Path | None = None

    def secret(self) -> dict[str, str] | None:
        """Return the secret of a server that exists, None where one is to be deployed; raises StepFailed."""
        if self.file is not None:
            read: dict[str, str] = json.loads(self.file.read_text(encoding="utf-8"))
            return read
        if not self.endpoint:
            return None
        try:
            answer = requests.get(f"{self.endpoint.rstrip('/')}/_sim/secret", timeout=20)
            answer.raise_for_status()
            told: dict[str, str] = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise StepFailed(f"the endpoint does not say whom it lets in: {type(error).__name__}") from None
        return {**told, "endpoint": self.endpoint.rstrip("/")}


@dataclass
class AwsAccount:
    """See `ground.Account`. `known` is the secret, None until there is a server."""

    shell: Shell
    session: boto3.Session
    known: dict[str, str] | None
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    wheels: Mapping[str, str] = field(default_factory=dict)

    @property
    def any_endpoint(self) -> bool:
        """Return whether the server is another than Meta's."""
        return self.known is None or "endpoint" in self.known

    def client(self, service: str) -> Any:
        """Return a client with the environment's credentials."""
        return self.session.client(service)  # type: ignore[call-overload]  # the service is not a literal here

    def prepare(self, name: str) -> str:
        """Deploy the receiver, where nothing else was named."""
        if self.known is not None:
            return ""
        outputs = self.shell.folder / "receiver.json"
        stack = _receiver(name)
        self._receiving(stack).cdk("deploy", stack, *self._app(), "--outputs-file", str(outputs))
        url = self.shell.outputs(outputs)[receiver.URL].rstrip("/")
        self.known = {"access_token": self.token, "ad_account_id": ACCOUNT_ID, "endpoint": url}
        return "a receiver that answers as Meta does, since no ENDPOINT was named"

    def operator(self, policies: Sequence[str]) -> tuple[Shell, str]:
        """Return the shell of the environment's credentials: a run makes no user in an account of yours."""
        return self.shell, "whoever deploys: no user is made in your account"

    def secret(self) -> dict[str, str]:
        """Return what lets in at the server."""
        if self.known is None:
            raise StepFailed("no server is there to send to")
        return self.known

    def received(self, audience: str) -> int | None:
        """Return None: the receiver keeps nothing."""
        return None

    def clean(self, name: str) -> None:
        """Destroy the receiver's stack, if there is one."""
        stack = _receiver(name)
        self._receiving(stack).cdk("destroy", stack, *self._app(), "--force")

    def _receiving(self, stack: str) -> Shell:
        """Return a shell in which the receiver's app finds its names."""
        digest = hashlib.sha256(self.token.encode()).hexdigest()
        more = {receiver.NAME: stack, receiver.TOKEN_SHA256: digest}
        return replace(self.shell, environment={**self.shell.environment, **more})

    def _app(self) -> list[str]:
        program = shlex.join([sys.executable, "-m", "smoke.receiver.app"])
        out = str(self.shell.folder / "receiver.out")
        return ["--app", program, "--output", out, "--require-approval", "never"]


def _receiver(name: str) -> str:
    return f"{name}-receiver"


@contextmanager
def on_aws(place: Place, target: Target) -> Iterator[AwsAccount]:
    """Use the account and region of the environment; raises StepFailed where there are none."""
    session = boto3.Session()
    if session.get_credentials() is None or not session.region_name:
        raise StepFailed("AWS=1 needs credentials and a region in the environment: AWS_PROFILE, AWS_REGION")
    runner = node.find()
    node.install_packages(runner)
    place.make()
    environment = {**cdk.environment(runner), "AWS_REGION": session.region_name}
    known = target.secret()
    yield AwsAccount(Shell(place.directory / "app", place.logs, environment, runner), session, known)
