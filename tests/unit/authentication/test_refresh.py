"""Access tokens from a refresh token that stays the same: fetched, kept, replaced in time, and refused."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from activation.authentication.endpoint import token_url
from activation.errors import ConfigError, Retryable

from tests.unit.authentication.token_endpoint import Fault
from tests.unit.authentication.world import REQUEST, World, token

Make = Callable[..., World]
HTML = Fault(200, b"<html>Access denied</html>")


def test_a_token_is_fetched_once_and_put_on_every_request(make_world: Make) -> None:
    """The request keeps everything else it has."""
    world = make_world()
    signer = world.signer()
    signed = signer.sign(REQUEST)
    assert signed.headers == {"Content-Type": "application/json", "Authorization": "Bearer access-t0ken-1"}
    assert (signed.url, signed.body, signed.method, REQUEST.headers) == (
        REQUEST.url, REQUEST.body, REQUEST.method, {"Content-Type": "application/json"},
    )  # fmt: skip
    assert token(signer) == "access-t0ken-1"
    assert world.endpoint.forms == [
        {
            "grant_type": "refresh_token",
            "refresh_token": "refresh-0",
            "client_id": "client-1",
            "client_secret": "s3cret/+",
        }
    ]


def test_the_client_is_named_in_the_form_or_in_a_header(make_world: Make) -> None:
    """HTTP Basic carries id and secret form-encoded, and the form then has neither."""
    world = make_world(client_in="basic", form={"scope": "ads offline"}, headers={"User-Agent": "aws:app:1"})
    assert token(world.signer()) == "access-t0ken-1"
    form = {"grant_type": "refresh_token", "refresh_token": "refresh-0", "scope": "ads offline"}
    assert world.endpoint.forms == [form]
    sent = world.endpoint.headers[0]
    assert sent["user-agent"] == "aws:app:1"
    assert base64.b64decode(sent["authorization"].removeprefix("Basic ")) == b"client-1:s3cret%2F%2B"


def test_headers_of_the_api_come_from_the_secret(make_world: Make) -> None:
    """A developer token goes with every request to the API, and with none to the token endpoint."""
    world = make_world(secret_headers={"DeveloperToken": "developer_token"}, prefix="Token ", header="X-Auth")
    headers = world.signer().sign(REQUEST).headers
    assert (headers["DeveloperToken"], headers["X-Auth"]) == ("d3v", "Token access-t0ken-1")
    assert "developertoken" not in world.endpoint.headers[0]
    world.write(developer_token="")
    with pytest.raises(ConfigError, match="developer_token"):
        world.signer()


@pytest.mark.parametrize(
    ("url", "endpoint", "asked"),
    [
        ("https://login.example/v2/token", "", "https://login.example/v2/token"),
        ("https://login.example/v2/token", "http://127.0.0.1:8000", "http://127.0.0.1:8000/v2/token"),
        ("https://login.example/token", "https://proxy.example/snap", "https://proxy.example/snap/token"),
    ],
)
def test_a_secrets_endpoint_serves_the_token_requests_too(url: str, endpoint: str, asked: str) -> None:
    """The path is the platform's own."""
    assert token_url(url, endpoint) == asked


@pytest.mark.parametrize("expires_in", [1800, "1800", 1800.0])
def test_a_token_is_replaced_shortly_before_it_expires(make_world: Make, expires_in: object) -> None:
    """`expires_in` is trusted, as a number and as a text."""
    world = make_world(expires_in=expires_in, refresh_early_s=60)
    signer = world.signer()
    token(signer)
    world.clock.pass_s(1739)
    assert token(signer) == "access-t0ken-1"
    world.clock.pass_s(1)
    assert token(signer) == "access-t0ken-2"


@pytest.mark.parametrize("expires_in", [None, 0, -5, "soon", True])
def test_a_token_of_unknown_life_is_given_the_default(make_world: Make, expires_in: object) -> None:
    """An answer without a usable `expires_in` is no reason to ask for each request."""
    world = make_world(expires_in=expires_in, default_expires_s=600, refresh_early_s=60)
    signer = world.signer()
    token(signer)
    world.clock.pass_s(539)
    assert token(signer) == "access-t0ken-1"
    world.clock.pass_s(1)
    assert token(signer) == "access-t0ken-2"


