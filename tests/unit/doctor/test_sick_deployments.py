"""`doctor` on a healthy deployment and on sick ones: each trouble is a line with what mends it.

The command and the daily function find the same, the one with Meta's SDK, the other without.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from activation.ledger.audiences import sizes_in
from activation.ledger.keys import NO_CONNECTOR
from typer.testing import CliRunner

from cli import deployment, today
from cli.__main__ import app
from lambdas.doctor.daily import App
from sandbox.platforms.meta.app import build
from sandbox.platforms.meta.settings import DEFAULT_APP
from sandbox.platforms.outside import Outside
from sandbox.platforms.server import running
from tests.unit.doctor.patient import KNOWN, Patient

Run = Callable[[Patient], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Serve the simulated Meta."""
    with running(build()) as served:
        yield served


FURTHER = "542676646350002"


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


def by_command(patient: Patient) -> list[dict[str, Any]]:
    """Run the command and return its findings; its exit code says whether a check failed."""
    patient.write_secret()
    result = CliRunner().invoke(app, ["doctor", "--connector", "meta", "--json"])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert patient.platform.secret()["access_token"] not in result.output
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == (0 if all(one["ok"] for one in found) else 1)
    return found


def by_function(patient: Patient) -> list[dict[str, Any]]:
    """Examine the app as the daily function does, and return the findings of the connector."""
    patient.write_secret()
    of_app = App.find(patient.client("cloudformation"), "audience-activation")

    def command(*words: str) -> str:
        return " ".join(("activation", *words))

    examined = dict(of_app.examine(command, lambda: 900.0, lambda: time.time() + patient.clock_off_s))
    assert patient.platform.secret()["access_token"] not in repr(examined)
    assert all(one.ok for one in examined[NO_CONNECTOR])
    return [asdict(one) for one in examined["meta"]]


@pytest.fixture(params=[by_command, by_function], ids=["command", "function"])
def run(request: pytest.FixtureRequest) -> Run:
    """Return how the deployment is examined."""
    way: Run = request.param
    return way


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
    ("secret of another account", aws(account="900000000000001"), "secret", False, ("another ad account",)),
    ("token expired", token(state="expired"), "token", False, ("it has expired", "Write a new token", "190/463")),
    ("token ends in a week", token(expires_at=IN_A_WEEK), "token", True, ("in 7 days", "system user")),
    ("permission missing", token(permissions=["ads_read"]), "permissions", False, ("ads_management",)),
    ("terms not accepted", account(terms_accepted=False), "terms", False, ("tos/?act=542676646350001",)),
    ("account disabled", account(account_status=2), "account", False, ("disabled", "accountquality?act=")),
    ("audience flagged", audience(operation_status=471), "audiences", False, ("'VIP' is flagged", "rename")),
    ("audience expires", audience(operation_status=100), "audiences", True, ("two years", "an active ad set")),
    (
        "audience restricted",
        audience(operation_status=471, fields_violating_integrity_policy=["description"]),
        "audiences",
        False,
        ("'VIP' is flagged", "Meta objects to its description"),
    ),
    (
        "deletion announced",
        audience(operation_status=100, delete_time=1_803_000_000),
        "audiences",
        True,
        ("Meta says on 2027-02-19", "an active ad set"),
    ),
    ("no delivery", audience(delivery_status=400), "audiences", True, ("'VIP' cannot be used", "status 400")),
    ("other schema", audience(schema_style="HASHES_OR_USER_IDS"), "audiences", False, ("another name",)),
    ("dead letters", aws(dead=3), "dead letters", False, ("3: ", "redrive --connector meta")),
    ("rule off", aws(rule="DISABLED"), "rule", False, ("aws events enable-rule --name drops",)),
    ("mapping off", aws(mapping="Disabled"), "mapping", False, ("--uuid 0a1b --enabled",)),
    (
        "source sends no events",
        aws(sources=[{"name": "lake", "bucket": "example-lake"}], sends_events=False),
        "source lake, events",
        False,
        ("not sent to EventBridge", "switch it on"),
    ),
    ("clock wrong", clock, "clock", False, ("by 60", "NTP")),
    ("account blocked", held, "rate limit", True, ("asked to wait", "was not asked")),
]


def test_a_healthy_deployment_passes(patient: Patient, run: Run) -> None:
    """Every check is in order, and none warns."""
    found = run(patient)
    assert all(one["ok"] and not one["warns"] for one in found)
    assert {"secret", "token", "permissions", "account", "terms", "audiences"} <= {one["check"] for one in found}
    shown("healthy", found)


@pytest.mark.parametrize("sick", SICK, ids=[one[0] for one in SICK])
def test_a_sick_deployment_is_told_what_mends_it(
    patient: Patient, run: Run, monkeypatch: pytest.MonkeyPatch, sick: Sick
) -> None:
    """One trouble is one line, with the command or the link that mends it."""
    trouble, sicken, check, warns, says = sick
    sicken(patient)
    if patient.clock_off_s:
        monkeypatch.setattr(today, "now", lambda: time.time() + patient.clock_off_s)
    found = run(patient)
    shown(trouble, found)
    bad = [one for one in found if not one["ok"] or one["warns"]]
    assert [(one["check"], one["warns"]) for one in bad] == [(check, warns)]
    assert all(part in bad[0]["says"] for part in says), bad[0]["says"]


