"""The audience of the app's own exports is looked for while their files are opened, and once."""

from __future__ import annotations

from threading import current_thread

import pytest
from activation.ledger.runs import RunState
from activation.pipeline.client import MAX_ATTEMPTS
from activation.platforms.request import Answer, Request

from tests.unit.line.mirrors import Make, check_holds, counts, deliver, mirror_world
from tests.unit.line.platform import Fault
from tests.unit.line.world import World, people

OWN = {"declaration": "vip", "slot": "2026-12-01T10:00:00Z"}
each_way = pytest.mark.parametrize("replaces", [False, True], ids=["difference", "replace"])


def threads_of_reads(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that the names of the threads are added to which look for the audience."""
    found: list[str] = []
    send = world.platform.send

    def named(request: Request, *, timeout_s: float) -> Answer:
        if request.call == "find":
            found.append(current_thread().name)
        return send(request, timeout_s=timeout_s)

    monkeypatch.setattr(world.platform, "send", named)
    return found


@each_way
def test_an_own_export_is_looked_ahead_for(
    make_world: Make, monkeypatch: pytest.MonkeyPatch, replaces: bool
) -> None:
    """The thread's answer is the one that counts: the platform is asked no more often than for other folders."""
    world = mirror_world(make_world, replaces=replaces)
    deliver(world, people(20), export=OWN)
    for export in (None, OWN):
        threads = threads_of_reads(world, monkeypatch)
        receipt = deliver(world, people(19, start=4), export=export)
        assert receipt["state"] == RunState.APPLIED
        assert set(threads) == {"look-ahead"} if export else "look-ahead" not in threads
        asked = len(threads)
    assert asked == 1
    check_holds(world, people(19, start=4))


def test_what_the_thread_could_not_read_is_read_again(make_world: Make) -> None:
    """When it has given up after its attempts, the run asks for itself."""
    world = mirror_world(make_world)
    deliver(world, people(20), export=OWN)
    world.platform.faults.append(Fault("find", lost="unreached", times=MAX_ATTEMPTS))
    receipt = deliver(world, people(18, start=4), export=OWN)
    assert (receipt["state"], counts(receipt)) == (RunState.APPLIED, {"unchanged": 17, "joined": 1, "left": 3})


def test_an_audience_that_is_gone_is_told_though_the_drop_was_read_meanwhile(make_world: Make) -> None:
    """Nothing is sent to it, and none is made."""
    world = mirror_world(make_world)
    deliver(world, people(20), export=OWN)
    world.platform.audiences.clear()
    before = world.platform.calls["users"], world.platform.calls["create"]
    receipt = deliver(world, people(18, start=4), export=OWN)
    assert (receipt["state"], receipt["reason"]["code"]) == (RunState.BLOCKED, "audience_missing")
    assert (world.platform.calls["users"], world.platform.calls["create"]) == before
