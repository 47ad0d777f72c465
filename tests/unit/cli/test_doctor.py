"""`doctor` takes the secrets that the connector takes, and never shows a token, whatever goes wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import pytest
from activation.aws import sdk
from activation.platforms.discovery import platforms
from activation.platforms.platform import Finding, Platform
from typer.testing import CliRunner

from cli import deployment
from cli.__main__ import app
from cli.deployment import Deployment
from lambdas.doctor.addresses import ConnectorAddresses
from sandbox.platforms.outside import Outside
from sandbox.platforms.server import running
from sandbox.platforms.snapchat.app import build
from tests.platforms.signing import canary, secret_of
from tests.unit.line.aws_in_memory import Secrets, meta_of, refusal
from tests.unit.line.table_in_memory import Table

TOKEN = "tOkEn-0123456789"
CLOSED = "http://127.0.0.1:9"  # the discard port: nobody listens

ROTATING = [one for one in platforms().values() if one.authentication.rotates]

each_platform = pytest.mark.parametrize("platform", platforms().values(), ids=platforms())


LINE = {"rule", "mapping", "queue", "dead letters", "undelivered"}


class InOrder:
    """EventBridge, SQS and Lambda with a line that is as it was deployed."""

    def describe_rule(self, **_: object) -> dict[str, str]:
        """Describe a rule that is on."""
        return {"State": "ENABLED"}

    def get_queue_attributes(self, **_: object) -> dict[str, dict[str, str]]:
        """Describe an empty queue."""
        return {"Attributes": {"ApproximateNumberOfMessages": "0"}}

    def list_event_source_mappings(self, **_: object) -> dict[str, list[dict[str, str]]]:
        """Describe a mapping that is on."""
        return {"EventSourceMappings": [{"State": "Enabled", "UUID": "1"}]}


@dataclass
class Account:
    """An AWS account with one secret, and a connector for it of every platform, under the platform's name."""

    secrets: Secrets = field(default_factory=Secrets)
    any_endpoint: bool = True

    def client(self, service: str, **_: object) -> Any:
        """Return a client, as boto3 does."""
        made: Any = {"secretsmanager": self.secrets, "dynamodb": Table()}.get(service) or InOrder()
        made.meta = meta_of(service)
        return made

    def find(self) -> Deployment:
        """Describe what is deployed."""
        addresses = ConnectorAddresses("secret", "queue", "dead", "undelivered", "function", "rule")
        named = dict.fromkeys(platforms(), addresses)
        return Deployment("drops", "receipts", "ledger", "archive", named, any_endpoint=self.any_endpoint)

    def examine(self, platform: str, secret: dict[str, Any] | str | None) -> list[Finding]:
        """Run the command over a platform's connector with this secret, and return what it found.

        Its exit code says whether all is well, and no token is in what it prints.
        """
        text = json.dumps(secret) if isinstance(secret, dict) else secret
        self.secrets.create_secret(Name="secret", SecretString=text)
        result = CliRunner().invoke(app, ["doctor", "--connector", platform, "--json"])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert TOKEN not in result.output
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        assert {line.pop("connector") for line in lines} == {platform}
        findings = [Finding(**line) for line in lines]
        assert result.exit_code == (0 if all(one.ok for one in findings) else 1)
        return [one for one in findings if one.check not in LINE]


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Account:
    """Return an account for the command to find, in a folder without settings."""
    one = Account()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(boto3, "client", one.client)
    monkeypatch.setattr(deployment, "find", one.find)
    return one


@pytest.fixture
def nonsense() -> Iterator[str]:
    """Return the address of a server that answers every request with JSON of no platform's shape."""
    with serving(200, ["hello"]) as url:
        yield url


@contextmanager
def serving(status: int, document: object) -> Iterator[str]:
    """Yield the address of a server that answers every request with this status and JSON."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the standard library's name
            """Log nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@each_platform
