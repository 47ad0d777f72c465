"""The writing of refresh tokens: refused, failing or overtaken by an operator, no token is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from activation.errors import ActivationError, ConfigError, Retryable
from botocore.exceptions import ReadTimeoutError

from tests.unit.authentication.rotations import Make, check
from tests.unit.authentication.world import REQUEST, World, failing, token
from tests.unit.line.aws_in_memory import refusal

DENIED = refusal("PutSecretValue", "AccessDeniedException")
SILENT = ReadTimeoutError(endpoint_url="https://aws.invalid")


def once_issued(world: World, listener: Callable[[str], None]) -> Callable[[str], None]:
    """Return a listener that hears of nothing before the platform has answered for the first time."""
    return lambda name: listener(name) if world.endpoint.calls else None


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [(DENIED, ConfigError, "secret_not_writable"), (SILENT, Retryable, "secret_service")],
)
def test_no_refresh_token_is_spent_when_the_next_one_cannot_be_stored(
    make_world: Make, error: Exception, kind: type[ActivationError], code: str
) -> None:
    """The process may end here, and the secret is as good as before."""
    world = make_world("strict")
    world.secrets.before.append(failing("put_secret_value", error))
    before = world.secret()
    with pytest.raises(kind) as raised:
        token(world.signer())
    assert (raised.value.code, world.endpoint.calls, world.secret()) == (code, 0, before)
    world.secrets.before.clear()
    assert token(world.signer()) == "access-t0ken-2"
    check(world)


def test_a_permission_that_is_withdrawn_during_a_refresh_leaves_the_tokens_in_memory(make_world: Make) -> None:
    """With the permission the same process stores what it holds, and asks the platform for nothing more."""
    world = make_world("strict")
    world.secrets.before.append(once_issued(world, failing("put_secret_value", DENIED)))
    signer = world.signer()
    for _ in range(2):
        with pytest.raises(ConfigError, match="secretsmanager:PutSecretValue") as error:
            signer.sign(REQUEST)
        assert error.value.code == "secret_not_writable"
    world.secrets.before.clear()
    assert token(signer) == "access-t0ken-2"
    assert world.endpoint.calls == 1
    check(world)


def test_a_write_that_fails_briefly_is_retried_under_the_lock(make_world: Make) -> None:
    """Nobody else comes to use the spent refresh token meanwhile."""
    world = make_world("strict")
    world.secrets.before.append(once_issued(world, failing("put_secret_value", SILENT, times=2)))
    assert token(world.signer()) == "access-t0ken-2"
    check(world)


def test_a_write_that_keeps_failing_is_retried_by_the_next_call(make_world: Make) -> None:
    """The token in memory is stored first, then used; when it has run out by then, the next one is fetched."""
    world = make_world("strict")
    world.secrets.before.append(once_issued(world, failing("put_secret_value", SILENT, times=3)))
    signer = world.signer()
    with pytest.raises(Retryable, match="secret_service"):
        token(signer)
    world.clock.pass_s(7200)
    assert token(signer) == "access-t0ken-4"
    assert [form["refresh_token"] for form in world.endpoint.forms] == ["refresh-0", "refresh-t0ken-1"]
    check(world)


def test_a_write_whose_answer_is_lost_counts(make_world: Make) -> None:
    """The repeated write finds its own version."""
    world = make_world("strict")
    world.secrets.after.append(once_issued(world, failing("put_secret_value", SILENT, times=1)))
    assert token(world.signer()) == "access-t0ken-2"
    assert world.endpoint.calls == 1
    check(world)


def test_what_an_operator_writes_during_a_refresh_is_kept(make_world: Make) -> None:
    """Another key changed meanwhile: only the refresh token that was used is replaced in it."""
    world = make_world("strict")
    write = iter([True])

    def operator(name: str) -> None:
        if world.endpoint.calls and next(write, False):
            world.write(developer_token="new")

    world.secrets.before.append(operator)
    assert token(world.signer()) == "access-t0ken-2"
    secret = world.secret()
    assert secret["developer_token"] == "new"
    world.write(developer_token="d3v")
    check(world)


def test_an_app_that_is_authorised_anew_during_a_refresh_wins(make_world: Make) -> None:
    """The operator's refresh token is neither overwritten nor is the older authorisation's access token used."""
    world = make_world("strict")
    write = iter([True])

    def operator(name: str) -> None:
        if world.endpoint.calls and next(write, False):
            world.endpoint.current = "refresh-new"
            world.write(refresh_token="refresh-new")

    world.secrets.before.append(operator)
    assert token(world.signer()) == "access-t0ken-4"
    assert [form["refresh_token"] for form in world.endpoint.forms] == ["refresh-0", "refresh-new"]
    check(world)


def test_an_unsaved_token_is_dropped_when_the_app_was_authorised_anew(make_world: Make) -> None:
    """It is not written over the operator's newer one."""
    world = make_world("strict")
    world.secrets.before.append(once_issued(world, failing("put_secret_value", DENIED)))
    signer = world.signer()
    with pytest.raises(ConfigError, match="secret_not_writable"):
        token(signer)
    world.secrets.before.clear()
    world.endpoint.current = "refresh-new"
    world.write(refresh_token="refresh-new")
    assert token(signer) == "access-t0ken-4"
    check(world)


def test_a_secret_that_somebody_keeps_rewriting_ends_in_a_wait(make_world: Make) -> None:
    """A script that writes it in a loop does not make this one loop."""
    world = make_world("strict")
    seen = [0]

    def operator(name: str) -> None:
        if world.endpoint.calls > seen[0]:
            seen[0] = world.endpoint.calls
            world.endpoint.current = f"refresh-new-{seen[0]}"
            world.write(refresh_token=world.endpoint.current)

    world.secrets.before.append(operator)
    with pytest.raises(Retryable, match="token_busy"):
        token(world.signer())
    assert world.endpoint.calls <= 4
