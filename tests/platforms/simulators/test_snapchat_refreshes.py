"""Twenty functions of one connector that need a token at once: none is left without one, and no token is lost."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import boto3
import pytest
from activation.aws.table import ConditionalTable
from activation.platforms.http import PooledHttp
from activation.platforms.options import complete
from activation.platforms.request import Request
from activation.runs.secret import ConnectorSecret
from moto import mock_aws

from lambdas.snapchat.platform import PLATFORM
from lambdas.snapchat.publisher import SnapchatPublisher
from sandbox.platforms.outside import Outside
from tests.unit.line.table_in_memory import Table

FUNCTIONS = 20
T = TypeVar("T")
every_rotation = pytest.mark.parametrize("rotation", ["strict", "lenient", "off"])


@dataclass
class Function:
    """A function's own process: it shares the secret and the ledger table with the others, and nothing else."""

    secret: ConnectorSecret
    http: PooledHttp

    refused: tuple[Request, int] | None = None

    def ask(self) -> tuple[int, str]:
        """List the segments; returns the status and the access token."""
        request = SnapchatPublisher(self.secret.account()).page()
        self.refused = signed, _ = self.secret.sign(request)
        token = signed.headers["Authorization"].removeprefix("Bearer ")
        return self.http.send(signed, timeout_s=30).status, token

    def ask_again(self) -> tuple[int, str]:
        """List the segments with other credentials than those that were refused."""
        assert self.refused
        self.secret.renew(*self.refused)
        return self.ask()


@dataclass
class Connector:
    """A connector's secret in Secrets Manager, which holds what Snapchat's first consent gave."""

    client: Any
    arn: str
    table: Table

    def start(self) -> Function:
        """Start another function, with nothing in its caches."""
        http = PooledHttp(connections=1)
        table = ConditionalTable(self.table, "ledger")  # type: ignore[arg-type]  # as much of it as is called
        options = complete(PLATFORM.options, {})
        return Function(
            ConnectorSecret(
                PLATFORM, self.client, self.arn, table=table, http=http, options=options, any_endpoint=True
            ),
            http,
        )

    def held(self) -> dict[str, Any]:
        """Return what the secret holds."""
        held: dict[str, Any] = json.loads(self.client.get_secret_value(SecretId=self.arn)["SecretString"])
        return held


@pytest.fixture
def connector(snapchat: Outside, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connector]:
    """Return a connector; its table is not of moto, whose DynamoDB is not safe between threads."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("secretsmanager", region_name="us-east-1")
        made = client.create_secret(Name="snapchat", SecretString=json.dumps(snapchat.secret()))
        yield Connector(client, made["ARN"], Table())


def at_once(*acts: Callable[[], T]) -> list[T]:
    """Do all of it in threads that begin together."""
    barrier = threading.Barrier(len(acts), timeout=30)

    def act(one: Callable[[], T]) -> T:
        barrier.wait()
        return one()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(act, acts))


def check(snapchat: Outside, connector: Connector, first: Mapping[str, Any]) -> None:
    """Check that Snapchat's current refresh token is in the secret, and every other key as it was at `first`."""
    held, tokens = connector.held(), snapchat.state()["tokens"]
    assert hashlib.sha256(held["refresh_token"].encode()).hexdigest() == tokens["current_digest"]
    assert {**held, "issued": None, "refresh_token": None} == {**first, "issued": None, "refresh_token": None}
    assert tokens["refreshes_refused"] == 0


@every_rotation
@pytest.mark.parametrize("expires_in", [1_800, 30], ids=["shared", "too short to share"])
def test_functions_that_need_a_token_at_once_all_get_one(
    snapchat: Outside, connector: Connector, rotation: str, expires_in: int
) -> None:
    """Each gets a token that the API accepts: the one that the first has stored, or one of its own."""
    snapchat.configure(rotation=rotation, expires_in=expires_in)
    first = connector.held()
    came = at_once(*(connector.start().ask for _ in range(FUNCTIONS)))
    assert [status for status, _ in came] == [200] * FUNCTIONS
    # Where nothing is rotated nothing is stored; a token with less than a minute to live is not worth sharing.
    refreshes = 1 if rotation != "off" and expires_in > 60 else FUNCTIONS
    assert snapchat.state()["tokens"]["refreshes"] == len({token for _, token in came}) == refreshes
    check(snapchat, connector, first)


@every_rotation
def test_functions_that_are_refused_at_once_all_get_another_token(
    snapchat: Outside, connector: Connector, rotation: str
) -> None:
    """When Snapchat ends access tokens before their time, each function gets another that the API accepts."""
    snapchat.configure(rotation=rotation)
    first = connector.held()
    functions = [connector.start() for _ in range(FUNCTIONS)]
    before = {token for _, token in at_once(*(one.ask for one in functions))}
    snapchat.advance(1_800)
    refused = [one.ask() for one in functions]
    assert [status for status, _ in refused] == [401] * FUNCTIONS

    came = at_once(*(one.ask_again for one in functions))
    assert [status for status, _ in came] == [200] * FUNCTIONS
    assert not before & {token for _, token in came}
    assert snapchat.state()["tokens"]["refreshes"] == (2 if rotation != "off" else 2 * FUNCTIONS)
    check(snapchat, connector, first)
