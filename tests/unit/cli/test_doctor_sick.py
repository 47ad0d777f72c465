"""`doctor` on a healthy deployment and on sick ones: each trouble is a line with what mends it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner

from cli import deployment, today
from cli.__main__ import app
from cli.deployment import ConnectorAddresses, Deployment
from sandbox.platforms.meta.app import build
from sandbox.platforms.outside import Outside
from sandbox.platforms.server import running
from tests.unit.line.aws_in_memory import Secrets, meta_of
from tests.unit.line.table_in_memory import Table

KNOWN = "account#meta#542676646350001#known#"


@dataclass
class Patient:
    """A deployed connector of Meta, healthy until a test changes it."""

    platform: Outside
    secrets: Secrets = field(default_factory=Secrets)
    table: Table = field(default_factory=Table)
    rule: str = "ENABLED"
    mapping: str = "Enabled"
    dead: int = 0
    written: bool = True
    clock_off_s: float = 0.0

    def describe_rule(self, **_: object) -> dict[str, str]:
        """Describe the connector's rule."""
        return {"State": self.rule}

    def get_queue_attributes(self, *, QueueUrl: str, **_: object) -> dict[str, dict[str, str]]:
        """Count the messages of a queue."""
        return {"Attributes": {"ApproximateNumberOfMessages": str(self.dead if QueueUrl == "dead" else 0)}}

    def list_event_source_mappings(self, **_: object) -> dict[str, list[dict[str, str]]]:
        """Describe what calls the function."""
        return {"EventSourceMappings": [{"State": self.mapping, "UUID": "0a1b"}]}

    def client(self, service: str, **_: object) -> Any:
        """Return a client, as boto3 does."""
        own: Mapping[str, Any] = {"secretsmanager": self.secrets, "dynamodb": self.table}
        made = own.get(service, self)
        made.meta = meta_of(service)
        return made

    def find(self) -> Deployment:
        """Describe what is deployed."""
        secret = {**self.platform.secret(), "endpoint": self.platform.base_url}
        text = json.dumps(secret) if self.written else ""
        self.secrets.create_secret(Name="secret", SecretString=text)
        addresses = ConnectorAddresses("secret", "queue", "dead", "undelivered", "function", "arn:rule/drops")
        told = {"meta": addresses}
        return Deployment("drops", "receipts", "ledger", "archive", told, {"meta": "meta"}, any_endpoint=True)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Serve the simulated Meta."""
    with running(build()) as served:
        yield served


@pytest.fixture
def patient(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Patient:
    """Return a healthy deployment for the command to find."""
    meta = Outside(url)
    meta.reset()
    one = Patient(meta)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(boto3, "client", one.client)
    monkeypatch.setattr(deployment, "find", one.find)
    # The ledger knows the audience that the app has filled.
    one.table.items[f"{KNOWN}VIP"] = {"pk": {"S": f"{KNOWN}VIP"}, "last_written_at": {"N": "1"}}
    return one


def examined(patient: Patient) -> tuple[int, list[dict[str, Any]]]:
    """Run the command; return its exit code and findings."""
    result = CliRunner().invoke(app, ["doctor", "--connector", "meta", "--json"])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert patient.platform.secret()["access_token"] not in result.output
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


def account(**changes: Any) -> Callable[[Patient], None]:
    """Return what changes the ad account."""
    return lambda one: one.platform.configure(accounts=[changes])


def token(**changes: Any) -> Callable[[Patient], None]:
    """Return what changes the token."""
    return lambda one: one.platform.configure(tokens=[changes])


def audience(**changes: Any) -> Callable[[Patient], None]:
    """Return what changes the app's audience."""
    return lambda one: one.platform.configure(audiences=[{"name": "VIP", **changes}])


def aws(**changes: Any) -> Callable[[Patient], None]:
    """Return what changes the connector's line."""
    return lambda one: vars(one).update(changes)


def clock(one: Patient) -> None:
    """Set the clock here ten minutes ahead."""
    one.clock_off_s = 600


