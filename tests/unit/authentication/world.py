"""A platform's token endpoint, a secret, a ledger table and a clock: what signers work with."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from activation.authentication.locking import TokenLock
from activation.authentication.signers import make_signer
from activation.authentication.store import SecretStore
from activation.authentication.tools import Signer, Tools
from activation.aws.table import ConditionalTable
from activation.platforms.authentication import Authentication, OAuth2Refresh
from activation.platforms.http import PooledHttp
from activation.platforms.request import Request

from tests.unit.authentication.token_endpoint import PATH, TokenEndpoint

START_S = 1_800_000_000.0
NAMES = itertools.count(1)
REQUEST = Request("users", "POST", "https://api.example/v1/users?a=b", {"Content-Type": "application/json"}, b"[]")


class Clock:
    """Unix seconds that pass only when somebody says so."""

    def __init__(self) -> None:
        self.now = START_S
        self.slept: list[float] = []
        self._lock = Lock()

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self.now += seconds

    def sleep(self, seconds: float) -> None:
        """Note how long somebody would sleep, and let the other threads go on."""
        with self._lock:
            self.slept.append(seconds)
        time.sleep(0.002)


class Watched:
    """A client whose calls can be listened to, and made to fail, before and after they take place."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.before: list[Callable[[str], None]] = []
        self.after: list[Callable[[str], None]] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)

        def call(**arguments: Any) -> Any:
            for listener in list(self.before):
                listener(name)
            answer = found(**arguments)
            for listener in list(self.after):
                listener(name)
            return answer

        return call


def failing(operation: str, error: Exception, *, times: int = 1_000_000) -> Callable[[str], None]:
    """Return a listener that fails one operation so many times."""
    left = itertools.count(times, -1)

    def listener(name: str) -> None:
        if name == operation and next(left) > 0:
            raise error

    return listener


def spec(**other: Any) -> OAuth2Refresh:
    """Return the platform's authentication; its own address is one that nobody answers at."""
    return OAuth2Refresh(f"https://platform.invalid{PATH}", **other)


@dataclass
class World:
    """One connector's secret at one platform; every `signer` is another process of the connector's functions."""

    secrets: Any
    dynamodb: Any
    endpoint: TokenEndpoint
    clock: Clock = field(default_factory=Clock)
    spec: Authentication = field(default_factory=spec)
    arn: str = ""

    def __post_init__(self) -> None:
        first = {
            "client_id": self.endpoint.client[0],
            "client_secret": self.endpoint.client[1],
            "refresh_token": self.endpoint.current,
            "ad_account_id": 12345678901234567890,
            "developer_token": "d3v",
        }
        made = self.secrets.create_secret(Name=f"secret{next(NAMES)}", SecretString=json.dumps(first))
        self.arn = made["ARN"]

    def store(self) -> SecretStore:
        """Return a new process's store of the secret."""
        return SecretStore(self.secrets, self.arn, clock=self.clock)

    def tools(self, **other: Any) -> Tools:
        """Return a new process's tools."""
        table = ConditionalTable(self.dynamodb, "ledger")
        given: dict[str, Any] = {
            "http": PooledHttp(connections=2, connect_timeout_s=2.0),
            "store": self.store(),
            "lock": TokenLock.of(table, "tiny", self.arn, clock=self.clock),
            "endpoint": self.endpoint.url,
            "clock": self.clock,
            "sleep": self.clock.sleep,
        }
        return Tools(**(given | other))

    def signer(self, **other: Any) -> Signer:
        """Start a process of its own: nothing is shared with any other but AWS and the platform."""
        tools = self.tools(**other)
        return make_signer(self.spec, tools.store.read(), tools)

    def secret(self) -> dict[str, Any]:
        """Return what the secret holds."""
        text = self.secrets.get_secret_value(SecretId=self.arn)["SecretString"]
        values: dict[str, Any] = json.loads(text)
        return values

    def write(self, **changes: object) -> None:
        """Change keys of the secret, as an operator does."""
        self.secrets.put_secret_value(SecretId=self.arn, SecretString=json.dumps(self.secret() | changes))


def token(signer: Signer) -> str:
    """Return the access token that a signer puts on a request."""
    return signer.sign(REQUEST).headers["Authorization"].removeprefix("Bearer ")
