"""The connector's secret: missing, malformed, of another account, refused, and rotated in the middle of a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.unit.line.platform import Fault
from tests.unit.line.world import World, people, table

Make = Callable[..., World]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "bad_secret"),
        ("not json", "bad_secret"),
        ("[1]", "bad_secret"),
        ('{"token": "good"}', "bad_secret"),
        ('{"token": "good", "account": "elsewhere"}', "other_account"),
        (None, "no_secret"),
    ],
)
def test_a_secret_that_is_no_use_blocks_the_run_before_the_file_is_read(
    make_world: Make, value: str | None, code: str
) -> None:
    """The run waits in the dead letters with the reason; once the secret is written, a redrive finishes it."""
    world = make_world()
    world.settings = replace(world.settings, expected_account=world.name)
    world.restart()
    body = world.drop(table(people(3)))
    good = json.dumps({"token": "good", "account": world.name})
    if value is None:
        world.aws.secrets.delete_secret(SecretId=world.secret)
    else:
        world.aws.secrets.put_secret_value(SecretId=world.secret, SecretString=value)
    reads: list[str] = []
    world.aws.before.append(lambda name, call: reads.append(name) if call.get("Bucket") == "drops" else None)
    world.run(body)
    receipt = world.receipt()
    assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", code)
    assert [one["DetailType"] for one in world.events] == ["Activation Blocked"]
    assert reads == []
    assert world.platform.calls == {}
    if value is None:
        world.aws.secrets.create_secret(Name=world.secret, SecretString=good)
    else:
        world.aws.secrets.put_secret_value(SecretId=world.secret, SecretString=good)
    world.redrive()
    world.run()
    world.check(*people(3))


def test_a_refused_token_is_read_again_once_and_then_blocks(make_world: Make) -> None:
    """One call and one forced read of the secret, not one for every batch."""
    world = make_world()
    world.platform.tokens = set()
    reads: list[str] = []
    world.aws.before.append(lambda name, _: reads.append(name) if name == "get_secret_value" else None)
    world.run(world.drop(table(people(30))))
    receipt = world.receipt()
    assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", "token_refused")
    assert world.platform.calls.total() == 1
    assert len(reads) == 2
    assert world.dead_codes() == ["token_refused"]


@pytest.mark.parametrize("in_flight", [1, 3])
def test_a_token_rotated_in_the_middle_of_a_run_is_picked_up(make_world: Make, in_flight: int) -> None:
    """The first refusal reads the new secret, and the run goes on without a repetition."""
    world = make_world(in_flight=in_flight)

    def rotate() -> None:
        world.platform.tokens = {"new"}
        secret = json.dumps({"token": "new", "account": world.name})
        world.aws.secrets.put_secret_value(SecretId=world.secret, SecretString=secret)

    world.platform.faults.append(Fault(skip=3, act=rotate))
    world.run(world.drop(table(people(30))))
    assert world.check(*people(30))["resent"] == 0
    assert world.handled == 1
    assert world.platform.resent == 0


def test_a_run_does_not_go_on_in_another_ad_account(make_world: Make) -> None:
    """Half an audience here and half there is nobody's wish: it stops until the first account's secret is back."""
    world = make_world()
    good = json.dumps({"token": "good", "account": world.name})

    def move() -> None:
        world.platform.tokens = {"new"}
        secret = json.dumps({"token": "new", "account": "elsewhere"})
        world.aws.secrets.put_secret_value(SecretId=world.secret, SecretString=secret)

    world.platform.faults.append(Fault(skip=3, act=move))
    world.run(world.drop(table(people(30))))
    for _ in range(2):
        receipt = world.receipt()
        assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", "other_account")
        assert receipt["rows"]["acknowledged"] == 9
        world.redrive()
        world.run()
    world.platform.tokens = {"good"}
    world.aws.secrets.put_secret_value(SecretId=world.secret, SecretString=good)
    world.redrive()
    world.run()
    world.check(*people(30))


def test_a_secret_that_grows_old_in_the_middle_of_a_run_does_not_change_its_account(
    make_world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept of it lasts minutes: read again, it is another account's, and nothing is sent to that one."""
    monkeypatch.setattr("activation.runs.secret.SECRET_MAX_AGE_S", 0)
    world = make_world()
    secret, other = ({"token": "good", "account": name} for name in (world.name, "other"))

    def another() -> None:
        world.aws.secrets.put_secret_value(SecretId=world.secret, SecretString=json.dumps(other))

    world.platform.faults.append(Fault(skip=1, act=another))
    world.run(world.drop(table(people(12))))
    receipt = world.receipt()
    assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", "other_account")
    assert receipt["rows"]["acknowledged"] == 6
    world.aws.secrets.put_secret_value(SecretId=world.secret, SecretString=json.dumps(secret))
    world.redrive()
    world.run()
    world.check(*people(12))