def held(one: Patient) -> None:
    """Let Meta have asked to wait for ten minutes."""
    pk = "account#meta#542676646350001"
    one.table.items[pk] = {"pk": {"S": pk}, "not_before": {"N": str(time.time() + 600)}}


IN_A_WEEK = int(time.time()) + 7 * 86_400 + 3600
# What is wrong, the check that finds it, whether it only warns, and what its line says.
Sick = tuple[str, Callable[[Patient], None], str, bool, tuple[str, ...]]
SICK: list[Sick] = [
    ("secret not written", aws(written=False), "secret", False, ("secret set meta",)),
    ("token expired", token(state="expired"), "token", False, ("it has expired", "Write a new token", "190/463")),
    ("token ends in a week", token(expires_at=IN_A_WEEK), "token", True, ("in 7 days", "system user")),
    ("permission missing", token(permissions=["ads_read"]), "permissions", False, ("ads_management",)),
    ("terms not accepted", account(terms_accepted=False), "terms", False, ("tos/?act=542676646350001",)),
    ("account disabled", account(account_status=2), "account", False, ("disabled", "accountquality?act=")),
    ("audience flagged", audience(operation_status=471), "audiences", False, ("'VIP' is flagged", "rename")),
    ("audience expires", audience(operation_status=100), "audiences", True, ("two years", "an active ad set")),
    ("other schema", audience(schema_style="HASHES_OR_USER_IDS"), "audiences", False, ("another name",)),
    ("dead letters", aws(dead=3), "dead letters", False, ("3: ", "redrive --connector meta")),
    ("rule off", aws(rule="DISABLED"), "rule", False, ("aws events enable-rule --name drops",)),
    ("mapping off", aws(mapping="Disabled"), "mapping", False, ("--uuid 0a1b --enabled",)),
    ("clock wrong", clock, "clock", False, ("by 60", "NTP")),
    ("account blocked", held, "rate limit", True, ("asked to wait", "was not asked")),
]


def test_a_healthy_deployment_passes(patient: Patient) -> None:
    """Every check is in order, none warns, and the exit code says so."""
    code, found = examined(patient)
    assert code == 0
    assert all(one["ok"] and not one["warns"] for one in found)
    assert {"secret", "token", "permissions", "account", "terms", "audiences"} <= {one["check"] for one in found}
    shown("healthy", found)


@pytest.mark.parametrize("sick", SICK, ids=[one[0] for one in SICK])
def test_a_sick_deployment_is_told_what_mends_it(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, sick: Sick
) -> None:
    """One trouble is one line, with the command or the link that mends it; a failure is exit code 1."""
    trouble, sicken, check, warns, says = sick
    sicken(patient)
    if patient.clock_off_s:
        monkeypatch.setattr(today, "now", lambda: time.time() + patient.clock_off_s)
    code, found = examined(patient)
    shown(trouble, found)
    bad = [one for one in found if not one["ok"] or one["warns"]]
    assert [(one["check"], one["warns"]) for one in bad] == [(check, warns)]
    assert code == (0 if warns else 1)
    assert all(part in bad[0]["says"] for part in says), bad[0]["says"]


def shown(name: str, found: list[dict[str, Any]]) -> None:
    """Print the lines of a deployment that need somebody, or that there are none: see `pytest -s`."""
    bad = [one for one in found if not one["ok"] or one["warns"]]
    for one in bad or [{"ok": True, "warns": False, "check": f"{len(found)} checks", "says": "in order"}]:
        word = "FAIL" if not one["ok"] else "warn" if one["warns"] else "ok"
        print(f"{name:<22} {word:<4}  {one['check']}: {one['says']}")


def test_an_audience_of_another_team_is_no_finding(patient: Patient) -> None:
    """An ad account is shared: only what the app has written to is looked after."""
    patient.platform.configure(audiences=[{"name": "Somebody else's", "operation_status": 471}])
    code, found = examined(patient)
    assert code == 0
    assert all(one["ok"] and not one["warns"] for one in found)
