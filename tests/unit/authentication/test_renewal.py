"""Long-lived tokens that are exchanged before they expire."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from activation.authentication.renewal import RenewingSigner
from activation.errors import ConfigError
from activation.platforms.authentication import LongLivedToken, StaticToken

from tests.unit.authentication.token_endpoint import PATH, Fault
from tests.unit.authentication.world import REQUEST, World, failing, token
from tests.unit.line.aws_in_memory import refusal

DAY_S = 86_400
SPEC = LongLivedToken(f"https://platform.invalid{PATH}", StaticToken(proof_key="app_secret"))
Make = Callable[..., World]


@pytest.fixture
def world(make_world: Make) -> World:
    """Return a world whose endpoint exchanges tokens for others of 60 days."""
    world = make_world(expires_in=60 * DAY_S)
    world.spec = SPEC
    world.write(access_token=world.endpoint.current, app_id="client-1", app_secret="s3cret/+")
    return world


def renewing(world: World) -> RenewingSigner:
    """Return a signer, which renews."""
    signer = world.signer()
    assert isinstance(signer, RenewingSigner)
    return signer


def test_a_token_of_unknown_age_is_exchanged_at_once_and_stored(world: World) -> None:
    """So one that was pasted short-lived becomes long-lived, and all other keys stay."""
    before = world.secret()
    assert token(world.signer()) == "access-t0ken-1"
    after = world.secret()
    issued = after.pop("issued")
    assert (issued["at"], issued["expires_at"]) == (int(world.clock()), int(world.clock()) + 60 * DAY_S)
    assert after == before | {"access_token": "access-t0ken-1"}
    assert world.endpoint.forms == [
        {
            "grant_type": "fb_exchange_token",
            "client_id": "client-1",
            "client_secret": "s3cret/+",
            "fb_exchange_token": "refresh-0",
        }
    ]


def test_a_token_is_exchanged_again_after_two_thirds_of_its_life(world: World) -> None:
    """Before that nobody is asked, whichever process signs."""
    signer = world.signer()
    token(signer)
    world.clock.pass_s(40 * DAY_S - 1)
    assert (token(signer), token(world.signer())) == ("access-t0ken-1", "access-t0ken-1")
    world.clock.pass_s(1)
    assert (token(signer), token(world.signer())) == ("access-t0ken-2", "access-t0ken-2")
    assert world.endpoint.calls == 2


def test_a_process_takes_what_another_has_renewed(world: World) -> None:
    """The platform is asked once for all of them."""
    signers = [world.signer() for _ in range(3)]
    assert {token(signer) for signer in signers} == {"access-t0ken-1"}
    assert world.endpoint.calls == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(400, {"error": {"message": "t0ken", "code": 190}}),
        Fault(500, {"error": {"code": 2, "is_transient": True}}),
        Fault(200, b"<html>"),
        Fault(drop=True),
        Fault(drop=True, applied=True),
    ],
)
def test_a_renewal_that_fails_is_logged_and_leaves_the_token_in_use(
    world: World, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    """The token is good until it expires; the next attempt is an hour later."""
    world.endpoint.faults.append(fault)
    signer = world.signer()
    for _ in range(2):
        assert token(signer) == "refresh-0"
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "t0ken" not in caplog.text
    assert "s3cret" not in caplog.text
    world.endpoint.current = "refresh-0"
    world.clock.pass_s(3600)
    assert token(signer).startswith("access-t0ken-")
    assert world.endpoint.calls == 2


def test_a_renewal_that_cannot_be_stored_is_dropped(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The old token stays valid, and the log names the permission."""
    world.secrets.before.append(failing("put_secret_value", refusal("PutSecretValue", "AccessDeniedException")))
    assert token(world.signer()) == "refresh-0"
    assert "secretsmanager:PutSecretValue" in caplog.text


