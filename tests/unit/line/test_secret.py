"""The connector's secret between runs and threads: accounts, signers, and what a refusal leads to."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any, cast

import pytest
from activation.authentication.endpoint import token_digest
from activation.aws.table import ConditionalTable
from activation.errors import ConfigError, Retryable
from activation.platforms.authentication import LongLivedToken, OAuth2Refresh, StaticToken
from activation.platforms.discovery import platforms
from activation.platforms.limits import Limits
from activation.platforms.platform import Platform
from activation.platforms.request import Answer, Request
from activation.runs.secret import SECRET_MAX_AGE_S, ConnectorSecret

from tests.unit.line.aws_in_memory import refusal
from tests.unit.line.tiny_publisher import platform_of
from tests.unit.line.watched_aws import Aws, Clock
from tests.unit.line.world import NAMES

LIMITS = Limits(max_rows=1, max_bytes=1)
ASKED = Request("find", "GET", "https://platform.example/audiences")


class Bench:
    """A secret that can be written, and a count of its reads."""

    def __init__(self, aws: Aws, platform: Platform, http: object = None) -> None:
        self.aws = aws
        self.reads = 0
        self.clock = Clock()
        self.fails: dict[str, str] = {}  # the error of each operation that fails
        self.arn = aws.secrets.create_secret(Name=f"secret{next(NAMES)}", SecretString=_secret("one"))["ARN"]
        aws.before.append(self._before)
        self.secret = ConnectorSecret(
            platform,
            aws.secrets,
            self.arn,
            table=ConditionalTable(aws.dynamodb, "ledger"),
            http=cast("Any", http),
            options={},
            any_endpoint=True,
            clock=self.clock,
            sleep=lambda _: None,
        )

    def _before(self, name: str, _: object) -> None:
        self.reads += name == "get_secret_value"
        if name in self.fails:
            raise refusal(name, self.fails[name])

    def write(self, text: str) -> None:
        """Write the secret."""
        self.aws.secrets.put_secret_value(SecretId=self.arn, SecretString=text)

    def written(self) -> dict[str, Any]:
        """Return what the secret holds."""
        values: dict[str, Any] = json.loads(self.aws.secrets.get_secret_value(SecretId=self.arn)["SecretString"])
        return values

    def signed(self) -> str:
        """Sign a request; returns the header's value."""
        return self.secret.sign(ASKED)[0].headers["Authorization"]

    def refused(self) -> None:
        """Sign a request, and have the platform refuse it."""
        self.secret.renew(*self.secret.sign(ASKED))


def _secret(token: str, account: str = "a") -> str:
    more = {"client_id": "id", "client_secret": "secret", "refresh_token": "refresh"}
    return json.dumps({"token": token, "account": account, **more})


@pytest.fixture
def bench(aws: Aws) -> Bench:
    """Return a fixture on fresh tables."""
    return Bench(aws, platform_of(LIMITS))


def test_the_secret_is_read_once_and_kept(bench: Bench) -> None:
    """Account and signer come from one read until the secret grows old."""
    assert bench.secret.account().account_id == "a"
    assert bench.signed() == bench.signed() == "Bearer one"
    assert bench.reads == 1


def test_one_secret_serves_several_accounts_one_run_after_the_other(bench: Bench) -> None:
    """A run may name its account; within the run nothing changes it."""
    assert bench.secret.account("b").account_id == "b"
    assert bench.secret.account().account_id == "b"
    bench.secret.begin()
    assert bench.secret.account("c").account_id == "c"
    bench.secret.begin()
    assert bench.secret.account().account_id == "a"


def test_threads_refused_together_read_the_secret_once(bench: Bench) -> None:
    """All go on with the one new token."""
    bench.secret.account()
    old = bench.secret.sign(ASKED)
    bench.write(_secret("two"))
    barrier = Barrier(4)

    def refused(_: int) -> object:
        barrier.wait()
        bench.secret.renew(*old)
        return bench.signed()

    with ThreadPoolExecutor(4) as pool:
        new = list(pool.map(refused, range(4)))
    assert new == ["Bearer two"] * 4
    assert bench.reads == 2


def test_a_secret_that_did_not_change_is_refused_and_each_run_may_ask_once_more(bench: Bench) -> None:
    """The next run may find what an operator has written since."""
    for _ in range(2):
        bench.secret.begin()
        bench.secret.account()
        with pytest.raises(ConfigError, match="token_refused"):
            bench.refused()
    bench.write(_secret("two"))
    with pytest.raises(ConfigError, match="token_refused"):
        bench.refused()
    bench.secret.begin()
    bench.secret.account()
    bench.refused()
    assert bench.signed() == "Bearer two"


