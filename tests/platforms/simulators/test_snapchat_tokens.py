"""The simulated Snapchat's token endpoint: rotation, expiry and refusals, over plain HTTP."""

import hashlib
import json

import pytest
import requests

from sandbox.platforms.outside import Outside
from tests.platforms.simulators.snapchat_client import Client, refresh


def digest(token: str) -> str:
    """Hash a token as the state does."""
    return hashlib.sha256(token.encode()).hexdigest()


def works(snapchat: Outside, access_token: str) -> bool:
    """Return whether the API accepts an access token."""
    account = snapchat.secret()["ad_account_id"]
    return Client(snapchat, account, access_token).ask("GET", f"adaccounts/{account}/segments").status_code == 200


def test_refresh_answers_both_tokens(snapchat: Outside) -> None:
    """A refresh answers a working access token, a refresh token, the seconds it lives and its type, not cached."""
    answer = refresh(snapchat)
    said = answer.json()
    assert (answer.status_code, said["expires_in"], said["token_type"]) == (200, 1800, "Bearer")
    assert said["refresh_token"] == snapchat.secret()["refresh_token"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert works(snapchat, said["access_token"])


def test_strict_rotation_spends_the_refresh_token(snapchat: Outside) -> None:
    """Each refresh token is good for one refresh; a refused one leaves the current one as it was."""
    first = snapchat.secret()["refresh_token"]
    second = refresh(snapchat, first).json()["refresh_token"]
    assert second != first
    refused = refresh(snapchat, first)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert refresh(snapchat, second).status_code == 200


def test_lenient_rotation_keeps_the_previous_until_the_new_is_used(snapchat: Outside) -> None:
    """The previous refresh token works again and again, until one that was issued for it is used."""
    snapchat.configure(rotation="lenient")
    first = snapchat.secret()["refresh_token"]
    second = refresh(snapchat, first).json()["refresh_token"]
    other = refresh(snapchat, first).json()["refresh_token"]
    assert len({first, second, other}) == 3
    assert refresh(snapchat, second).status_code == 200
    assert refresh(snapchat, first).json()["error"] == "invalid_grant"
    assert refresh(snapchat, other).status_code == 200


def test_without_rotation_the_refresh_token_stays(snapchat: Outside) -> None:
    """With rotation off every answer repeats the one refresh token."""
    snapchat.configure(rotation="off")
    first = snapchat.secret()["refresh_token"]
    assert [refresh(snapchat, first).json()["refresh_token"] for _ in range(3)] == [first] * 3
    assert snapchat.state()["tokens"]["refresh_tokens_issued"] == 1


def test_state_tells_refresh_tokens_apart_without_showing_them(snapchat: Outside) -> None:
    """The state counts refreshes and issued tokens, has a digest of the current one, and no token at all."""
    secret = snapchat.secret()
    answers = [refresh(snapchat).json() for _ in range(3)]
    refresh(snapchat, "unknown")
    state = snapchat.state()
    assert state["tokens"] == {
        "refresh_tokens_issued": 4,
        "refreshes": 3,
        "refreshes_refused": 1,
        "current_digest": digest(answers[-1]["refresh_token"]),
        "valid_digests": [digest(answers[-1]["refresh_token"])],
    }
    text = json.dumps([state, snapchat.requests()])
    tokens = [
        secret["refresh_token"],
        *(one[name] for one in answers for name in ("access_token", "refresh_token")),
    ]
    assert not [token for token in tokens if token in text]


def test_state_shows_every_valid_refresh_token_of_lenient_rotation(snapchat: Outside) -> None:
    """A client that holds another than the current refresh token can still be seen to hold a valid one."""
    snapchat.configure(rotation="lenient")
    first = snapchat.secret()["refresh_token"]
    second = refresh(snapchat, first).json()["refresh_token"]
    tokens = snapchat.state()["tokens"]
    assert tokens["valid_digests"] == [digest(first), digest(second)]
    assert tokens["current_digest"] == digest(second)


def test_access_token_expires_by_the_platforms_clock(snapchat: Outside) -> None:
    """An access token is refused from the second on that `expires_in` named, and a new one works."""
    snapchat.configure(expires_in=600)
    answer = refresh(snapchat).json()
    assert answer["expires_in"] == 600
    snapchat.advance(590)
    assert works(snapchat, answer["access_token"])
    snapchat.advance(10)
    assert not works(snapchat, answer["access_token"])
    assert works(snapchat, refresh(snapchat).json()["access_token"])


def test_refresh_does_not_end_earlier_access_tokens(snapchat: Outside) -> None:
    """Two access tokens of one consent work side by side."""
    first, second = (refresh(snapchat).json()["access_token"] for _ in range(2))
    assert works(snapchat, first)
    assert works(snapchat, second)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer 0.unknown", "Basic {}", "{}"])
def test_tokens_the_api_refuses(snapchat: Outside, header: str) -> None:
    """Without a token, or with one that is unknown or no bearer token, the API answers 401 in plain text."""
    access_token = refresh(snapchat).json()["access_token"]
    url = f"{snapchat.base_url}/v1/adaccounts/{snapchat.secret()['ad_account_id']}/segments"
    answer = requests.get(url, headers={"Authorization": header.format(access_token)}, timeout=30)
    assert (answer.status_code, answer.text) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert requests.get(url, timeout=30).status_code == 401


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"client_id": "another"}, 401, "invalid_client"),
        ({"client_secret": "another"}, 401, "invalid_client"),
        ({"client_secret": None}, 401, "invalid_client"),
        ({"refresh_token": "unknown"}, 400, "invalid_grant"),
        ({"refresh_token": None}, 400, "invalid_request"),
        ({"grant_type": None}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
    ids=[
        "client id",
        "client secret",
        "no secret",
        "refresh token",
        "no refresh token",
        "no grant",
        "other grant",
    ],
)
def test_refused_refreshes(snapchat: Outside, change: dict[str, str | None], status: int, error: str) -> None:
    """A refresh is refused with RFC 6749's status and error, and the refresh token is not spent."""
    answer = refresh(snapchat, **change)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert refresh(snapchat).status_code == 200


