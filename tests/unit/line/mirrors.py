"""Mirrors in the small world: folders with a sign, and who is in the audience afterwards."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from activation.aws.lease import LeaseHeld, LeaseLost
from activation.aws.table import ConditionalTable
from activation.errors import ActivationError
from activation.mirror.state import MirrorState
from activation.mirror.states import MirrorStates
from activation.model import Action

from tests.unit.line.platform import hashed
from tests.unit.line.watched_aws import Aws
from tests.unit.line.world import World, table

ALL = tuple(Action)
DIFFERS = (Action.ADD, Action.REMOVE, Action.MIRROR)  # what a platform offers that replaces nobody
NUMBERS = itertools.count(1)
Make = Callable[..., World]


def mirror_world(make_world: Make, *, replaces: bool = False, **settings: Any) -> World:
    """Return a world whose platform replaces audiences, when the uploads are closed, or one that does not."""
    return make_world(actions=ALL if replaces else DIFFERS, handles=replaces, strict=True, **settings)


def mirror(world: World, people: Iterable[str] | str, *, export: Mapping[str, Any] | None = None) -> list[str]:
    """Put a list of addresses, or the text of a file, as a folder below `mirror`; return its events."""
    folder = f"{world.name}/vip/raw/mirror/export-{next(NUMBERS)}/"
    text = people if isinstance(people, str) else table(people)
    world.clock.pass_s(1)
    part = world.event(world.put(text, f"{folder}part-0.csv"))
    entries = [{"url": f"s3://drops/{folder}part-0.csv"}]
    own = {"activation": export} if export else {}
    world.clock.pass_s(1)
    return [part, world.event(world.put(json.dumps({"entries": entries, **own}), f"{folder}manifest"))]


def deliver(world: World, people: Iterable[str] | str, **more: Any) -> dict[str, Any]:
    """Drop a mirror, see it through, and return its receipt."""
    before = {one["run_id"] for one in world.receipts()}
    world.run(*mirror(world, people, **more))
    for failure in world.failures:
        if not isinstance(failure, LeaseHeld | LeaseLost | ActivationError):
            raise failure
    (receipt,) = [one for one in world.receipts() if one["run_id"] not in before]
    return receipt


def check_holds(world: World, people: Iterable[str]) -> None:
    """Assert that the audience holds the identifiers of these people, and of nobody else."""
    assert world.platform.cells == {hashed(one) for one in people}


def state_of(world: World) -> MirrorState:
    """Return what is known of the audience."""
    states = MirrorStates(ConditionalTable(world.aws.dynamodb, "ledger"), clock=world.clock)
    return states.read(f"account#tiny#{world.name}#audience#vip")


def kept(world: World) -> set[str]:
    """Return the names of what is kept of mirrored audiences."""
    return {key for bucket, key in world.aws.s3.objects if bucket == "mirrors"}


def both_worlds() -> list[bool]:
    """Return whether the platform replaces: no, and yes."""
    return [False, True]


def counts(receipt: Mapping[str, Any]) -> dict[str, int]:
    """Return how a receipt's mirror differs, without what is 0."""
    names = ("unchanged", "joined", "changed", "sent_again", "left", "held")
    return {name: receipt["mirror"][name] for name in names if receipt["mirror"][name]}


def in_memory() -> Aws:
    """Return an AWS of its own."""
    return Aws.in_memory()
