"""The secret: cached, read past the cache, and written only over the version that was read."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from activation.authentication.store import Replaced, SecretStore, SecretVersion
from activation.errors import ActivationError, ConfigError, Retryable
from botocore.exceptions import ParamValidationError, ReadTimeoutError

from tests.unit.authentication.world import NAMES, Clock, Watched, failing
from tests.unit.line.aws_in_memory import Secrets, refusal

TEXT = '{"refresh_token": "t0ken", "n": 12345678901234567890, "nested": {"é": [1, null, true]}}'


class Bench:
    """A secret, and as many processes' stores of it as a test wants."""

    def __init__(self, secrets: Any) -> None:
        self.clock = Clock()
        self.secrets: Any = Watched(secrets)
        self.arn: str = secrets.create_secret(Name=f"secret{next(NAMES)}", SecretString=TEXT)["ARN"]

    def store(self) -> SecretStore:
        """Return the store of another process."""
        return SecretStore(self.secrets, self.arn, clock=self.clock)

    def current(self) -> str:
        """Return what the secret holds."""
        text: str = self.secrets.get_secret_value(SecretId=self.arn)["SecretString"]
        return text


@pytest.fixture
def bench(aws: tuple[Any, Any]) -> Bench:
    """Return a fixture on either kind of Secrets Manager."""
    return Bench(aws[0])


def test_a_secret_is_read_once_in_its_age(bench: Bench) -> None:
    """What an operator writes is seen when the age is over, or at once by reading afresh."""
    store = bench.store()
    first = store.read()
    bench.secrets.put_secret_value(SecretId=bench.arn, SecretString="{}")
    assert store.read() is first
    assert (first.text, store.read(afresh=True).text) == (TEXT, "{}")
    bench.secrets.put_secret_value(SecretId=bench.arn, SecretString="[]")
    bench.clock.pass_s(301)
    assert store.read().text == "[]"


def test_a_check_for_writing_leaves_the_secret_as_it_is(bench: Bench) -> None:
    """Neither a new version nor a return to the one that was read, when another has been written since."""
    store = bench.store()
    version = store.read()
    store.check_writable(version)
    assert store.read(afresh=True) == version
    bench.secrets.put_secret_value(SecretId=bench.arn, SecretString="{}")
    store.check_writable(version)
    assert bench.current() == "{}"


def test_of_two_writers_who_read_the_same_version_one_succeeds(bench: Bench) -> None:
    """The other learns what the first has written, and can write over that."""
    one, two = bench.store(), bench.store()
    read_by_one, read_by_two = one.read(), two.read()
    written = one.replace(read_by_one, '{"by": 1}')
    with pytest.raises(Replaced) as newer:
        two.replace(read_by_two, '{"by": 2}')
    assert newer.value.current == written == two.read()
    two.replace(newer.value.current, '{"by": 2}')
    assert bench.current() == '{"by": 2}'
    assert one.read() == written  # its cache knows no better


def test_a_writer_that_looked_before_the_other_wrote_is_refused_by_aws_itself(bench: Bench) -> None:
    """With nothing but the client request token between them, the later write fails."""
    version = bench.store().read()
    both_looked = Barrier(2, timeout=10)
    first_write = iter([True, True])

    def wait(name: str) -> None:
        if name == "put_secret_value" and next(first_write, False):
            both_looked.wait()

    bench.secrets.before.append(wait)

    def write(by: int) -> bool:
        try:
            bench.store().replace(version, json.dumps({"by": by}))
        except Replaced as newer:
            return newer.current.text != bench.current()
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(write, (1, 2))) == [False, True]


def test_an_operators_newer_secret_is_not_overwritten(bench: Bench) -> None:
    """A version of any origin that came after the one read stays."""
    store = bench.store()
    version = store.read()
    bench.secrets.put_secret_value(SecretId=bench.arn, SecretString='{"by": "operator"}')
    with pytest.raises(Replaced) as newer:
        store.replace(version, '{"by": 1}')
    assert newer.value.current.text == bench.current() == '{"by": "operator"}'


def test_a_write_whose_answer_was_lost_may_be_repeated(bench: Bench) -> None:
    """The second call finds its own version and calls it a success."""
    store = bench.store()
    version = store.read()
    lost = failing("put_secret_value", ReadTimeoutError(endpoint_url="https://aws.invalid"), times=1)
    bench.secrets.after.append(lost)
    with pytest.raises(Retryable, match="secret_service"):
        store.replace(version, '{"by": 1}')
    assert store.replace(version, '{"by": 1}') == store.read(afresh=True)
    assert bench.current() == '{"by": 1}'


