"""Who may call the simulated Meta, over plain HTTP: versions, tokens, proofs, rights and accounts."""

import hashlib
import hmac

import pytest
import requests

from sandbox.platforms.meta.settings import NEWEST, OPEN
from sandbox.platforms.outside import Outside
from tests.platforms.simulators.meta_client import Client, code_of


@pytest.fixture
def client(meta: Outside) -> Client:
    """Return a client with the default secret."""
    return Client.of(meta)


@pytest.mark.parametrize("version", OPEN)
def test_every_open_version_is_served(client: Client, version: str) -> None:
    """A call to a version that Meta still offers is answered as one to that version."""
    answer = client.ask("GET", client.account, version=version)
    assert (answer.status_code, answer.headers["facebook-api-version"]) == (200, version)


def test_a_version_that_has_ended_is_upgraded_or_refused(client: Client) -> None:
    """A retired version is answered by the newest with a warning; for an app that opted out it is code 2635."""
    client.meta.configure(auto_upgrade=False)
    assert code_of(client.ask("GET", client.account, version="v24.0"))[0] == 2635
    client.meta.configure(auto_upgrade=True)
    answer = client.ask("GET", client.account, version="v24.0")
    assert (answer.status_code, answer.headers["facebook-api-version"]) == (200, NEWEST)
    assert NEWEST in answer.headers["x-ad-api-version-warning"]


def test_a_version_that_is_not_released_is_no_path(client: Client) -> None:
    """A version newer than the newest is answered as an unknown path."""
    assert code_of(client.ask("GET", client.account, version="v99.0"))[0] == 2500


def test_next_page_carries_the_token(client: Client) -> None:
    """As Meta's does, `paging.next` holds the token; the last page has cursors and no next."""
    for number in range(3):
        client.create(name=f"audience {number}")
    page = client.ask("GET", f"{client.account}/customaudiences", params={"limit": 2, "fields": "id,name"}).json()
    assert client.token in page["paging"]["next"]
    last = requests.get(page["paging"]["next"], timeout=30).json()
    assert [one["name"] for one in page["data"] + last["data"]] == ["audience 2", "audience 1", "audience 0"]
    assert set(last["paging"]) == {"cursors"}


def test_tokens_in_every_place_and_none(client: Client) -> None:
    """A token works in the header or as a parameter; without one it is code 104."""
    url = f"{client.meta.base_url}/v27.0/{client.account}"
    assert requests.get(url, params={"access_token": client.token}, timeout=30).status_code == 200
    assert code_of(requests.get(url, timeout=30)) == (104, None)


def test_app_secret_proof(client: Client) -> None:
    """A right proof passes, with or without a time; none is refused when the app requires one."""
    client.meta.configure(require_appsecret_proof=True)
    secret = client.meta.secret()["app_secret"].encode()

    def proof(message: str) -> str:
        return hmac.new(secret, message.encode(), hashlib.sha256).hexdigest()

    plain = {"appsecret_proof": proof(client.token)}
    timed = {"appsecret_proof": proof(f"{client.token}|1700000000"), "appsecret_time": "1700000000"}
    assert client.ask("GET", client.account, params=plain).status_code == 200
    assert client.ask("GET", client.account, params=timed).status_code == 200
    assert code_of(client.ask("GET", client.account)) == (100, None)


def test_rights(client: Client) -> None:
    """A token without the account is 100/33, without the permission 294; a disabled account is not written to."""
    wanted = {"name": "VIP", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}

    def write() -> tuple[int, int | None]:
        return code_of(client.ask("POST", f"{client.account}/customaudiences", json=wanted))

    client.meta.configure(tokens=[{"accounts": []}])
    assert write() == (100, 33)
    client.meta.configure(tokens=[{"accounts": None, "permissions": ["ads_read"]}])
    assert write()[0] == 294
    client.meta.configure(tokens=[{"permissions": ["ads_management"]}], accounts=[{"account_status": 2}])
    assert write() == (2654, 1713092)


def test_second_account_and_token(client: Client) -> None:
    """Accounts and tokens added by a test live beside the default ones, each with its own audiences."""
    client.meta.configure(accounts=[{"id": "77"}], tokens=[{"token": "second", "accounts": ["77"]}])
    second = Client(client.meta, "second", "act_77")
    second.create(name="theirs")
    assert client.ask("GET", f"{client.account}/customaudiences").json() == {"data": []}
    assert len(second.ask("GET", "act_77/customaudiences").json()["data"]) == 1
    assert code_of(second.ask("GET", client.account)) == (100, 33)
