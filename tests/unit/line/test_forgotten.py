"""A forget in a mirrored audience: nobody who was removed is left in what the app keeps of it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from activation.ledger.runs import RunState
from activation.mirror.store import S3Pieces

from tests.unit.line.mirrors import check_holds, counts, deliver, kept, mirror_world, state_of
from tests.unit.line.platform import hashed
from tests.unit.line.world import World, people, table

Make = Callable[..., World]


def forget(world: World, emails: list[str]) -> list[str]:
    """Drop people as `activation forget` does; returns the events."""
    base = f"{world.name}/vip/raw/remove/forget-0123456789ab/"
    part = world.event(world.put(table(emails), f"{base}people.csv"))
    entries = [{"url": f"s3://drops/{base}people.csv"}]
    world.clock.pass_s(1)
    return [part, world.event(world.put(json.dumps({"entries": entries}), f"{base}manifest"))]


def held_bytes(world: World) -> bytes:
    """Return all that is kept of mirrored audiences, uncompressed as far as Parquet tells cells."""
    import pyarrow.parquet as pq

    pieces, found = S3Pieces(world.aws.s3, "mirrors"), b""
    for name in sorted(kept(world)):
        if name.endswith(".cells"):
            table_ = pq.read_table(pieces.open(name))
            found += b"".join(
                bytes(cell) for column in table_.columns for cell in column.to_pylist() if isinstance(cell, bytes)
            )
    return found


def test_nobody_forgotten_is_left_in_the_state(make_world: Make) -> None:
    """The others are kept as they were, and a list without them changes nothing."""
    world = mirror_world(make_world)
    everybody = people(6)
    deliver(world, everybody)
    digest = bytes.fromhex(hashed(everybody[0]))
    assert digest in held_bytes(world)
    world.run(*forget(world, everybody[:1]))
    assert {one["state"] for one in world.receipts()} == {RunState.APPLIED}
    check_holds(world, everybody[1:])
    assert digest not in held_bytes(world)
    assert bytes.fromhex(hashed(everybody[1])) in held_bytes(world)
    state = state_of(world)
    assert (state.pending, state.rows, state.snapshot and state.snapshot.lines) == ((), 5, 5)
    receipt = deliver(world, everybody[1:])
    assert counts(receipt) == {"unchanged": 5}
    check_holds(world, everybody[1:])


def test_whoever_is_in_a_later_list_is_added_again(make_world: Make) -> None:
    """The state says that they are not in the audience; only a suppression list keeps them out."""
    world = mirror_world(make_world)
    everybody = people(6)
    deliver(world, everybody)
    world.run(*forget(world, everybody[:1]))
    assert deliver(world, everybody)["mirror"]["joined"] == 1
    check_holds(world, everybody)


def test_pending_deltas_lose_them_as_well(make_world: Make) -> None:
    """What a run that did not end may have changed is known without them, and the next list is exact."""
    world = mirror_world(make_world)
    everybody = people(12)
    deliver(world, everybody[:6])
    usual = [f"{world.name}/vip/raw/remove/gone.csv"]
    world.run(world.event(world.put(table(everybody[:3]), usual[0])))
    assert len(state_of(world).pending) == 1
    world.run(*forget(world, everybody[:1]))
    digest = bytes.fromhex(hashed(everybody[0]))
    assert digest not in held_bytes(world)
    (delta,) = state_of(world).pending
    assert delta.removes is not None
    assert delta.removes.lines == 2
    deliver(world, everybody[1:])
    check_holds(world, everybody[1:])


@pytest.mark.parametrize("at", range(1, 60, 7))
def test_a_crash_anywhere_leaves_nobody(make_world: Make, at: int) -> None:
    """A forget that dies is repeated from where it was."""
    world = mirror_world(make_world)
    everybody = people(6)
    deliver(world, everybody)
    events = forget(world, everybody[:1])
    world.aws.fuse.set(at)
    world.run(*events)
    check_holds(world, everybody[1:])
    assert bytes.fromhex(hashed(everybody[0])) not in held_bytes(world)
    assert state_of(world).rows == 5