def test_a_mistake_of_ours_does_not_hide_what_else_is_wrong(
    patient: Patient, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A platform's checks that raise what nobody expected are a finding, and the line is examined all the same."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("a value of somebody")

    monkeypatch.setattr("lambdas.meta.checks._examine", broken)
    patient.dead = 3
    found = run(patient)
    assert [one["check"] for one in found if not one["ok"]] == ["doctor", "dead letters"]
    (stopped,) = (one["says"] for one in found if one["check"] == "doctor")
    assert "unexpected_error, ZeroDivisionError at test_sick_deployments.py:" in stopped
    assert "somebody" not in stopped


def shown(name: str, found: list[dict[str, Any]]) -> None:
    """Print the lines of a deployment that need somebody, or that there are none: see `pytest -s`."""
    bad = [one for one in found if not one["ok"] or one["warns"]]
    for one in bad or [{"ok": True, "warns": False, "check": f"{len(found)} checks", "says": "in order"}]:
        word = "FAIL" if not one["ok"] else "warn" if one["warns"] else "ok"
        print(f"{name:<22} {word:<4}  {one['check']}: {one['says']}")


RENEWS = {"options": {"renew_token": "user"}, "more": {"app_id": DEFAULT_APP}}


def test_a_token_is_renewed_by_whoever_examines_it(patient: Patient, run: Run) -> None:
    """The secret holds a new token, which the platform accepts, and the line says until when it is valid."""
    vars(patient).update(RENEWS)
    patient.platform.configure(tokens=[{"expires_at": int(time.time()) + 20 * 86_400}])
    found = run(patient)
    assert all(one["ok"] and not one["warns"] for one in found)
    (renewal,) = (one for one in found if one["check"] == "renewal")
    end = datetime.fromtimestamp(time.time() + 60 * 86_400, tz=UTC)
    assert renewal["says"] == f"valid until {end:%Y-%m-%d}"
    secret = json.loads(patient.secrets.get_secret_value(SecretId="secret")["SecretString"])
    assert secret["access_token"] != patient.platform.secret()["access_token"]
    (token_line,) = (one for one in found if one["check"] == "token")
    assert f"until {end:%Y-%m-%d}" in token_line["says"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"more": {}}, "the connector's secret lacks app_id"),
        ({"more": {"app_id": "999"}}, "refused: HTTP 400"),
    ],
    ids=["no app id", "another app"],
)
def test_a_renewal_that_fails_is_a_finding_and_leaves_the_token(
    patient: Patient, run: Run, changes: dict[str, Any], says: str
) -> None:
    """The old token is used for everything else, and stays in the secret."""
    vars(patient).update(RENEWS | changes)
    found = run(patient)
    bad = [one for one in found if not one["ok"]]
    assert [one["check"] for one in bad] == ["renewal"]
    assert says in bad[0]["says"]
    assert "stays in use" in bad[0]["says"]
    assert "secret set meta" in bad[0]["says"]
    secret = json.loads(patient.secrets.get_secret_value(SecretId="secret")["SecretString"])
    assert secret["access_token"] == patient.platform.secret()["access_token"]
    shown("renewal failed", found)


def test_the_daily_examination_records_the_size_of_our_audiences(patient: Patient) -> None:
    """One a day, the newest of the day; nothing of an audience that another team fills."""
    patient.platform.configure(audiences=[{"name": "VIP", "size": 10_000}, {"name": "Other", "size": 5_000}])
    by_function(patient)
    patient.platform.configure(audiences=[{"name": "VIP", "size": 20_000}])
    by_function(patient)
    (size,) = sizes_in(patient.table.items[f"{KNOWN}VIP"])
    assert (size.day, str(size)) == (datetime.now(UTC).date().isoformat(), "14,000 to 15,000")
    assert f"{KNOWN}Other" not in patient.table.items


def test_the_command_records_the_sizes_in_every_ad_account_that_was_filled(patient: Patient) -> None:
    """One token serves several: what is wrong with a further account is a warning that names it."""
    patient.platform.configure(
        accounts=[{}, {"id": FURTHER}],
        audiences=[{"name": "VIP", "size": 10_000}, {"name": "Brio", "account_id": FURTHER, "size": 20_000}],
    )
    here, there = f"{KNOWN}VIP", f"account#meta#{FURTHER}#known#Brio"
    patient.table.items[here] |= {"connector": {"S": "meta"}}
    patient.table.items[there] = {"pk": {"S": there}, "connector": {"S": "meta"}}
    assert all(one["ok"] for one in by_command(patient))
    assert [str(sizes_in(patient.table.items[one])[0]) for one in (here, there)] == [
        "7,000 to 7,100",
        "14,000 to 15,000",
    ]


def test_an_audience_of_another_team_is_no_finding(patient: Patient, run: Run) -> None:
    """An ad account is shared: only what the app has written to is looked after."""
    patient.platform.configure(audiences=[{"name": "Somebody else's", "operation_status": 471}])
    assert all(one["ok"] and not one["warns"] for one in run(patient))


def test_the_size_of_another_audience_of_the_same_name_is_not_recorded(patient: Patient) -> None:
    """Meta's names are not unique: where the id of ours is known, the size is that audience's."""
    patient.platform.configure(audiences=[{"name": "VIP", "size": 10_000}])
    patient.table.items[f"{KNOWN}VIP"]["audience_id"] = {"S": "1"}
    by_function(patient)
    assert sizes_in(patient.table.items[f"{KNOWN}VIP"]) == []
    (ours,) = [one for one in patient.platform.state()["audiences"] if one["name"] == "VIP"]
    patient.table.items[f"{KNOWN}VIP"]["audience_id"] = {"S": str(ours["id"])}
    by_function(patient)
    (size,) = sizes_in(patient.table.items[f"{KNOWN}VIP"])
    assert str(size) == "7,000 to 7,100"