def test_a_very_short_lived_token_is_used_for_half_its_life(make_world: Make) -> None:
    """Replacing it a minute early would be to fetch one for every request."""
    world = make_world(expires_in=20, refresh_early_s=60)
    signer = world.signer()
    token(signer)
    world.clock.pass_s(9)
    assert token(signer) == "access-t0ken-1"
    world.clock.pass_s(1)
    assert token(signer) == "access-t0ken-2"


def test_a_token_that_cannot_be_replaced_early_is_used_to_its_end(make_world: Make) -> None:
    """The endpoint has its minute to come back, and is not asked for every request meanwhile."""
    world = make_world()
    signer = world.signer()
    token(signer)
    world.endpoint.faults += [Fault(503)] * 3
    world.clock.pass_s(1745)
    for _ in range(3):
        assert token(signer) == "access-t0ken-1"
    assert world.endpoint.calls == 2
    world.clock.pass_s(6)
    assert token(signer) == "access-t0ken-1"
    assert world.endpoint.calls == 3
    world.clock.pass_s(60)
    with pytest.raises(Retryable):
        token(signer)
    assert token(signer) == "access-t0ken-2"


@pytest.mark.parametrize(
    ("fault", "after_s"),
    [
        (Fault(500), 30),
        (Fault(503, b"Service Unavailable", {"Retry-After": "120"}), 120),
        (Fault(503, headers={"Retry-After": "1000000"}), 3600),
        (Fault(503, headers={"Retry-After": "Sun, 29 Nov 2026 10:00:00 GMT"}), 30),
        (Fault(429, {"error": "invalid_request"}, {"Retry-After": "7"}), 7),
        (Fault(400, {"error": "temporarily_unavailable"}), 30),
        (Fault(403, b"<html>blocked</html>"), 30),
        (HTML, 30),
        (Fault(200, {}), 30),
        (Fault(200, {"access_token": ""}), 30),
        (Fault(200, {"access_token": "two words"}), 30),
        (Fault(200, {"access_token": "a\r\nX-Forged: 1"}), 30),
        (Fault(200, {"access_token": "good", "refresh_token": 7}), 30),
        (Fault(302, b"", {"Location": "https://elsewhere.invalid"}), 30),
        (Fault(404, {"error": "not_found"}), 30),
        (Fault(400, {"error": {"code": 2, "is_transient": True}}), 30),
        (Fault(drop=True), 30),
        (Fault(drop=True, applied=True), 30),
    ],
)
def test_an_endpoint_without_a_usable_answer_is_asked_again_later(
    make_world: Make, fault: Fault, after_s: float
) -> None:
    """Down, throttled, cut off, HTML or without a usable token: nothing of it says that the secret is wrong."""
    world = make_world()
    signer = world.signer()
    world.endpoint.faults.append(fault)
    with pytest.raises(Retryable) as error:
        token(signer)
    assert (error.value.code, error.value.after_s) == ("token_endpoint", after_s)
    assert token(signer).startswith("access-t0ken-")


def test_an_endpoint_that_cannot_be_reached_is_asked_again_later(make_world: Make) -> None:
    """A refused connection does not make the secret wrong either."""
    world = make_world()
    world.endpoint.url = "http://127.0.0.1:1"
    with pytest.raises(Retryable, match="could not be reached"):
        token(world.signer())


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(400, {"error": "invalid_grant"}), ["invalid_grant", "authorise the app again"]),
        (Fault(401, {"error": "invalid_client"}), ["invalid_client", "client id and secret"]),
        (Fault(400, {"error": "unauthorized_client"}), ["unauthorized_client", "client id and secret"]),
        (Fault(401, {"code": 2, "message": "Authentication failed."}), ["HTTP 401"]),
        (Fault(400, {"error": "t0ken"}), ["HTTP 400"]),
    ],
)
def test_a_secret_that_is_refused_is_read_again_before_the_error(
    make_world: Make, fault: Fault, words: list[str]
) -> None:
    """Nothing new in it: the error names what was refused, and the platform was asked once."""
    world = make_world()
    signer = world.signer()
    world.endpoint.faults.append(fault)
    with pytest.raises(ConfigError) as error:
        token(signer)
    assert error.value.code == "token_refused"
    assert all(word in error.value.sentence for word in words)
    assert "t0ken" not in error.value.sentence
    assert world.endpoint.calls == 1