def test_a_version_that_was_rolled_back_to_can_be_replaced_once_more() -> None:
    """The id that its first replacement has taken does not stand in the way."""
    bench = Bench(Secrets())  # moto moves the label, but goes on reading the version that lost it
    store = bench.store()
    version = store.read()
    for n in (1, 2, 3):
        written = store.replace(version, json.dumps({"by": n}))
        assert bench.current() == json.dumps({"by": n})
        bench.secrets.update_secret_version_stage(
            SecretId=bench.arn,
            VersionStage="AWSCURRENT",
            MoveToVersionId=version.version_id,
            RemoveFromVersionId=written.version_id,
        )
        assert bench.current() == TEXT


def test_only_the_named_keys_change(bench: Bench) -> None:
    """Every other key keeps its meaning, however it is spelled, and a new key is added."""
    version = SecretVersion('{" Refresh_Token ": "a", "é": 1.5, "n": 12345678901234567890, "o": null}', "v")
    assert json.loads(version.rewritten({"refresh_token": "b", "issued": {"x": 1}})) == {
        " Refresh_Token ": "b",
        "é": 1.5,
        "n": 12345678901234567890,
        "o": None,
        "issued": {"x": 1},
    }


def test_a_digest_tells_an_operators_change_from_our_own(bench: Bench) -> None:
    """It leaves out the keys that are written back, and the order of all others."""
    one = SecretVersion('{"a": 1, "b": 2, "Refresh_Token": "x"}', "v1")
    two = SecretVersion('{"b": 2, "a": 1, "refresh_token": "y", "issued": {}}', "v2")
    other = SecretVersion('{"b": 3, "a": 1}', "v3")
    ours = ("refresh_token", "issued")
    assert one.digest(without=ours) == two.digest(without=ours) != other.digest(without=ours)
    assert one.digest() != two.digest()


@pytest.mark.parametrize(
    ("operation", "error", "kind", "code"),
    [
        ("get_secret_value", "ResourceNotFoundException", ConfigError, "no_secret"),
        ("get_secret_value", "AccessDeniedException", ConfigError, "no_secret"),
        ("get_secret_value", "DecryptionFailure", ConfigError, "no_secret"),
        ("get_secret_value", "InvalidRequestException", ConfigError, "no_secret"),
        ("get_secret_value", "ThrottlingException", Retryable, "secret_service"),
        ("get_secret_value", "InternalServiceError", Retryable, "secret_service"),
        ("put_secret_value", "AccessDeniedException", ConfigError, "secret_not_writable"),
        ("put_secret_value", "EncryptionFailure", ConfigError, "secret_not_writable"),
        ("put_secret_value", "InvalidRequestException", ConfigError, "no_secret"),
        ("put_secret_value", "LimitExceededException", Retryable, "secret_service"),
    ],
)
def test_what_aws_refuses_is_told_from_what_passes(
    operation: str, error: str, kind: type[ActivationError], code: str
) -> None:
    """A person is asked only for what a person can change."""
    bench = Bench(Secrets())
    version = bench.store().read()
    bench.secrets.before.append(failing(operation, refusal("Operation", error)))
    with pytest.raises(kind) as raised:
        bench.store().replace(version, "{}")
    assert raised.value.code == code
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)
    bench.secrets.before.clear()
    assert bench.current() == TEXT


def test_a_missing_write_permission_is_named() -> None:
    """The operator is told what to grant."""
    bench = Bench(Secrets())
    version = bench.store().read()
    bench.secrets.before.append(failing("put_secret_value", refusal("PutSecretValue", "AccessDeniedException")))
    with pytest.raises(ConfigError, match="secretsmanager:PutSecretValue"):
        bench.store().replace(version, "{}")


def test_aws_that_does_not_answer_is_waited_for() -> None:
    """A timeout does not make the secret wrong."""
    bench = Bench(Secrets())
    bench.secrets.before.append(failing("get_secret_value", ReadTimeoutError(endpoint_url="https://aws.invalid")))
    with pytest.raises(Retryable, match="secret_service"):
        bench.store().read()


def test_a_call_that_the_sdk_refuses_is_final() -> None:
    """Waiting does not make an argument right."""
    bench = Bench(Secrets())
    bench.secrets.before.append(failing("get_secret_value", ParamValidationError(report="SecretId")))
    with pytest.raises(ConfigError, match="no_secret"):
        bench.store().read()


def test_a_secret_that_was_never_written_is_named(aws: tuple[Any, Any]) -> None:
    """The stack creates it empty; reading it says that it has to be written."""
    with pytest.raises(ConfigError, match="no_secret"):
        SecretStore(aws[0], "nothing").read()


@pytest.mark.parametrize("text", ["", "oops", "[]", "[" * 100_000])
def test_a_secret_that_is_no_object_is_named_and_not_shown(text: str) -> None:
    """Neither the error nor the version's own text form has it."""
    version = SecretVersion(text, "v")
    with pytest.raises(ConfigError, match="bad_secret") as error:
        _ = version.credentials
    assert "oops" not in f"{error.value}{version!r}"
    assert (error.value.__cause__, error.value.__context__) == (None, None)