def test_a_platform_out_of_reach_is_a_finding_without_the_secret(account: Account, platform: Platform) -> None:
    """Whoever's library it is that fails to connect, nothing that the secret holds is in what it says."""
    secret = secret_of(platform)
    good, *others = account.examine(platform.name, secret | {"endpoint": CLOSED})
    assert (good.check, good.ok) == ("secret", True)
    assert others
    assert not any(one.ok for one in others)
    assert not any(canary(key) in repr(others) for key in secret)


@each_platform
def test_another_server_is_a_finding_where_none_is_allowed(account: Account, platform: Platform) -> None:
    """A secret that would divert people fails, and nothing is asked of that server."""
    account.any_endpoint = False
    good, found = account.examine(platform.name, secret_of(platform) | {"endpoint": "https://elsewhere.example"})
    assert (good.check, good.ok) == ("secret", True)
    assert (found.check, found.ok) == ("secret", False)
    assert "names another server" in found.says


def test_meta_out_of_reach_is_told_without_its_address(account: Account) -> None:
    """A failed connection's text has the URL in it, and one of the URLs the token."""
    secret = {"access_token": TOKEN, "ad_account_id": "1", "endpoint": CLOSED}
    _, finding = account.examine("meta", secret)
    assert (finding.check, finding.ok) == ("meta", False)
    assert finding.says.startswith("cannot be reached: ConnectionError: check the network")
    assert finding.says.endswith("secret set meta corrects")


@pytest.mark.parametrize(
    ("platform", "status", "document"),
    [
        ("meta", 400, {"error": {"code": 190, "type": "OAuthException", "message": "x"}}),
        ("meta_conversions", 400, {"error": {"code": 190, "type": "OAuthException", "message": "x"}}),
        ("tiktok", 200, {"code": 40105, "message": "x", "request_id": "1"}),
    ],
)
def test_a_token_that_is_rejected_names_the_command_that_writes_it(
    account: Account, platform: str, status: int, document: object
) -> None:
    """Whoever reads that a token is not valid has read what to type."""
    with serving(status, document) as url:
        _, *found = account.examine(platform, secret_of(platforms()[platform]) | {"endpoint": url})
    (token,) = (one for one in found if one.check == "token")
    assert not token.ok
    assert token.says.endswith(f"secret set {platform}")


@pytest.mark.parametrize(
    "secret",
    [
        {"ACCESS_TOKEN": TOKEN, "AD_ACCOUNT_ID": "act_1", "ENDPOINT": CLOSED},
        {"access_token": f" {TOKEN}\n", "ad_account_id": 1, "endpoint": f"{CLOSED}/"},
    ],
)
def test_meta_s_keys_are_read_as_the_connector_reads_them(account: Account, secret: dict[str, object]) -> None:
    """Any case, white space around a value and an id as a number are no fault of the secret's."""
    assert [one.check for one in account.examine("meta", secret)] == ["secret", "meta"]


def test_tiktok_s_keys_are_read_as_the_connector_reads_them(account: Account) -> None:
    """A line break at the token's end is no part of it; sent as a header it would end the command."""
    secret = {" access_token": f"{TOKEN}\n", "advertiser_id": 7, "endpoint": CLOSED}
    _, finding = account.examine("tiktok", secret)
    assert (finding.check, finding.ok) == ("tiktok", False)
    assert finding.says.startswith("cannot be reached: NewConnectionError: check the network")


