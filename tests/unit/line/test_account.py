"""The secret's publisher between runs and threads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from activation.account import SecretAccount
from activation.errors import ConfigError
from activation.limits import Limits
from aws_lambda_powertools.utilities.parameters import SecretsProvider

from tests.unit.line.platform import TinyPublisher, publisher_from
from tests.unit.line.world import NAMES, Aws

LIMITS = Limits(max_rows=1, max_bytes=1)


class Bench:
    """An account with a secret that can be written, and a count of its reads."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.reads = 0
        self.arn = aws.secrets.create_secret(Name=f"secret{next(NAMES)}", SecretString=_secret("one"))["ARN"]
        aws.before.append(self._count)
        self.account = SecretAccount(SecretsProvider(boto3_client=aws.secrets), self.arn, self._make)

    def _make(self, secret: Mapping[str, Any]) -> TinyPublisher:
        return publisher_from(secret, LIMITS, can_ask=False, handles=False)

    def _count(self, name: str, _: object) -> None:
        self.reads += name == "get_secret_value"

    def write(self, text: str) -> None:
        """Write the secret."""
        self.aws.secrets.put_secret_value(SecretId=self.arn, SecretString=text)


def _secret(token: str) -> str:
    return json.dumps({"token": token, "account": "a"})


@pytest.fixture
def bench(aws: Aws) -> Bench:
    """Give a bench."""
    return Bench(aws)


def test_the_secret_is_read_once_and_kept(bench: Bench) -> None:
    """The same publisher is given until the secret changes."""
    first = bench.account.publisher()
    assert bench.account.publisher() is first
    assert bench.reads == 1


def test_threads_refused_together_refresh_once(bench: Bench) -> None:
    """All go on with the one new publisher."""
    old = bench.account.publisher()
    bench.write(_secret("two"))
    barrier = Barrier(4)

    def refused(_: int) -> object:
        barrier.wait()
        return bench.account.refresh(old)

    with ThreadPoolExecutor(4) as pool:
        new = list(pool.map(refused, range(4)))
    assert new == [bench.account.publisher()] * 4
    assert new[0] is not old
    assert bench.reads == 2


def test_a_secret_that_did_not_change_is_refused_and_each_run_may_ask_once_more(bench: Bench) -> None:
    """The next run may find what an operator has written since."""
    for _ in range(2):
        bench.account.begin()
        with pytest.raises(ConfigError, match="token_refused"):
            bench.account.refresh(bench.account.publisher())
    bench.write(_secret("two"))
    with pytest.raises(ConfigError, match="token_refused"):
        bench.account.refresh(bench.account.publisher())
    bench.account.begin()
    fresh = bench.account.refresh(bench.account.publisher())
    assert isinstance(fresh, TinyPublisher)
    assert fresh.token == "two"


def test_a_malformed_secret_that_was_mended_is_good_at_once(bench: Bench) -> None:
    """What is kept in memory does not outlive an operator's correction."""
    bench.write("oops")
    with pytest.raises(ConfigError, match="bad_secret"):
        bench.account.publisher()
    bench.write(_secret("two"))
    assert bench.account.publisher()


@pytest.mark.parametrize("text", ["oops", "[]", "{}", '{"token": "t0ken"}', "[" * 100_000])
def test_no_error_shows_what_the_secret_holds(bench: Bench, text: str) -> None:
    """The key that is missing is named, the values are not."""
    bench.write(text)
    with pytest.raises(ConfigError) as error:
        bench.account.publisher()
    assert "t0ken" not in str(error.value)
    assert "oops" not in str(error.value)
    assert error.value.__cause__ is None
