"""Refresh tokens that a use replaces: none is lost, whoever else refreshes, writes or dies meanwhile."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from activation.authentication.locking import LOCK_S
from activation.authentication.tools import Signer
from activation.errors import ConfigError, Retryable

from tests.unit.authentication.rotations import Make, check
from tests.unit.authentication.token_endpoint import Fault, TokenEndpoint, serving
from tests.unit.authentication.world import REQUEST, World, spec, token

PROCESSES = 20


class Killed(BaseException):
    """The process is gone."""


def at_once(signers: list[Signer], act: Callable[[Signer], str]) -> list[str]:
    """Have each process do something, all beginning together."""
    barrier = threading.Barrier(len(signers), timeout=10)

    def work(signer: Signer) -> str:
        barrier.wait()
        return act(signer)

    with ThreadPoolExecutor(len(signers)) as pool:
        return list(pool.map(work, signers))


@pytest.mark.parametrize("rotation", ["strict", "lenient"])
def test_a_rotated_token_is_stored_before_the_access_token_is_used(make_world: Make, rotation: str) -> None:
    """When a request is signed, the secret holds the platform's current refresh token."""
    world = make_world(rotation)
    signer = world.signer()
    assert token(signer) == "access-t0ken-2"
    check(world)
    world.clock.pass_s(1800)
    assert token(signer) == "access-t0ken-4"
    check(world)


@pytest.mark.parametrize("rotation", ["strict", "lenient"])
def test_processes_that_need_a_token_at_once_share_one_refresh(make_world: Make, rotation: str) -> None:
    """The first one stores what it got, and the nineteen others take it from the secret."""
    world = make_world(rotation)
    signers = [world.signer() for _ in range(PROCESSES)]
    assert set(at_once(signers, token)) == {"access-t0ken-2"}
    assert world.endpoint.calls == 1
    check(world)


@pytest.mark.parametrize("aws_kind", ["memory", "moto"])
def test_twenty_processes_that_refresh_at_once_lose_no_token(
    make_world: Make, aws_kind: str, request: pytest.FixtureRequest
) -> None:
    """With nothing to share, each uses the token that the one before it stored, and the last one is current."""
    world = make_world("strict", expires_in=30, refresh_early_s=60)  # never fresh enough for another process
    shorter = 10  # still long enough for twenty to take turns on a busy machine
    if aws_kind == "moto":  # slow enough to be waited for in earnest; its DynamoDB is not safe between threads
        secrets, _ = request.getfixturevalue("moto")
        world, shorter = World(secrets, world.dynamodb, world.endpoint, spec=world.spec), 1
    signers = [world.signer(sleep=lambda seconds: time.sleep(seconds / shorter)) for _ in range(PROCESSES)]
    tokens = at_once(signers, token)
    assert len(set(tokens)) == PROCESSES == world.endpoint.calls
    check(world)


def test_processes_refused_at_once_share_one_refresh(make_world: Make) -> None:
    """The platform has revoked the access token; whoever is second finds the new one in the secret."""
    world = make_world("strict")
    signers = [world.signer() for _ in range(PROCESSES)]
    assert {token(signer) for signer in signers} == {"access-t0ken-2"}

    def again(signer: Signer) -> str:
        signer.renew(signer.sign(REQUEST))
        return token(signer)

    assert set(at_once(signers, again)) == {"access-t0ken-4"}
    assert world.endpoint.calls == 2
    check(world)


def test_a_process_that_starts_later_takes_the_stored_token(make_world: Make) -> None:
    """No call, no lock and no write in an access token's life but the first."""
    world = make_world("strict")
    first = token(world.signer())
    writes = []
    world.secrets.before.append(lambda name: writes.append(name) if name == "put_secret_value" else None)
    world.clock.pass_s(1000)
    assert {token(world.signer()) for _ in range(3)} == {first}
    assert (world.endpoint.calls, writes) == (1, [])


def test_a_platform_that_keeps_its_refresh_token_causes_no_write(make_world: Make) -> None:
    """The secret is written when there is something new to keep."""
    world = make_world(rotates=True)
    before = world.secret()
    assert token(world.signer()) == "access-t0ken-1"
    assert world.secret() == before


def test_a_stored_access_token_is_of_the_refresh_token_beside_it_or_of_no_use(make_world: Make) -> None:
    """An operator who authorises the app anew and keeps the other keys does not go on with the older token."""
    world = make_world("strict")
    token(world.signer())
    world.endpoint.current = "refresh-new"
    world.write(refresh_token="refresh-new")
    assert token(world.signer()) == "access-t0ken-4"
    assert world.endpoint.forms[-1]["refresh_token"] == "refresh-new"
    check(world)


@pytest.mark.parametrize("issued", [7, [], {}, {"access_token": 1, "expires_at": "x"}, "t0ken"])
def test_a_malformed_stored_token_is_ignored(make_world: Make, issued: object) -> None:
    """It is replaced."""
    world = make_world("strict")
    world.write(issued=issued)
    assert token(world.signer()) == "access-t0ken-2"
    check(world)


