"""`activation secret set` writes what the connector can read, and never shows a value."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import typer
from activation.platforms.discovery import platforms
from activation.platforms.platform import Platform
from moto import mock_aws
from typer.testing import CliRunner, Result

from cli import __main__ as main
from cli import deployment, secret, secret_store
from cli.__main__ import app
from cli.deployment import Deployment
from lambdas.doctor.addresses import ConnectorAddresses
from sandbox import state
from sandbox.processes import Process
from tests.platforms.signing import canary, secret_of

PLATFORMS = platforms()
META = {"access_token": "tOkEn-0123456789", "ad_account_id": "act_42"}
REGION = "eu-west-1"

each_platform = pytest.mark.parametrize("platform", PLATFORMS.values(), ids=PLATFORMS)


@dataclass
class Account:
    """An account with a secret that has no value yet, and a connector for it of every platform."""

    arn: str
    any_endpoint: bool = False

    def find(self) -> Deployment:
        """Describe what is deployed."""
        addresses = ConnectorAddresses(self.arn, "queue", "dead", "undelivered", "function", "rule")
        return Deployment(
            "drops",
            "receipts",
            "ledger",
            "archive",
            dict.fromkeys(PLATFORMS, addresses),
            any_endpoint=self.any_endpoint,
        )

    def set(self, *arguments: str, given: str = "") -> Result:
        """Run the command; nothing of what it is given may be in what it prints."""
        result = CliRunner().invoke(app, ["secret", "set", *arguments], input=given)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert META["access_token"] not in result.output
        assert "cAnArY" not in result.output
        return result

    def text(self) -> str | None:
        """Return the secret's text, None if it was never written."""
        version = secret_store.read(self.arn)
        return version.text if version else None

    def held(self) -> Any:
        """Return what the secret holds."""
        return json.loads(self.text() or "null")


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Account]:
    """Return an account for the command to find, in a folder without settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        made = Account(boto3.client("secretsmanager").create_secret(Name="own")["ARN"])
        monkeypatch.setattr(deployment, "find", made.find)
        yield made


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """Make standard input a terminal; return what is asked there, and whether the answer is hidden."""
    asked: list[tuple[str, bool]] = []
    prompt = typer.prompt

    def noting(text: str, *, hide_input: bool, **options: Any) -> Any:
        asked.append((text, hide_input))
        return prompt(text, hide_input=hide_input, **options)

    monkeypatch.setattr(secret, "_is_terminal", lambda: True)
    monkeypatch.setattr(typer, "prompt", noting)
    return asked


@each_platform
def test_a_secret_comes_from_a_pipe(account: Account, platform: Platform) -> None:
    """A JSON object on standard input is the whole secret; what is to be run next is said."""
    given = secret_of(platform)
    result = account.set(platform.name, given=json.dumps(given))
    assert result.exit_code == 0, result.output
    assert account.held() == given
    assert f"doctor --connector {platform.name}" in result.output


def test_a_secret_comes_from_a_file(account: Account, tmp_path: Path) -> None:
    """A byte order mark, as Windows writes it, is no part of the file."""
    file = tmp_path / "secret.json"
    file.write_text(json.dumps(META), encoding="utf-8-sig")
    assert account.set("meta", "--file", str(file)).exit_code == 0
    assert account.held() == META


@each_platform
def test_a_secret_without_one_of_its_fields_is_not_written(account: Account, platform: Platform) -> None:
    """The field is named, whichever it is, and what the secret held before stays."""
    given = secret_of(platform)
    for key in (platform.account.key, *platform.authentication.required_keys):
        result = account.set(platform.name, given=json.dumps({**given, key: ""}))
        assert result.exit_code == 1
        assert f"nothing was written: the connector's secret lacks {key}\n" in result.output
    assert account.text() is None


@each_platform
def test_all_missing_fields_are_named_at_once(account: Account, platform: Platform) -> None:
    """Nobody has to write a secret once for each of its fields to learn their names."""
    result = account.set(platform.name, given="{}")
    assert result.exit_code == 1
    needed = dict.fromkeys((platform.account.key, *platform.authentication.required_keys))
    assert f"the connector's secret lacks {', '.join(needed)}\n" in result.output


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (META["access_token"], "is not a JSON object"),
        (json.dumps([META]), "is not a JSON object"),
        (json.dumps({**META, "access_token": f"{META['access_token']} x"}), "access_token in"),
        (json.dumps({**META, "ad_account_id": "mine"}), "ad_account_id in"),
        (json.dumps({**META, "endpoint": "https://elsewhere.example"}), "names another server"),
    ],
    ids=["token alone", "list", "space in a token", "account", "diverted"],
)
def test_what_the_connector_could_not_use_is_not_written(account: Account, given: str, says: str) -> None:
    """The connector's own reader judges the secret, before anything is written."""
    result = account.set("meta", given=given)
    assert result.exit_code == 1
    assert says in result.output
    assert account.text() is None


def test_a_secret_of_another_account_is_not_written(account: Account, tmp_path: Path) -> None:
    """Where the settings name the ad account, the secret has to be for it."""
    connector = {"name": "meta", "platform": "meta", "account": "7"}
    settings = {"audience_activation": {"connectors": [connector]}}
    (tmp_path / "cdk.context.json").write_text(json.dumps(settings))
    result = account.set("meta", given=json.dumps(META))
    assert result.exit_code == 1
    assert "another ad account" in result.output
    assert account.text() is None


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the commands be those of a sandbox with a simulator of Meta; return the simulator's address."""
    simulator = Process("meta", 1, 4711, "")
    monkeypatch.setattr(main, "_sandbox_environment", dict)
    monkeypatch.setattr(state, "load", lambda place: state.State((simulator,)))
    monkeypatch.setattr(main, "require_checkout", lambda: None)
    return simulator.url


