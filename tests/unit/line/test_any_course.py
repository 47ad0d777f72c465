"""Drops under crashes, lost answers, throttles, refusals and limits, put together by seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
from activation.aws.lease import LeaseHeld, LeaseLost
from activation.errors import ActivationError
from activation.platforms.rate import Rate, Scope, Tier, Window

from tests.unit.line.platform import Fault, hashed
from tests.unit.line.world import World, people

Make = Callable[..., World]
SEEDS_PER_TEST = 10
FAULTS: tuple[Callable[[int], Fault], ...] = (
    lambda skip: Fault(skip=skip, lost="after"),
    lambda skip: Fault(skip=skip, lost="before"),
    lambda skip: Fault(skip=skip, lost="unreached"),
    lambda skip: Fault(skip=skip, status=429, headers={"retry-after": "1"}),
    lambda skip: Fault(skip=skip, status=429, headers={"retry-after": "700"}),
    lambda skip: Fault(skip=skip, status=409, headers={"retry-after": "77"}),
    lambda skip: Fault(skip=skip, status=503),
)


def _chosen(rng: random.Random, among: Iterable[str], shares: tuple[float, ...]) -> set[str]:
    share = rng.choice(shares)
    return {one for one in among if rng.random() < share}


def _world(rng: random.Random, make_world: Make, *, one_kind: bool) -> World:
    windows = (Window(rng.choice([20, 30]), 60.0), Window(200, 600.0), Window(3, 2.0))
    paced = Rate(Scope.ACCOUNT, {"any": Tier(windows, "https://platform.example/docs", "2026-11-29")})
    world = make_world(
        max_rows=rng.choice([2, 3, 8, 16]),
        in_flight=rng.choice([1, 1, 2, 4]),
        rate=paced if rng.random() < 0.3 else None,
        can_ask=rng.random() < 0.5,
        handles=rng.random() < 0.5,
        one_kind=one_kind,
        dependent=one_kind and rng.random() < 0.4,
    )
    if rng.random() < 0.3:
        world.settings = replace(world.settings, split_above_bytes=200, max_parts=3)
        world.restart()
    if rng.random() < 0.3:
        world.platform.max_members = rng.choice([1, 2, 5])
    world.platform.names_bad = rng.random() < 0.5
    world.platform.unnamed_drops = not one_kind and rng.random() < 0.3
    world.platform.faults += [rng.choice(FAULTS)(rng.randint(0, 12)) for _ in range(rng.randint(0, 4))]
    return world


@pytest.mark.parametrize("one_kind", [False, True])
@pytest.mark.parametrize("first_seed", range(0, 40, SEEDS_PER_TEST))
def test_every_row_has_its_end_whatever_happens(make_world: Make, first_seed: int, one_kind: bool) -> None:
    """The sums are exact, the good rows are there, the refused are not, and only what was in doubt is resent."""
    for seed in range(first_seed, first_seed + SEEDS_PER_TEST):
        rng = random.Random(seed)
        world = _world(rng, make_world, one_kind=one_kind)
        emails = people(rng.randint(1, 40))
        refused = _chosen(rng, emails, (0, 0.1, 0.3))
        left_out = _chosen(rng, emails, (0, 0.1)) - refused
        world.platform.refuses, world.platform.drops = set(map(hashed, refused)), set(map(hashed, left_out))
        second = "spare" if one_kind else "customer_id"
        rows = [f"{one},{(f's{one}' if one_kind else one[:8]) if rng.random() < 0.5 else ''}" for one in emails]
        body = world.drop("\n".join([f"email,{second}", *rows, ""]))
        if rng.random() < 0.8:
            world.aws.fuse.set(rng.randint(1, 120), after=rng.random() < 0.5)
        world.run(body, most=500)
        assert all(isinstance(one, ActivationError | LeaseHeld | LeaseLost) for one in world.failures), seed
        receipt = world.receipt()
        bad = refused | left_out
        assert (receipt["state"], receipt["rows"]["in"]) == ("applied", len(emails)), (seed, receipt["reason"])
        assert receipt["rows"]["acknowledged"] == len(emails) - len(bad), (seed, receipt["rows"])
        world.check_sums(receipt)
        have = {member[0] for member in world.platform.members}
        assert {hashed(one) for one in emails if one not in bad} <= have, seed
        assert not {hashed(one) for one in bad} & have, seed
        in_flight = world.settings.requests_in_flight or world.limits.in_flight
        assert world.platform.resent <= world.crashes * in_flight + world.platform.lost, seed


@pytest.mark.parametrize("one_kind", [False, True])
@pytest.mark.parametrize("first_seed", range(0, 20, SEEDS_PER_TEST))
def test_a_person_of_two_addresses_has_one_end(make_world: Make, first_seed: int, one_kind: bool) -> None:
    """A row counts once, as acknowledged when the platform has all its addresses, whatever happens to which.

    Refusals that the platform only counts may be of rows that it refused by name as well.
    """
    for seed in range(first_seed, first_seed + SEEDS_PER_TEST):
        rng = random.Random(seed)
        world = _world(rng, make_world, one_kind=one_kind)
        world.platform.unnamed_drops = False
        first = people(rng.randint(1, 40))
        second = [rng.choice([one, "", "nobody"]) for one in people(len(first), start=1000)]
        refused = _chosen(rng, [*first, *second], (0, 0.1, 0.3)) - {"", "nobody"}
        left_out = _chosen(rng, [*first, *second], (0, 0.1)) - refused - {"", "nobody"}
        world.platform.refuses, world.platform.drops = set(map(hashed, refused)), set(map(hashed, left_out))
        rows = [
            rng.choice([f"{one},{two}", f"{two},{one}"] if "@" in two else [f"{one},{two}"])
            for one, two in zip(first, second, strict=True)
        ]
        body = world.drop("\n".join(["email,e-mail", *rows, ""]))
        if rng.random() < 0.8:
            world.aws.fuse.set(rng.randint(1, 120), after=rng.random() < 0.5)
        world.run(body, most=500)
        receipt, bad = world.receipt(), refused | left_out
        good = sum(bad.isdisjoint(pair) for pair in zip(first, second, strict=True))
        counted = receipt["rejected_by_platform"].get("refused", 0)
        assert (receipt["state"], receipt["rows"]["in"]) == ("applied", len(first)), (seed, receipt["reason"])
        assert good - counted <= receipt["rows"]["acknowledged"] <= good, (seed, receipt["rows"])
        world.check_sums(receipt)
        have = {value for member in world.platform.members for value in member}
        assert {hashed(one) for one in (*first, *second) if "@" in one and one not in bad} <= have, seed
        assert not {hashed(one) for one in bad} & have, seed