def test_refresh_has_to_be_a_form(snapchat: Outside) -> None:
    """Parameters as JSON, in the query or given twice are an invalid request."""
    secret = snapchat.secret()
    names = ("client_id", "client_secret", "refresh_token")
    form = {"grant_type": "refresh_token", **{name: secret[name] for name in names}}
    url = f"{snapchat.base_url}/login/oauth2/access_token"
    twice = [*form.items(), ("refresh_token", secret["refresh_token"])]
    answers = [
        requests.post(url, json=form, timeout=30),
        requests.post(url, params=form, timeout=30),
        requests.post(url, data=twice, timeout=30),
    ]
    assert [(one.status_code, one.json()["error"]) for one in answers] == [(400, "invalid_request")] * 3
    assert requests.get(url, params=form, timeout=30).status_code == 405


def test_consent_withdrawn(snapchat: Outside) -> None:
    """After the user withdrew their consent neither a refresh nor the API works, with tokens that were good."""
    access_token = refresh(snapchat).json()["access_token"]
    snapchat.configure(revoked=True)
    assert refresh(snapchat).json()["error"] == "invalid_grant"
    assert not works(snapchat, access_token)


def test_refresh_whose_answer_was_lost(snapchat: Outside) -> None:
    """A refresh dropped after it was applied spends the token: strict rotation then knows no way back."""
    first = snapchat.secret()["refresh_token"]
    snapchat.fail({"route": "/login/oauth2", "drop": "after"})
    with pytest.raises(requests.ConnectionError):
        refresh(snapchat, first)
    assert refresh(snapchat, first).json()["error"] == "invalid_grant"
    assert snapchat.state()["tokens"]["refresh_tokens_issued"] == 2


def test_journal_of_refreshes(snapchat: Outside) -> None:
    """A refresh has its row in the journal: applied, or with the error it was refused with."""
    refresh(snapchat)
    refresh(snapchat, "unknown")
    good, bad = snapchat.requests("/login/oauth2")
    assert (good["applied"], good["rows"], good["note"]) == (True, 0, {})
    assert (bad["applied"], bad["status"], bad["note"]) == (False, 400, {"error": "invalid_grant"})


def test_reset_returns_to_the_first_refresh_token(snapchat: Outside) -> None:
    """After a reset only the refresh token of the start is valid, and no access token."""
    first = snapchat.secret()["refresh_token"]
    access_token = refresh(snapchat).json()["access_token"]
    snapchat.reset()
    assert snapchat.secret()["refresh_token"] == first
    assert not works(snapchat, access_token)
    assert refresh(snapchat, first).status_code == 200