def test_a_secret_of_another_account_is_not_gone_on_with(bench: Bench) -> None:
    """A refused token whose successor is another account's stops the run."""
    bench.secret.account()
    old = bench.secret.sign(ASKED)
    bench.write(_secret("two", account="b"))
    with pytest.raises(ConfigError, match="other_account"):
        bench.secret.renew(*old)


def test_a_malformed_secret_that_was_mended_is_good_at_once(bench: Bench) -> None:
    """What is kept in memory does not outlive an operator's correction."""
    bench.write("oops")
    with pytest.raises(ConfigError, match="bad_secret"):
        bench.secret.account()
    bench.write(_secret("two"))
    assert bench.secret.account()


def test_a_malformed_secret_that_was_mended_in_mid_run_is_good_at_once(bench: Bench) -> None:
    """The run stops for what it has read, and another thread finds the correction."""
    bench.secret.account()
    bench.write("oops")
    bench.clock.pass_s(SECRET_MAX_AGE_S + 1)
    with pytest.raises(ConfigError, match="bad_secret"):
        bench.signed()
    bench.write(_secret("two"))
    assert bench.signed() == "Bearer two"


def test_a_secret_that_was_read_again_in_mid_run_is_not_the_one_refused(bench: Bench) -> None:
    """A late refusal of the older token changes nothing, and leaves the run its look at a newer secret."""
    bench.secret.account()
    old = bench.secret.sign(ASKED)
    bench.write(_secret("two"))
    bench.clock.pass_s(SECRET_MAX_AGE_S + 1)
    assert bench.signed() == "Bearer two"
    bench.secret.renew(*old)
    assert bench.signed() == "Bearer two"
    bench.write(_secret("three"))
    bench.refused()
    assert bench.signed() == "Bearer three"


def test_a_secret_that_cannot_be_read_now_is_read_by_whoever_is_refused_next(bench: Bench) -> None:
    """A moment's failure of Secrets Manager is nobody's wrong token."""
    bench.secret.account()
    old = bench.secret.sign(ASKED)
    bench.write(_secret("two"))
    bench.fails["get_secret_value"] = "InternalServiceError"
    for _ in range(2):
        with pytest.raises(Retryable, match="secret_service"):
            bench.secret.renew(*old)
    bench.fails.clear()
    bench.secret.renew(*old)
    assert bench.signed() == "Bearer two"


class TokenEndpoint:
    """Hands out access tokens, and a new refresh token with each.

    A `strict` one takes each refresh token once. `issuing` is called before an answer.
    """

    def __init__(self, *, strict: bool = False, issuing: Callable[[], None] = lambda: None) -> None:
        self.issued = 0
        self.strict = strict
        self.issuing = issuing

    def send(self, request: Request, *, timeout_s: float) -> Answer:
        """Answer a token request."""
        assert request.url == "https://login.example/token"
        current = f"r{self.issued}" if self.issued else "refresh"
        if self.strict and f"refresh_token={current}&" not in f"{request.content.decode()}&":
            return Answer(400, {}, b'{"error": "invalid_grant"}')
        self.issuing()
        self.issued += 1
        said = {"access_token": f"access{self.issued}", "refresh_token": f"r{self.issued}", "expires_in": 1800}
        return Answer(200, {}, json.dumps(said).encode())


def test_a_refused_access_token_is_fetched_anew_before_the_secret_is_blamed(aws: Aws) -> None:
    """The first refusal gets another access token, the second one a look at the secret, the third one stops."""
    spec = OAuth2Refresh("https://login.example/token", rotates=True)
    endpoint = TokenEndpoint()
    bench = Bench(aws, replace(platform_of(LIMITS), authentication=spec), endpoint)
    bench.secret.account()
    old = bench.secret.sign(ASKED)
    assert bench.signed() == "Bearer access1"
    bench.secret.renew(*old)
    assert bench.signed() == "Bearer access2"
    bench.secret.renew(*old)  # another thread's, refused before
    assert bench.signed() == "Bearer access2"
    assert bench.written()["refresh_token"] == "r2"
    bench.write(json.dumps(bench.written() | {"refresh_token": "of-an-operator"}))
    bench.refused()
    assert bench.signed() == "Bearer access3"
    with pytest.raises(ConfigError, match="token_refused"):
        bench.refused()


def _rotating(aws: Aws) -> tuple[Bench, TokenEndpoint]:
    """Return a bench whose refresh token is replaced by each use, and taken once only."""
    spec = OAuth2Refresh("https://login.example/token", rotates=True)
    endpoint = TokenEndpoint(strict=True)
    return Bench(aws, replace(platform_of(LIMITS), authentication=spec), endpoint), endpoint