def test_a_refused_refresh_token_is_read_again_first(make_world: Make) -> None:
    """An operator writes the new one while the old one is being refused."""
    world = make_world("strict")
    world.endpoint.current = "refresh-new"

    class Meanwhile:
        """Writes the secret after the first refusal."""

        def __init__(self) -> None:
            self.http = world.tools().http
            self.calls = 0

        def send(self, request: Any, *, timeout_s: float) -> Any:
            answer = self.http.send(request, timeout_s=timeout_s)
            self.calls += 1
            if self.calls == 1:
                world.write(refresh_token="refresh-new")
            return answer

    assert token(world.signer(http=Meanwhile())) == "access-t0ken-2"
    check(world)


def test_a_refresh_token_that_stays_refused_needs_an_operator(make_world: Make) -> None:
    """The platform is asked once, the error says to authorise again, and the lock is free for the next process."""
    world = make_world("strict")
    world.endpoint.current = "lost"
    with pytest.raises(ConfigError, match="authorise the app again"):
        token(world.signer())
    assert world.endpoint.calls == 1
    world.write(refresh_token="lost")
    assert token(world.signer()) == "access-t0ken-2"


@pytest.mark.parametrize("rotation", ["strict", "lenient"])
def test_an_answer_that_is_lost_after_the_platform_has_rotated(make_world: Make, rotation: str) -> None:
    """The same refresh token is tried again: a lenient platform takes it, a strict one needs an operator."""
    world = make_world(rotation)
    world.endpoint.faults.append(Fault(drop=True, applied=True))
    signer = world.signer()
    with pytest.raises(Retryable, match="did not answer"):
        token(signer)
    if rotation == "strict":
        with pytest.raises(ConfigError, match=r"token_refused.*authorise the app again"):
            token(world.signer())
    else:
        token(world.signer())
        check(world)
    assert [form["refresh_token"] for form in world.endpoint.forms] == ["refresh-0", "refresh-0"]


def test_a_process_that_dies_before_the_write_blocks_others_until_its_lock_expires(make_world: Make) -> None:
    """After it, a lenient platform takes the same refresh token again."""
    world = make_world("lenient")

    class Frozen:
        """A store whose process is killed when it is about to write, so that not even its lock is released."""

        def __init__(self) -> None:
            self.store = world.store()

        def read(self, max_age_s: float = 300, *, afresh: bool = False) -> Any:
            return self.store.read(max_age_s, afresh=afresh)

        def check_writable(self, version: Any) -> None:
            self.store.check_writable(version)

        def replace(self, instead_of: Any, text: str) -> Any:
            world.dynamodb.dead = True
            raise Killed

    class Mortal:
        """A table that a dead process reaches no more."""

        def __init__(self, table: Any) -> None:
            self.table = table
            self.dead = False

        def update_item(self, **arguments: Any) -> Any:
            if self.dead:
                raise Killed
            return self.table.update_item(**arguments)

    world.dynamodb = Mortal(world.dynamodb)
    with pytest.raises(Killed):
        token(world.signer(store=Frozen()))
    world.dynamodb.dead = False
    with pytest.raises(Retryable, match="token_busy") as busy:
        token(world.signer())
    assert 0 < busy.value.after_s <= 30
    assert sum(world.clock.slept) >= 12
    world.clock.pass_s(LOCK_S + 1)
    assert token(world.signer()) == "access-t0ken-4"
    check(world)


def test_a_token_that_is_still_good_does_not_wait_for_the_lock(make_world: Make) -> None:
    """Senders go on with it while another process fetches the next one, and take that when it is there."""
    world = make_world("strict")
    signer = world.signer()
    first = token(signer)
    world.clock.pass_s(1745)
    with world.tools().lock.hold(sleep=world.clock.sleep):
        assert token(signer) == first
        assert world.clock.slept == []
    world.clock.pass_s(6)
    assert token(signer) == "access-t0ken-4"


def test_two_platforms_secrets_do_not_share_a_lock(make_world: Make) -> None:
    """The key begins with what the platform's functions may write, and names no secret."""
    one, two = make_world("strict"), make_world("strict")
    keys = {one.tools().lock.key, two.tools().lock.key}
    assert len(keys) == 2
    assert all(key.startswith("account#tiny#token#") and one.arn not in key for key in keys)


def test_the_whole_of_it_against_motos_secrets_manager(moto: tuple[Any, Any]) -> None:
    """Requests and answers that the services' own models accept, over several lives of an access token."""
    with serving(TokenEndpoint("strict")) as endpoint:
        world = World(*moto, endpoint, spec=spec(rotates=True))
        world.secrets.put_secret_value(SecretId=world.arn, SecretString=json.dumps(world.secret()))
        signers = [world.signer() for _ in range(3)]
        for life in range(3):
            assert {token(signer) for signer in signers} == {f"access-t0ken-{2 * life + 2}"}
            check(world)
            world.clock.pass_s(1800)
