"""The face all simulators share: journal, faults, clock, settings and state."""

import hashlib
import json
import subprocess
import sys
import time
from typing import Any

import pytest
import requests

from sandbox.platforms.outside import Outside

ROWS = [[hashlib.sha256(str(number).encode()).hexdigest()] for number in range(3)]


@pytest.fixture
def audience(meta: Outside) -> str:
    """Return the URL of a new audience's users."""
    return new_audience(meta)


def new_audience(meta: Outside) -> str:
    """Create an audience, and return the URL of its users."""
    wanted = {"name": "VIP", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}
    account = meta.secret()["ad_account_id"]
    answer = requests.post(
        f"{meta.base_url}/v27.0/act_{account}/customaudiences", headers=bearer(meta), json=wanted, timeout=10
    )
    return f"{meta.base_url}/v27.0/{answer.json()['id']}/users"


def bearer(meta: Outside) -> dict[str, str]:
    """Return the header that carries the token."""
    return {"Authorization": f"Bearer {meta.secret()['access_token']}"}


def upload(meta: Outside, url: str, rows: list[Any] = ROWS, timeout_s: float = 10) -> requests.Response:
    """Add rows to the audience."""
    body = {"payload": {"schema": ["EMAIL"], "data": rows}}
    return requests.post(url, headers=bearer(meta), json=body, timeout=timeout_s)


def test_journal_has_a_row_for_every_call(meta: Outside, audience: str) -> None:
    """A call's row has route, status, rows, time and the digest of the rows exactly as sent."""
    upload(meta, audience)
    upload(meta, audience, [["not a hash"]])
    first, second = meta.requests("/users")
    compact = json.dumps(ROWS, separators=(",", ":"))
    assert first["digest"] == hashlib.sha256(compact.encode()).hexdigest()
    assert (first["method"], first["status"], first["rows"], first["applied"]) == ("POST", 200, 3, True)
    assert first["time"] <= second["time"]
    assert second["digest"] != first["digest"]


def test_calls_that_carry_a_watched_text_are_marked(meta: Outside, audience: str) -> None:
    """Only calls made while the text is watched are marked, a refused one too; a reset ends the watch."""
    upload(meta, audience)
    meta.watch(ROWS[1][0])
    meta.fail({"route": "/users", "status": 500})
    for rows in (ROWS, ROWS, ROWS[:1]):
        upload(meta, audience, rows)
    assert [one["watched"] for one in meta.requests("/users")] == [False, True, True, False]
    meta.reset()
    upload(meta, new_audience(meta))
    assert not any(one["watched"] for one in meta.requests())


def test_dropped_before_nothing_is_applied(meta: Outside, audience: str) -> None:
    """`before` closes the connection; the journal knows of it and the audience does not."""
    meta.fail({"route": "/users", "drop": "before"})
    with pytest.raises(requests.ConnectionError):
        upload(meta, audience)
    (row,) = meta.requests("/users")
    assert (row["status"], row["applied"], row["fault"], row["rows"]) == (0, False, "before", 3)
    assert meta.audience("VIP")["count"] == 0


def test_dropped_after_it_was_applied(meta: Outside, audience: str) -> None:
    """`after` applies the call and loses its answer; the same rows sent again show in the journal only."""
    meta.fail({"route": "/users", "drop": "after"})
    with pytest.raises(requests.ConnectionError):
        upload(meta, audience)
    assert upload(meta, audience).status_code == 200
    first, second = meta.requests("/users")
    assert (first["status"], first["applied"]) == (0, True)
    assert first["digest"] == second["digest"]
    assert meta.audience("VIP")["count"] == 3


def test_scripted_answers_come_in_order(meta: Outside, audience: str) -> None:
    """`skip` lets calls pass, `times` strikes so many, each fault with an answer of its own."""
    meta.fail(
        {"route": "POST /v27.0", "skip": 1, "times": 2, "status": 503, "body": "<html>", "headers": {"X-A": "b"}},
        {"route": "/users", "skip": 1, "times": 1, "status": 400, "body": {"error": {"code": 2}}},
    )
    answers = [upload(meta, audience) for _ in range(5)]
    assert [one.status_code for one in answers] == [200, 503, 503, 400, 200]
    assert (answers[1].text, answers[1].headers["X-A"]) == ("<html>", "b")
    assert answers[3].json() == {"error": {"code": 2}}
    assert [one["applied"] for one in meta.requests("/users")] == [True, False, False, False, True]