def set_in_sandbox(given: object, connector: str = "meta") -> Result:
    """Run the command with --sandbox."""
    return CliRunner().invoke(app, ["--sandbox", "secret", "set", connector], input=json.dumps(given))


@pytest.mark.parametrize("connector", ["meta", "meta_conversions"])
def test_in_the_sandbox_the_endpoint_is_the_simulators(account: Account, sandbox: str, connector: str) -> None:
    """A secret without an endpoint gets that of the platform's simulator, and not the real platform's."""
    account.any_endpoint = True
    given = {key: text for key, text in secret_of(PLATFORMS[connector]).items() if key != "endpoint"}
    result = set_in_sandbox(given, connector)
    assert result.exit_code == 0, result.output
    assert account.held() == {**given, "endpoint": sandbox}
    assert f"endpoint is the simulator's, {sandbox}" in result.output


@pytest.mark.parametrize(
    ("connector", "given", "says"),
    [
        ("meta", {**META, "endpoint": "https://graph.facebook.com"}, "a server outside this machine"),
        ("tiktok", {"access_token": "x", "advertiser_id": "1"}, "needs endpoint"),
    ],
)
def test_in_the_sandbox_no_other_server_is_written(
    account: Account, sandbox: str, connector: str, given: dict[str, str], says: str
) -> None:
    """Neither a real platform's address, nor none where no simulator would stand in for the platform."""
    account.any_endpoint = True
    result = set_in_sandbox(given, connector)
    assert result.exit_code == 1
    assert says in result.output
    assert account.text() is None


def test_another_account_than_before_is_said(account: Account) -> None:
    """The old account's audiences are not the new one's; the prefix of an id makes no other account."""
    assert account.set("meta", given=json.dumps(META)).exit_code == 0
    assert "another ad account" not in account.set("meta", given=json.dumps({**META, "ad_account_id": 42})).output
    changed = account.set("meta", given=json.dumps({**META, "ad_account_id": "act_7"}))
    assert "another ad account than before: ad_account_id was 42 and is now 7" in changed.output


def test_one_field_is_written_and_the_others_are_kept(account: Account) -> None:
    """A renewed token replaces the old one, in the spelling that the secret has, without its line end."""
    boto3.client("secretsmanager").put_secret_value(
        SecretId=account.arn, SecretString=json.dumps({"ACCESS_TOKEN": "old", "ad_account_id": 42, "note": "x"})
    )
    result = account.set("meta", "--field", "access_token", given=f"{META['access_token']}\n")
    assert result.exit_code == 0, result.output
    assert account.held() == {"ACCESS_TOKEN": META["access_token"], "ad_account_id": 42, "note": "x"}
    assert "does not use note" in result.output


def test_one_field_alone_makes_no_secret(account: Account) -> None:
    """Into an empty secret all that the platform needs has to be written at once."""
    result = account.set("meta", "--field", "access_token", given=META["access_token"])
    assert result.exit_code == 1
    assert "lacks ad_account_id" in result.output
    assert account.text() is None


def test_a_field_that_no_platform_knows_is_refused(account: Account) -> None:
    """A misspelt name would stand in the secret and be read by nobody."""
    result = account.set("meta", "--field", "acess_token", given=META["access_token"])
    assert result.exit_code == 2
    assert "access_token" in result.output


def test_a_token_on_the_command_line_is_refused_and_not_repeated(account: Account) -> None:
    """It would stand in the shell's history and in the list of processes."""
    result = account.set("meta", META["access_token"])
    assert result.exit_code == 2
    assert "never written on the command line" in " ".join(result.output.replace("│", " ").split())


def test_each_field_is_asked_for_without_showing_it(account: Account, terminal: list[tuple[str, bool]]) -> None:
    """Only the ad account's id is shown; what is optional may stay empty."""
    result = account.set("meta", given=f"act_42\n{META['access_token']}\n\n")
    assert result.exit_code == 0, result.stderr
    assert account.held() == META
    assert terminal == [
        ("ad_account_id", False),
        ("access_token (not shown)", True),
        ("app_secret (not shown, optional)", True),
    ]


def test_an_empty_answer_keeps_what_is_there(account: Account, terminal: list[tuple[str, bool]]) -> None:
    """Whoever renews a token need not type the rest again."""
    boto3.client("secretsmanager").put_secret_value(
        SecretId=account.arn, SecretString=json.dumps({**META, "access_token": "old"})
    )
    assert account.set("meta", given=f"\n{META['access_token']}\n\n").exit_code == 0
    assert account.held() == META
    assert terminal[0] == ("ad_account_id (Enter keeps it)", False)


def test_a_parameter_keeps_its_key(account: Account) -> None:
    """SSM would encrypt a parameter that is written without naming its key with the account's default one."""
    ssm, key = boto3.client("ssm"), boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
    ssm.put_parameter(Name="/activation/meta", Value="{}", Type="SecureString", KeyId=key)
    account.arn = ssm.get_parameter(Name="/activation/meta")["Parameter"]["ARN"]
    result = account.set("meta", given=json.dumps(META))
    assert result.exit_code == 0, result.output
    assert account.held() == META
    (found,) = ssm.describe_parameters()["Parameters"]
    assert (found["KeyId"], found["Type"]) == (key, "SecureString")


def test_scripts_get_one_object(account: Account) -> None:
    """With --json: the connector, its fields and the next command, and no value."""
    result = account.set("meta", "--json", given=json.dumps(META))
    said = json.loads(result.stdout)
    assert (said["connector"], said["fields"]) == ("meta", ["access_token", "ad_account_id"])
    assert canary("access_token") not in result.stdout
