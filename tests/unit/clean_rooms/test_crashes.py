"""The function killed before and after each of its calls, and answers lost: a query is never started twice."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from activation.ledger.paid_starts import StartState

from lambdas.clean_rooms.calls import IN_DOUBT_AFTER_S
from tests.unit.clean_rooms.world import AT, LOST, QUEUE, World, answer

START = "cleanrooms.start_protected_query"
RESULTS = ("email\nann@example.com\n",)  # no SQL is run, which takes longer than all the rest


@cache
def calls_of_a_run(ends: str) -> tuple[str, ...]:
    """Return the calls of an undisturbed run."""
    world = World()
    world.set_up(ends=ends, results=RESULTS)
    world.due()
    world.run()
    return tuple(world.calls.made)


def kills(ends: str) -> list[tuple[str, int]]:
    """Return each place at which a run can be killed."""
    return [(when, number) for when in ("before", "after") for number in range(1, len(calls_of_a_run(ends)) + 1)]


@pytest.mark.parametrize("kill", kills("SUCCESS"), ids=lambda kill: f"{kill[0]}-{kill[1]}")
def test_a_killed_function_starts_no_second_query(kill: tuple[str, int]) -> None:
    """The next delivery goes on where it stopped; if nobody can say whether a query was started, it stops."""
    world = World()
    world.set_up(results=RESULTS)
    world.calls.kill = kill
    world.due()
    world.run(rounds=20)
    assert world.queues.messages[QUEUE] == []
    killed_at = calls_of_a_run("SUCCESS")[kill[1] - 1]
    if kill[0] == "before" and killed_at == START:
        assert (world.started, world.manifests()) == (0, [])
        assert world.dead() == [("start_in_doubt", {"query": "vip", "slot": AT, "after": 1})]
    elif killed_at == "dynamodb.update_item" and world.started == 0:
        assert [code for code, _ in world.dead()] == ["start_in_doubt"]
    else:
        assert (world.started, len(world.manifests()), world.dead()) == (1, 1, [])
        assert world.record().state is StartState.SUCCEEDED


@pytest.mark.parametrize("kill", kills("FAILED"), ids=lambda kill: f"{kill[0]}-{kill[1]}")
def test_a_killed_function_loses_no_failure(kill: tuple[str, int]) -> None:
    """A failed query is a dead letter, wherever the function was killed; twice at worst."""
    world = World()
    world.set_up(ends="FAILED")
    world.calls.kill = kill
    world.due()
    world.run(rounds=20)
    assert world.queues.messages[QUEUE] == []
    assert world.started <= 1
    assert world.record().state is StartState.FAILED
    assert {code for code, _ in world.dead()} <= {"query_failed", "start_in_doubt"}
    assert len(world.dead()) in (1, 2)


def test_a_doubt_is_settled_by_a_redrive() -> None:
    """The operator has looked: the redrive starts one query, below a prefix of its own."""
    world = World()
    world.calls.kill = ("before", calls_of_a_run("SUCCESS").index(START) + 1)
    world.due()
    world.run(rounds=20)
    for _ in range(3):
        world.due(after=1)
    world.run(rounds=20)
    assert (world.started, len(world.manifests()), world.record().attempt) == (1, 1, 2)


@pytest.mark.parametrize("error", [LOST, answer("InternalServerException", 500), answer("RequestTimeout", 408)])
@pytest.mark.parametrize("repeats", [1, 5])
def test_a_lost_answer_is_settled_by_the_list(error: Exception, repeats: int) -> None:
    """The query that was started is found by where its results go, among others of its membership."""
    world = World()
    lost = [error]

    def lose(when: str, name: str) -> None:
        if (when, name) == ("after", START) and lost:
            raise lost.pop()

    world.calls.fail = lose
    for number in range(5):
        world.due(f"2026-11-{number + 10}T06:00:00Z")
    world.run()
    others = world.started
    lost.append(error)
    for _ in range(repeats):
        world.due()
    world.run()
    assert world.started == others + 1 == 6
    assert len(world.manifests()) == 6
    assert world.dead() == []


def test_a_query_that_the_list_shows_late_is_waited_for() -> None:
    """As long as it may still show up, nothing is started and nothing is in doubt."""
    world = World()
    hidden: list[str] = []

    def lose(when: str, name: str) -> None:
        if (when, name) == ("after", START):
            hidden.extend(world.service.queries)
            raise LOST

    world.calls.fail = lose
    listed = world.service.page
    world.service.page = lambda request: {  # type: ignore[method-assign]  # the page of a service that fails
        "protectedQueries": []
        if hidden and world.now - world.service.queries[hidden[0]].created_at < IN_DOUBT_AFTER_S - 100
        else listed(request)["protectedQueries"]
    }
    world.due()
    world.run(rounds=20, pass_s=90)
    assert (world.started, len(world.manifests()), world.dead()) == (1, 1, [])


def test_a_call_that_never_arrived_stops_with_its_code() -> None:
    """After the time in which a query shows up, the slot is given up instead of paid for twice."""
    world = World()

    def lose(when: str, name: str) -> None:
        if (when, name) == ("before", START):
            raise LOST

    world.calls.fail = lose
    world.due()
    world.run(rounds=30, pass_s=90)
    assert world.started == 0
    assert [code for code, _ in world.dead()] == ["start_in_doubt"]
    assert (world.record().state, world.record().reason) == (StartState.FAILED, "start_in_doubt")
    assert world.calls.made.count(START) == 1


def not_listed(request: dict[str, Any]) -> dict[str, Any]:
    """Answer for a list that lags."""
    del request
    return {"protectedQueries": []}


def in_doubt() -> World:
    """Return a world in which a query was started, was not answered and not listed, until the slot stopped."""
    world = World()

    def lose(when: str, name: str) -> None:
        if (when, name) == ("after", START):
            raise LOST

    world.calls.fail = lose
    shown, world.service.page = world.service.page, not_listed  # type: ignore[method-assign]  # a list that lags
    world.due()
    for _ in range(12):  # the query itself does not go on, so that no event tells of it
        world.deliver()
        world.now += 200.0
    world.service.page = shown  # type: ignore[method-assign]  # the list has caught up
    assert [code for code, _ in world.dead()] == ["start_in_doubt"]
    assert (world.started, world.queues.messages[QUEUE]) == (1, [])
    return world


def test_a_query_in_doubt_that_shows_up_is_adopted() -> None:
    """Its event leads to its manifest; the dead letter, redriven afterwards, starts nothing."""
    world = in_doubt()
    (query,) = world.service.queries.values()
    world.service.advance(query)
    for _ in range(2):  # repeated events change nothing more
        world.send(json.dumps(world.events[-1]))
    world.run(rounds=20)
    assert (world.started, len(world.manifests()), world.record().state) == (1, 1, StartState.SUCCEEDED)
    world.due(after=1)
    world.run(rounds=20)
    assert (world.started, len(world.manifests()), len(world.dead())) == (1, 1, 1)


def test_a_redrive_looks_for_the_query_in_doubt_first() -> None:
    """Nobody has heard of it, and it is listed by now: it is not paid for again."""
    world = in_doubt()
    for _ in range(3):
        world.due(after=1)
    world.run(rounds=20)
    assert (world.started, len(world.manifests()), world.record().attempt) == (1, 1, 1)
    assert world.record().state is StartState.SUCCEEDED


def test_a_query_in_doubt_that_was_run_again_is_not_adopted() -> None:
    """The operator's second query is the slot's: what the first one wrote is nobody's drop."""
    world = in_doubt()
    listed, world.service.page = world.service.page, not_listed  # type: ignore[method-assign]  # a list that lags
    world.calls.fail = lambda when, name: None
    world.due(after=1)
    world.deliver()
    world.service.page = listed  # type: ignore[method-assign]  # as above
    world.run(rounds=20)
    first = next(iter(world.service.queries.values()))
    world.send(json.dumps(next(one for one in world.events if first.id in json.dumps(one))))
    world.run(rounds=20)
    (manifest,) = world.manifests()
    assert (world.started, world.record().attempt) == (2, 2)
    assert "Z-2/" in manifest["key"]