def test_a_second_refusal_after_a_change_blocks(make_world: Make) -> None:
    """A new token that is refused as well is not tried again and again, and what was sent stays counted."""
    world = make_world()

    def rotate() -> None:
        world.platform.tokens = set()
        secret = json.dumps({"token": "new", "account": world.name})
        world.aws.secrets.put_secret_value(SecretId=world.secret, SecretString=secret)

    world.platform.faults.append(Fault(skip=3, act=rotate))
    world.run(world.drop(table(people(30))))
    receipt = world.receipt()
    assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", "token_refused")
    assert receipt["rows"]["acknowledged"] == 9
    world.platform.tokens = {"new"}
    world.redrive()
    world.run()
    world.check(*people(30))
    assert world.platform.resent == 0


def test_a_token_refused_while_the_audience_is_created_makes_one_audience(make_world: Make) -> None:
    """A refused call has created nothing, so it is sent again with the new token."""
    world = make_world()

    def rotate() -> None:
        world.platform.tokens = {"new"}
        secret = json.dumps({"token": "new", "account": world.name})
        world.aws.secrets.put_secret_value(SecretId=world.secret, SecretString=secret)

    world.platform.faults.append(Fault(call="create", act=rotate))
    world.run(world.drop(table(people(3))))
    world.check(*people(3))
    assert world.platform.created == 1
    assert (world.platform.calls["find"], world.platform.calls["create"]) == (1, 2)


def test_terms_that_are_not_accepted_block_with_the_platforms_reason(make_world: Make) -> None:
    """A person has to act: one call, an event, and the work is kept."""
    world = make_world()
    world.platform.faults.append(Fault(call="create", status=403))
    world.run(world.drop(table(people(9))))
    assert world.receipt()["reason"] == {"code": "terms", "sentence": "the terms are not accepted"}
    assert world.platform.calls.total() == 2
    world.redrive()
    world.run()
    world.check(*people(9))


def test_a_secret_service_that_does_not_answer_is_waited_for(make_world: Make) -> None:
    """Throttled reads of the secret are no reason to block."""
    from tests.unit.line.aws_in_memory import refusal

    world = make_world()
    left = [True] * 3

    def fail(name: str, _: object) -> None:
        if name == "get_secret_value" and left:
            left.pop()
            raise refusal("GetSecretValue", "ThrottlingException")

    world.aws.before.append(fail)
    world.run(world.drop(table(people(3))))
    world.check(*people(3))
    assert world.dead_codes() == []


def test_an_ad_account_is_sent_to_once_however_the_message_names_it(make_world: Make) -> None:
    """With the platform's prefix or without it is one run; a repetition of either does nothing."""
    world = make_world()
    item = world.put(table(people(3)), f"{world.name}/vip/raw/people.csv")
    for name in ("act_12", "12", "act_12"):
        world.run(world.event(item, ad_account=name))
    receipt = world.check(*people(3))
    assert (receipt["account"], receipt["drop"]["ad_account"]) == ("12", "12")
    assert world.platform.calls["users"] == 1


@pytest.mark.parametrize("prefix", ["", "act_"])
def test_the_secrets_own_ad_account_has_no_other_name(make_world: Make, prefix: str) -> None:
    """A message that asks for it by id is refused before anything is sent; another account's is not."""
    world = make_world()
    item = world.put(table(people(3)), f"{world.name}/vip/raw/people.csv")
    world.run(world.event(item))
    calls = world.platform.calls.copy()
    world.run(world.event(item, ad_account=f"{prefix}{world.name}"))
    assert world.platform.calls == calls
    assert (world.dead_codes(), world.wrong_codes()) == ([], ["own_account"])
    world.run(world.event(item, ad_account=f"{prefix}other"))
    found = {(one["account"], one["drop"]["ad_account"]): one["state"] for one in world.receipts()}
    assert found == {
        (world.name, ""): "applied",
        (world.name, world.name): "failed",
        ("other", "other"): "applied",
    }


def test_a_run_ends_in_its_ad_account_though_the_secret_names_that_one_since(make_world: Make) -> None:
    """What was begun by id goes on, and nothing is sent twice."""
    world = make_world()
    item = world.put(table(people(30)), f"{world.name}/vip/raw/people.csv")
    world.budget_s = 80.45  # the timeout of a call, the margin, and time for a few calls of 0.1 s

    def move() -> None:
        secret = json.dumps({"token": "good", "account": "other"})
        world.aws.secrets.put_secret_value(SecretId=world.secret, SecretString=secret)
        world.restart()

    world.platform.faults.append(Fault(skip=2, act=move))
    world.run(world.event(item, ad_account="other"))
    receipt = world.check(*people(30))
    assert (receipt["account"], receipt["continuations"] > 0, world.platform.resent) == ("other", True, 0)