def test_a_token_that_was_replaced_early_is_not_the_one_refused(aws: Aws) -> None:
    """A late refusal of the older access token leaves the new one in use, and the run its one renewal."""
    bench, endpoint = _rotating(aws)
    bench.secret.account()
    old = bench.secret.sign(ASKED)
    bench.clock.pass_s(1790)
    assert bench.signed() == "Bearer access2"
    bench.secret.renew(*old)
    assert bench.signed() == "Bearer access2"
    assert endpoint.issued == 2
    bench.refused()
    assert bench.signed() == "Bearer access3"


def test_an_unsaved_refresh_token_outlives_a_change_of_the_secret(aws: Aws) -> None:
    """The permission to write is withdrawn during a refresh; whoever grants it again also adds a key."""
    bench, endpoint = _rotating(aws)
    endpoint.issuing = lambda: bench.fails.update(put_secret_value="AccessDeniedException")
    bench.secret.account()
    with pytest.raises(ConfigError, match="secret_not_writable"):
        bench.signed()
    bench.fails.clear()
    bench.write(json.dumps(bench.written() | {"endpoint": "https://other.example"}))
    bench.secret.begin(afresh=True)
    bench.secret.account()
    assert bench.signed() == "Bearer access1"
    assert (bench.written()["refresh_token"], bench.written()["endpoint"]) == ("r1", "https://other.example")


def test_an_unsaved_refresh_token_outlives_a_second_refusal(aws: Aws) -> None:
    """Secrets Manager fails during an early refresh, and then the platform refuses the token still in use."""
    bench, endpoint = _rotating(aws)
    bench.secret.account()
    bench.refused()
    assert bench.signed() == "Bearer access2"
    bench.clock.pass_s(1745)
    endpoint.issuing = lambda: bench.fails.update(put_secret_value="InternalServiceError")
    assert bench.signed() == "Bearer access2"
    assert endpoint.issued == 3
    bench.fails.clear()
    bench.refused()
    assert bench.signed() == "Bearer access3"
    assert bench.written()["refresh_token"] == "r3"


@pytest.mark.parametrize("begins_anew", [True, False], ids=["redriven", "in mid run"])
def test_an_operators_token_is_used_instead_of_a_refused_one_that_renews_itself(
    aws: Aws, *, begins_anew: bool
) -> None:
    """The token was revoked long before its end: what was written since counts, in a process that goes on too."""
    spec = LongLivedToken("https://login.example/token", StaticToken("token"))
    bench = Bench(aws, replace(platform_of(LIMITS), authentication=spec))
    day_s = 86_400
    issued = {"at": bench.clock(), "expires_at": bench.clock() + 60 * day_s, "to": token_digest("one")}
    bench.write(json.dumps(json.loads(_secret("one")) | {"issued": issued}))
    bench.secret.account()
    assert bench.signed() == "Bearer one"
    with pytest.raises(ConfigError, match="token_refused"):
        bench.refused()
    bench.secret.begin()
    bench.secret.account()
    old = bench.secret.sign(ASKED)
    bench.write(_secret("two"))
    if begins_anew:
        bench.secret.begin(afresh=True)
        bench.secret.account()
    bench.secret.renew(*old)
    assert bench.signed() == "Bearer two"


@pytest.mark.parametrize("text", ["oops", "[]", "{}", '{"token": "t0ken"}', "[" * 100_000])
def test_no_error_shows_what_the_secret_holds(bench: Bench, text: str) -> None:
    """The key that is missing is named, the values are not."""
    bench.write(text)
    with pytest.raises(ConfigError) as error:
        bench.secret.account()
    assert "t0ken" not in str(error.value)
    assert "oops" not in str(error.value)
    assert error.value.__cause__ is None


@pytest.mark.parametrize("endpoint", ["https://elsewhere.example", "http://127.0.0.1:9", ""])
def test_a_secret_cannot_divert_people(aws: Aws, endpoint: str) -> None:
    """Where the deployment does not allow it, another server than the platform's in a secret sends nothing."""
    platform = platforms()["meta"]
    written = {"access_token": "t", "ad_account_id": "act_1", **({"endpoint": endpoint} if endpoint else {})}
    arn = aws.secrets.create_secret(Name=f"secret{next(NAMES)}", SecretString=json.dumps(written))["ARN"]
    table = ConditionalTable(aws.dynamodb, "ledger")
    secret = ConnectorSecret(platform, aws.secrets, arn, table=table, http=cast("Any", None), options={})
    if not endpoint:
        assert secret.account().endpoint == platform.account.endpoint
        return
    with pytest.raises(ConfigError) as caught:
        secret.account()
    assert caught.value.code == "other_endpoint"
    assert endpoint not in caught.value.sentence