def test_faults_for_ever_until_a_new_script(meta: Outside, audience: str) -> None:
    """`times` null strikes every call until another script is put in its place."""
    meta.fail({"route": "/users", "times": None, "status": 500})
    assert [upload(meta, audience).status_code for _ in range(3)] == [500, 500, 500]
    meta.fail()
    assert upload(meta, audience).status_code == 200


def test_delay_alone_applies_and_answers(meta: Outside, audience: str) -> None:
    """A delay holds the answer back, also from a client that has gone, and the rows are applied."""
    meta.fail({"route": "/users", "delay_s": 0.4})
    with pytest.raises(requests.Timeout):
        upload(meta, audience, timeout_s=0.1)
    deadline = time.monotonic() + 5
    while not meta.audience("VIP")["count"] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert meta.audience("VIP")["count"] == 3


def test_a_delayed_call_is_forgotten_with_the_platform(meta: Outside, audience: str) -> None:
    """After a reset nothing of the time before arrives, though audiences have the same ids again."""
    meta.fail({"route": "/users", "delay_s": 0.6})
    with pytest.raises(requests.Timeout):
        upload(meta, audience, timeout_s=0.1)
    meta.reset()
    assert new_audience(meta) == audience
    time.sleep(1)
    assert meta.audience("VIP")["count"] == 0


def test_delayed_calls_do_not_hold_up_others(meta: Outside, audience: str) -> None:
    """While one call waits, the face and other calls are answered."""
    meta.fail({"route": "/users", "delay_s": 1.5})
    with pytest.raises(requests.Timeout):
        upload(meta, audience, timeout_s=0.1)
    started = time.monotonic()
    upload(meta, audience)
    assert time.monotonic() - started < 1
    while meta.state(members=False)["counters"]["applied"] < 3:  # or it would be applied within another test
        assert time.monotonic() - started < 10
        time.sleep(0.05)


def test_latency(meta: Outside, audience: str) -> None:
    """`latency_s` makes every answer of the platform take that long."""
    meta.configure(latency_s=0.3)
    started = time.monotonic()
    upload(meta, audience)
    assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize(
    ("what", "body", "named"),
    [
        ("faults", [{"rout": "/users"}], "rout"),
        ("faults", [{"drop": "sideways"}], "drop"),
        ("faults", {"route": "/users"}, "list"),
        ("config", {"tier": "gold"}, "tier"),
        ("config", {"teir": "full"}, "teir"),
        ("config", {"accounts": [{"nam": "x"}]}, "nam"),
        ("clock", {"advance_s": -1}, "advance_s"),
        ("watch", [""], "texts"),
    ],
)
def test_mistakes_of_a_test_are_named(meta: Outside, what: str, body: Any, named: str) -> None:
    """What the face cannot read is answered 400 with the name of the mistake."""
    answer = requests.post(f"{meta.base_url}/_sim/{what}", json=body, timeout=10)
    assert answer.status_code == 400
    assert named in answer.json()["error"]


def test_state_without_members_has_counts(meta: Outside, audience: str) -> None:
    """`members=0` leaves the members out and keeps their number; the counters add the calls up."""
    upload(meta, audience)
    state = meta.state(members=False)
    assert "members" not in state["audiences"][0]
    assert state["audiences"][0]["count"] == 3
    assert state["counters"] == {"requests": 2, "applied": 2, "faults": 0, "rows_applied": 3}


def test_reset_forgets_everything(meta: Outside, audience: str) -> None:
    """After a reset there is no audience, no journal, no fault, no setting, and the time is now."""
    meta.configure(tier="limited")
    meta.fail({"times": None, "status": 500})
    meta.advance(1e6)
    meta.reset()
    assert meta.state()["audiences"] == []
    assert meta.requests() == []
    assert abs(meta.state()["time"] - time.time()) < 60
    account = meta.secret()["ad_account_id"]
    answer = requests.get(f"{meta.base_url}/v27.0/act_{account}", headers=bearer(meta), timeout=10)
    assert answer.status_code == 200


def test_runs_as_a_program() -> None:
    """`python -m sandbox.platforms.meta` says its address first and serves until it is stopped."""
    command = [sys.executable, "-m", "sandbox.platforms.meta", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout is not None
            outside = Outside(program.stdout.readline().strip())
            assert outside.secret()["endpoint"] == outside.base_url
        finally:
            program.terminate()
    assert program.returncode is not None