def test_a_refresh_token_that_an_operator_has_replaced_is_picked_up_after_a_refusal(make_world: Make) -> None:
    """The secret is read past the cache, and the new one used at once."""
    world = make_world()
    signer = world.signer()
    world.endpoint.current = "refresh-new"
    world.write(refresh_token="refresh-new")
    assert token(signer) == "access-t0ken-1"
    assert [form["refresh_token"] for form in world.endpoint.forms] == ["refresh-0", "refresh-new"]


def test_a_new_secret_that_is_refused_as_well_needs_the_operator_again(make_world: Make) -> None:
    """It is tried once."""
    world = make_world()
    signer = world.signer()
    world.endpoint.current = "another"
    world.write(refresh_token="refresh-new")
    with pytest.raises(ConfigError, match="token_refused"):
        token(signer)
    assert world.endpoint.calls == 2


def test_a_refused_access_token_is_dropped_and_the_next_request_gets_another(make_world: Make) -> None:
    """There is always something to fetch."""
    world = make_world()
    signer = world.signer()
    refused = signer.sign(REQUEST)
    assert signer.in_use(refused)
    assert signer.renew(refused) is True
    assert not signer.in_use(refused)
    assert token(signer) == "access-t0ken-2"
    assert not signer.in_use(refused)
    assert signer.renew() is True
    assert token(signer) == "access-t0ken-3"


def test_threads_refused_with_the_same_token_get_one_new_one(make_world: Make) -> None:
    """Who is late finds that another thread has renewed it."""
    world = make_world()
    signer = world.signer()
    refused = [signer.sign(REQUEST) for _ in range(4)]
    tokens = set()
    for one in refused:
        signer.renew(one)
        tokens.add(token(signer))
    assert tokens == {"access-t0ken-2"}
    assert world.endpoint.calls == 2


def test_threads_that_need_a_token_at_once_wait_for_one_call(make_world: Make) -> None:
    """A process asks once, whatever the number of its threads."""
    world = make_world()
    signer = world.signer()
    barrier = threading.Barrier(8, timeout=10)

    def sign(_: int) -> str:
        barrier.wait()
        return token(signer)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(sign, range(8))) == {"access-t0ken-1"}
    assert world.endpoint.calls == 1


def test_threads_that_waited_for_a_failing_call_fail_with_it(make_world: Make) -> None:
    """They do not each wait for the endpoint's silence in turn."""
    world = make_world()
    waiting = threading.Barrier(8, timeout=10)
    tools = world.tools()

    class Slow:
        """Lets every thread arrive before it fails."""

        def send(self, request: object, *, timeout_s: float) -> object:
            threading.Event().wait(0.3)
            return tools.http.send(request, timeout_s=timeout_s)  # type: ignore[arg-type]  # a Request

    signer = world.signer(http=Slow())
    world.endpoint.faults += [Fault(503)] * 8

    def sign(_: int) -> Retryable:
        waiting.wait()
        with pytest.raises(Retryable) as error:
            token(signer)
        return error.value

    with ThreadPoolExecutor(8) as pool:
        errors = list(pool.map(sign, range(8)))
    assert world.endpoint.calls == 1
    assert len({id(error) for error in errors}) == 8
    world.endpoint.faults.clear()
    assert token(signer) == "access-t0ken-1"


def test_a_refresh_token_that_comes_back_unasked_is_reported_and_not_written(
    make_world: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """The function has no permission to write a secret whose platform is not said to rotate."""
    world = make_world("strict", rotates=False)
    before = world.secret()
    token(world.signer())
    assert world.secret() == before
    assert "new refresh token" in caplog.text
    assert "t0ken-" not in caplog.text
