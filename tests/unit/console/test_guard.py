"""Who may ask the console, and what a browser may do with its answers."""

from __future__ import annotations

import re

import pytest
import requests

from cli.console.confirmations import MOST, VALID_S, Asked, Confirmations
from cli.console.guard import POLICY
from tests.unit.console.fake import BLOCKED, FakeSource, Served

PATHS = ("/", "/runs", f"/runs/{BLOCKED}", "/audiences", "/platforms", "/queues", "/files", "/assets/run.css")


@pytest.mark.parametrize("path", PATHS)
def test_another_name_for_this_machine_is_refused(console: Served, path: str) -> None:
    """A site whose name was pointed to 127.0.0.1 sends that name as its host, with whatever cookies."""
    session = console.session()
    for host in ("evil.example", "evil.example:80", "127.0.0.1", ""):
        assert session.get(f"{console.url}{path}", headers={"Host": host}, timeout=30).status_code in (400, 421)


@pytest.mark.parametrize("path", PATHS)
def test_who_has_not_come_by_the_entrance_sees_nothing(console: Served, path: str) -> None:
    """Other users of the machine reach the port, but do not know the key."""
    for cookies in ({}, {f"activation_console_{console.guard.port}": "guessed"}, {"x": "\x01"}):
        answer = requests.get(f"{console.url}{path}", cookies=cookies, timeout=30)
        assert (answer.status_code, "VIP" in answer.text) == (403, False)
    assert requests.get(f"{console.url}/enter?key=guessed", timeout=30).status_code == 403
    assert requests.get(f"{console.url}/enter", timeout=30).status_code == 403


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(console: Served) -> None:
    """It says so in its attributes, and its name has the port, since cookies do not."""
    answer = requests.get(console.guard.entrance, allow_redirects=False, timeout=30)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"activation_console_{console.guard.port}=")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert answer.headers["location"] == "/"  # so that the key is not left in the address


@pytest.mark.parametrize("path", [*PATHS, "/nowhere", "/runs/unknown"])
def test_every_answer_has_the_content_policy(console: Served, path: str) -> None:
    """Also an error, and a refusal."""
    for answer in (
        console.session().get(f"{console.url}{path}", timeout=30),
        requests.get(console.url, timeout=30),
    ):
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert "unsafe" not in POLICY
    assert "http" not in POLICY


def asked(console: Served, session: requests.Session, subject: str = BLOCKED, action: str = "approve") -> str:
    """Return the token of a confirmation page."""
    page = session.get(f"{console.url}/do/{action}/{subject}", timeout=30).text
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def confirm(
    console: Served, session: requests.Session, token: str, path: str = f"approve/{BLOCKED}", **headers: str
) -> requests.Response:
    """Send the form of a confirmation page as a browser would."""
    told = {"Origin": console.url, "Sec-Fetch-Site": "same-origin"} | headers
    return session.post(f"{console.url}/do/{path}", data={"token": token}, headers=told, timeout=30)


def test_an_action_is_done_once_for_each_confirmation(console: Served, source: FakeSource) -> None:
    """Asking does nothing, and a form that is sent again, as by a reload, does nothing more."""
    session = console.session()
    token = asked(console, session)
    assert source.done == []
    assert "Approve was done." in confirm(console, session, token).text
    assert confirm(console, session, token).status_code == 409
    assert source.done == [("approve", BLOCKED)]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("approve/another", {}),
        ("redrive/meta", {}),
        (f"approve/{BLOCKED}", {"Origin": "http://evil.example"}),
        (f"approve/{BLOCKED}", {"Origin": "null"}),
        (f"approve/{BLOCKED}", {"Sec-Fetch-Site": "cross-site"}),
        (f"approve/{BLOCKED}", {"Sec-Fetch-Site": "same-site"}),
    ],
)
def test_a_token_is_for_one_action_on_one_subject_from_our_page(
    console: Served, source: FakeSource, path: str, headers: dict[str, str]
) -> None:
    """Another site's form, another run's and another action's do nothing."""
    session = console.session()
    assert confirm(console, session, asked(console, session), path, **headers).status_code in (403, 409)
    assert source.done == []


def test_a_form_without_an_origin_or_token_does_nothing(console: Served, source: FakeSource) -> None:
    """Every browser that is supported sends the origin of a form."""
    session = console.session()
    url = f"{console.url}/do/approve/{BLOCKED}"
    assert session.post(url, data={"token": asked(console, session)}, timeout=30).status_code == 403
    assert confirm(console, session, "guessed").status_code == 409
    assert session.post(url, headers={"Origin": console.url}, data={}, timeout=30).status_code == 409
    assert source.done == []


def test_no_action_is_done_by_a_link(console: Served, source: FakeSource) -> None:
    """What reads pages ahead, or a picture's address in another page, can at most be asked."""
    session = console.session()
    token = asked(console, session)
    session.get(f"{console.url}/do/approve/{BLOCKED}", params={"token": token}, timeout=30)
    session.head(f"{console.url}/do/approve/{BLOCKED}", params={"token": token}, timeout=30)
    assert source.done == []


@pytest.mark.parametrize(
    "path", ["/do/drop-everything/meta", "/do/redrive/nobody", "/assets/../app.py", "/assets/app.py"]
)
def test_what_is_not_offered_does_not_exist(console: Served, path: str) -> None:
    """Neither other actions nor other files."""
    assert console.session().get(f"{console.url}{path}", timeout=30).status_code == 404


def test_questions_are_forgotten_in_time() -> None:
    """A token holds for some minutes, and only so many are open."""
    now = 0.0
    open_ = Confirmations(clock=lambda: now)
    old, first = open_.ask(Asked("approve", "1")), open_.ask(Asked("approve", "2"))
    now = VALID_S
    assert open_.redeem(first, "approve") == Asked("approve", "2")
    now = VALID_S + 1
    assert open_.redeem(old, "approve") is None
    tokens = [open_.ask(Asked("approve", str(at))) for at in range(MOST + 1)]
    assert open_.redeem(tokens[0], "approve") is None
    assert open_.redeem(tokens[1], "approve") is not None