def test_how_a_renewal_stands_is_told(world: World) -> None:
    """Until when the token is valid; of one that failed, why, and until when the old one is."""
    signer = renewing(world)
    first = signer.renewal()
    assert (first.expires_at, first.failure) == (int(world.clock()) + 60 * DAY_S, "")
    world.clock.pass_s(45 * DAY_S)
    world.endpoint.faults.append(Fault(400, {"error": {"code": 190}}))
    later = signer.renewal()
    assert (later.expires_at, later.failure) == (first.expires_at, "refused: HTTP 400")


def test_what_an_earlier_release_has_stored_is_taken_to_have_lasted_sixty_days(world: World) -> None:
    """It says when the token ends, and not when it was issued."""
    token(world.signer())
    secret = world.secret()
    del secret["issued"]["at"]
    world.write(issued=secret["issued"])
    world.clock.pass_s(40 * DAY_S - 1)
    assert token(world.signer()) == "access-t0ken-1"
    world.clock.pass_s(1)
    assert token(world.signer()) == "access-t0ken-2"


def test_an_operators_token_wins_over_a_renewed_one(world: World) -> None:
    """What was written during the exchange is used and kept."""
    write = iter([True])

    def operator(name: str) -> None:
        if world.endpoint.calls and next(write, False):
            world.write(access_token="operators")

    world.secrets.before.append(operator)
    signer = world.signer()
    assert token(signer) == "operators"
    assert world.secret()["access_token"] == "operators"


def test_a_token_that_another_process_is_renewing_is_used_meanwhile(world: World) -> None:
    """Nobody waits for the lock."""
    signer = world.signer()
    with world.tools().lock.hold(sleep=world.clock.sleep):
        assert token(signer) == "refresh-0"
    assert (world.endpoint.calls, world.clock.slept) == (0, [])


def test_the_proof_is_that_of_the_token_in_use(world: World) -> None:
    """It changes with the token."""
    signer = world.signer()
    first = signer.sign(REQUEST).url
    world.clock.pass_s(41 * DAY_S)
    second = signer.sign(REQUEST).url
    assert first.startswith(f"{REQUEST.url}&appsecret_proof=")
    assert second.startswith(f"{REQUEST.url}&appsecret_proof=")
    assert first != second


def test_a_refused_token_cannot_be_renewed(world: World) -> None:
    """The platform does not exchange what it no longer takes, so only another token in the secret helps."""
    signer = world.signer()
    assert signer.renew() is False
    assert world.endpoint.calls == 0
    world.write(access_token="operators")
    assert signer.renew() is True
    assert signer.renew() is False


def test_a_token_that_was_exchanged_is_no_longer_in_use(world: World) -> None:
    """A refusal of the older one, heard late, is told from a refusal of the newer one."""
    signer = world.signer()
    first = signer.sign(REQUEST)
    assert signer.in_use(first)
    world.clock.pass_s(41 * DAY_S)
    second = signer.sign(REQUEST)
    assert (signer.in_use(first), signer.in_use(second)) == (False, True)


def test_a_missing_token_is_named(world: World) -> None:
    """There is nothing to sign with."""
    world.write(access_token=None)
    with pytest.raises(ConfigError, match="lacks access_token"):
        world.signer()


def test_a_life_that_the_answer_does_not_say_is_assumed(world: World) -> None:
    """60 days, as the platform's page has it."""
    world.endpoint.expires_in = None
    token(world.signer())
    assert world.secret()["issued"]["expires_at"] == int(world.clock()) + 60 * DAY_S


@pytest.mark.parametrize("key", ["app_id", "app_secret"])
def test_without_the_app_s_id_or_secret_the_token_is_used_as_it_is(world: World, key: str) -> None:
    """Nobody is asked, and what is missing is told."""
    world.write(**{key: None})
    signer = renewing(world)
    assert token(signer) == "refresh-0"
    assert f"lacks {key}" in signer.renewal().failure
    assert world.endpoint.calls == 0
