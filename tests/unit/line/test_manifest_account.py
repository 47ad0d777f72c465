"""A folder's manifest names the ad account that its people go to, of those that the connector's token reaches."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.line.mirrors import Make, check_holds, deliver, mirror, mirror_world
from tests.unit.line.world import people


@pytest.mark.parametrize("prefix", ["", "act_"])
def test_the_account_of_the_manifest_is_sent_to(make_world: Make, prefix: str) -> None:
    """With the platform's prefix or without it; the message itself names none, and a repetition does nothing."""
    world = mirror_world(make_world)
    events = mirror(world, people(3), export={"account": f"{prefix}12"})
    world.run(*events)
    (receipt,) = world.receipts()
    assert (receipt["state"], receipt["account"], receipt["drop"]["ad_account"]) == ("applied", "12", "")
    assert receipt["folder"]["export"]["account"] == f"{prefix}12"
    calls = world.platform.calls.copy()
    world.run(*events)
    assert (len(world.receipts()), world.platform.calls) == (1, calls)
    check_holds(world, people(3))


def test_each_account_has_an_audience_of_its_own(make_world: Make) -> None:
    """What is known of one account's audience is not taken to hold for another's of the same name.

    The small platform shows both accounts one audience, so that the second finds one that is not the app's there.
    """
    world = mirror_world(make_world)
    for account in ("12", "13", "12"):
        deliver(world, people(3), export={"account": account})
    found = [(one["account"], one["state"], one["rows"].get("unchanged")) for one in world.receipts()]
    assert sorted(found, key=str) == [("12", "applied", 0), ("12", "applied", 3), ("13", "blocked", None)]


def test_the_secrets_own_account_may_be_named(make_world: Make) -> None:
    """It is the same as to name none: one audience, one state."""
    world = mirror_world(make_world)
    deliver(world, people(3))
    receipt = deliver(world, people(3), export={"account": f"act_{world.name}"})
    assert (receipt["state"], receipt["account"], receipt["rows"]["unchanged"]) == ("applied", world.name, 3)


@pytest.mark.parametrize(
    ("accounts", "sent"), [((), False), (("13",), False), (("act_12", "13"), True), (("any",), True)]
)
def test_an_account_beside_the_named_one_is_sent_to_where_the_settings_allow_it(
    make_world: Make, accounts: tuple[str, ...], *, sent: bool
) -> None:
    """A connector with an `account` has further ones by name, or any; else nothing is sent to another."""
    world = mirror_world(make_world)
    world.settings = replace(world.settings, expected_account=world.name, accounts=accounts)
    world.restart()
    receipt = deliver(world, people(3), export={"account": "12"})
    assert receipt["state"] == ("applied" if sent else "blocked")
    assert (receipt["reason"] or {}).get("code", "") == ("" if sent else "other_account")


@pytest.mark.parametrize(("account", "state"), [("12", "applied"), ("", "applied"), ("13", "blocked")])
def test_further_accounts_alone_leave_the_secrets_own(make_world: Make, account: str, state: str) -> None:
    """Without an `account` in the settings, the one of the secret may be named as well, and no other."""
    world = mirror_world(make_world)
    world.settings = replace(world.settings, accounts=("12",))
    world.restart()
    receipt = deliver(world, people(3), export={"account": account or world.name})
    assert receipt["state"] == state


@pytest.mark.parametrize("account", [12, "a b", "x" * 65, ["12"], "../12"])
def test_what_is_no_account_is_refused(make_world: Make, account: object) -> None:
    """Nothing is sent to another account than the exporter meant."""
    world = mirror_world(make_world)
    receipt = deliver(world, people(3), export={"account": account})
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "bad_manifest")
    assert not world.platform.calls