@pytest.mark.parametrize("platform", ROTATING, ids=lambda one: one.name)
def test_a_refresh_token_is_not_spent_by_somebody_who_may_not_store_the_next(
    account: Account, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The permission is the finding, before the platform is asked for anything."""
    write = account.secrets.put_secret_value

    def denied(**arguments: Any) -> object:
        if "ClientRequestToken" in arguments:
            raise refusal("PutSecretValue", "AccessDeniedException")
        return write(**arguments)

    monkeypatch.setattr(account.secrets, "put_secret_value", denied)
    _, finding = account.examine(platform.name, secret_of(platform) | {"endpoint": CLOSED})
    assert not finding.ok
    assert "secretsmanager:PutSecretValue" in finding.says
    assert "reached" not in finding.says


def test_an_access_token_that_ended_early_is_replaced_before_anything_is_said(account: Account) -> None:
    """The refresh token still works: nobody has to authorise the app again."""
    with running(build()) as url:
        snapchat = Outside(url)
        secret = {**snapchat.secret(), "endpoint": url}
        assert all(one.ok for one in account.examine("snapchat", secret))
        # What the first examination stored is good for half an hour by our clock, and has ended by the platform's.
        stored = account.secrets.get_secret_value(SecretId="secret")["SecretString"]
        snapchat.advance(3_600)
        assert all(one.ok for one in account.examine("snapchat", stored) if one.check != "clock")
        assert account.secrets.get_secret_value(SecretId="secret")["SecretString"] != stored


@each_platform
def test_an_answer_that_is_not_the_platform_s_is_a_finding(
    account: Account, platform: Platform, nonsense: str
) -> None:
    """Some other server at the endpoint is told, not stumbled over."""
    _, *others = account.examine(platform.name, secret_of(platform) | {"endpoint": nonsense})
    assert not others[-1].ok
    assert re.search("did not answer as|answered HTTP 200 without", others[-1].says)


@each_platform
def test_an_unusable_secret_names_the_key(account: Account, platform: Platform) -> None:
    """A secret without one of its keys says which, whichever it is."""
    secret = secret_of(platform) | {"endpoint": CLOSED}
    for key in (platform.account.key, *platform.authentication.required_keys):
        _, finding = account.examine(platform.name, {name: value for name, value in secret.items() if name != key})
        assert (finding.check, finding.ok) == ("secret", False)
        assert key in finding.says


@each_platform
@pytest.mark.parametrize("text", [TOKEN, f'["{TOKEN}"]', f'{{"access_token": "{TOKEN}"'])
def test_a_secret_that_is_no_object_is_not_shown(account: Account, platform: Platform, text: str) -> None:
    """A token pasted as it is, or with half a bracket, is no secret yet, and is not repeated."""
    (found,) = account.examine(platform.name, text)
    assert (found.check, found.ok) == ("secret", False)
    assert found.says.startswith("is not a JSON object: ")
    assert found.says.endswith(f"secret set {platform.name}")


@each_platform
@pytest.mark.parametrize("text", [None, ""], ids=["no version", "empty"])
def test_a_secret_that_was_never_written_is_said_with_what_writes_it(
    account: Account, platform: Platform, text: str | None
) -> None:
    """A deployment makes an empty secret: that is no mistake, and the next command is named."""
    (finding,) = account.examine(platform.name, text)
    assert not finding.ok
    assert finding.says.startswith("not written yet: ")
    assert finding.says.endswith(f"secret set {platform.name}")


@each_platform
@pytest.mark.parametrize("text", [" \n", "{}"], ids=["blank", "no fields"])
def test_a_secret_of_nothing_is_one_finding_with_what_writes_it(
    account: Account, platform: Platform, text: str
) -> None:
    """Nothing else is said of it, least of all that it is good."""
    (finding,) = account.examine(platform.name, text)
    assert not finding.ok
    assert finding.says.endswith(f"secret set {platform.name}")


def test_a_secret_that_is_not_there_is_not_taken_for_an_empty_one(account: Account) -> None:
    """For both AWS answers the same, but only one of them can be written."""
    result = CliRunner().invoke(app, ["doctor", "--connector", "meta", "--json"])
    assert json.loads(result.stdout.splitlines()[0])["says"] == "cannot be read: ResourceNotFoundException"
    assert account.secrets.versions == {}


def test_an_old_sdk_of_this_computer_is_its_own_to_renew(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings of the functions are not blamed for what is installed here."""
    monkeypatch.setattr(sdk, "NEEDED", {"secretsmanager": {"Teleport": frozenset()}})
    (finding,) = account.examine("meta", secret_of(platforms()["meta"]))
    assert not finding.ok
    assert "this computer's botocore" in finding.says
    assert "wheels.python" not in finding.says
