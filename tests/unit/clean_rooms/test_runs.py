"""A slot of a Clean Rooms query: started once, read until it ends, closed by a manifest."""

from __future__ import annotations

import json
from typing import Any

import pytest
from activation.ledger.paid_starts import StartState

from lambdas.clean_rooms.messages import Slot
from lambdas.clean_rooms.runs import MOST_TURNS
from tests.unit.clean_rooms.world import AT, BUCKET, COLLABORATION, MEMBERSHIP, QUEUE, World, answer

PREFIX = "activation/query=vip/2026-12-01T060000Z-1"


def test_a_due_query_becomes_a_closed_folder() -> None:
    """The manifest lists what the query has written, with sizes, and says for which slot and by which query."""
    world = World()
    world.due()
    world.run()
    (query,) = world.service.queries.values()
    folder = f"{PREFIX}/collaboration={COLLABORATION}/{query.id}/"
    (manifest,) = world.manifests()
    assert manifest["key"] == f"{folder}_manifest.json"
    bodies = [world.buckets.objects[BUCKET, f"{folder}00{number}"][-1] for number in range(2)]
    assert bodies == [b'email\n"ann@example.com"\n', b'email\n"cy@example.com"\n']
    assert manifest["entries"] == [
        {"url": f"s3://{BUCKET}/{folder}00{number}", "meta": {"content_length": len(body)}}
        for number, body in enumerate(bodies)
    ]
    assert manifest["activation"] == {"slot": AT, "declaration": "vip"}
    assert (world.record().state, world.record().id) == (StartState.SUCCEEDED, query.id)
    assert world.dead() == []


def test_a_repeated_schedule_starts_one_query() -> None:
    """Twenty deliveries of one slot start one query and write one manifest; another slot is another query."""
    world = World()
    for _ in range(20):
        world.due()
    world.run()
    assert (world.started, len(world.manifests())) == (1, 1)
    world.due("2026-12-02T06:00:00Z")
    world.run()
    assert (world.started, len(world.manifests())) == (2, 2)


def test_a_slot_after_its_end_makes_no_call_of_clean_rooms() -> None:
    """What has ended is known from the ledger."""
    world = World()
    world.due()
    world.run()
    world.calls.made.clear()
    world.due()
    world.deliver()
    assert not [one for one in world.calls.made if not one.startswith("dynamodb.get_item")]


def test_a_running_query_is_read_again_later() -> None:
    """A message goes on with it, and waits longer each time."""
    world = World()
    world.due()
    delays = []
    send = world.queues.send_message

    def noted(**arguments: Any) -> None:
        delays.append(arguments.pop("DelaySeconds"))
        send(**arguments)

    world.queues.send_message = noted  # type: ignore[method-assign]  # a queue that notes what it gets
    for _ in range(5):
        assert world.deliver() == []
    assert delays == [30, 60, 120, 300, 300]
    assert [json.loads(one["Body"])["turn"] for one in world.queues.messages[QUEUE]] == [5]


@pytest.mark.parametrize(
    ("ends", "code"),
    [("FAILED", "query_failed"), ("CANCELLED", "query_cancelled"), ("TIMED_OUT", "query_timed_out")],
)
def test_a_query_that_does_not_succeed_is_a_dead_letter_and_a_state(ends: str, code: str) -> None:
    """Its redrive runs it again, once, below a prefix of its own, however often it is repeated."""
    world = World()
    world.set_up(ends=ends)
    world.due()
    world.run()
    assert world.dead() == [(code, {"query": "vip", "slot": AT, "after": 1})]
    assert (world.record().state, world.record().reason, world.manifests()) == (StartState.FAILED, code, [])
    world.due()
    world.run()
    assert world.started == 1
    world.set_up()
    for _ in range(5):
        world.due(after=1)
    world.run()
    assert world.started == 2
    (manifest,) = world.manifests()
    assert manifest["key"].startswith("activation/query=vip/2026-12-01T060000Z-2/")
    assert (world.record().state, world.record().attempt) == (StartState.SUCCEEDED, 2)


def test_what_clean_rooms_says_of_a_failure_is_its_code_alone() -> None:
    """The message may hold parts of the query; the code and the query's id are enough to find it."""
    world = World()
    world.set_up(ends="FAILED", error="INSUFFICIENT_PERMISSIONS")
    world.due()
    world.run()
    (letter,) = world.queues.messages["dead-letters"]
    reason = letter["MessageAttributes"]["reason"]["StringValue"]
    assert "INSUFFICIENT_PERMISSIONS" in reason
    assert "as the sandbox was told" not in reason


def test_a_query_of_another_day_does_not_stop_the_next() -> None:
    """A slot that has failed leaves the others alone."""
    world = World()
    world.set_up(ends="FAILED")
    world.due()
    world.run()
    world.set_up()
    world.due("2026-12-02T06:00:00Z")
    world.run()
    assert [one["activation"]["slot"] for one in world.manifests()] == ["2026-12-02T06:00:00Z"]


@pytest.mark.parametrize("code", ["ServiceQuotaExceededException", "ThrottlingException"])
def test_a_limit_that_passes_is_waited_for(code: str) -> None:
    """The wait is a message of its own: it uses up no delivery, and nothing is in doubt."""
    world = World()
    refusals = [answer(code, 402 if code.startswith("Service") else 429)] * 7

    def refuse(when: str, name: str) -> None:
        if (when, name) == ("before", "cleanrooms.start_protected_query") and refusals:
            raise refusals.pop()

    world.calls.fail = refuse
    world.due()
    world.run()
    assert (world.started, len(world.manifests()), world.dead()) == (1, 1, [])
    assert "cleanrooms.list_protected_queries" not in world.calls.made


def test_what_a_person_has_to_change_comes_back() -> None:
    """A refusal for want of a permission returns the message, and nothing was started."""
    world = World()

    def refuse(when: str, name: str) -> None:
        if (when, name) == ("before", "cleanrooms.start_protected_query"):
            raise answer("AccessDeniedException", 403)

    world.calls.fail = refuse
    world.due()
    (failure,) = world.deliver()
    assert failure.__name__ == "ConfigError"
    world.calls.fail = lambda _when, _name: None
    world.run()
    assert (world.started, len(world.manifests())) == (1, 1)


@pytest.mark.parametrize("ends", ["", "/"])
def test_results_may_be_directly_below_the_prefix(ends: str) -> None:
    """The location is whatever Clean Rooms gives, also the prefix itself."""
    world = World()
    world.due()
    world.deliver()
    (query,) = world.service.queries.values()
    query.status, query.location = "SUCCESS", f"s3://{BUCKET}/{PREFIX}{ends}"
    world.service.write(BUCKET, f"{PREFIX}/part-00000.csv", b"email\nann@example.com\n")
    world.run()
    assert not world.dead()
    assert [one["key"] for one in world.manifests()] == [f"{PREFIX}/_manifest.json"]


def test_results_that_go_elsewhere_are_refused() -> None:
    """Without a location in this account, or with one outside the prefix, there is nothing to close."""
    for location in ("", "s3://other/activation/query=vip/x", f"s3://{BUCKET}/elsewhere/000"):
        world = World()
        world.due()
        world.deliver()
        (query,) = world.service.queries.values()
        query.status, query.location = "SUCCESS", location
        world.run()
        assert [code for code, _ in world.dead()] == ["results_elsewhere"]
        assert world.manifests() == []


def test_a_success_without_a_file_is_refused() -> None:
    """A mirror of nobody is nobody's intention."""
    world = World()
    world.due()
    world.deliver()
    (query,) = world.service.queries.values()
    query.status, query.location = "SUCCESS", f"s3://{BUCKET}/{PREFIX}/collaboration={COLLABORATION}/{query.id}"
    world.run()
    assert [code for code, _ in world.dead()] == ["no_results"]


@pytest.mark.parametrize("slash", ["", "/"])
def test_files_without_content_and_signs_are_left_out(slash: str) -> None:
    """Only objects with bytes below the query's own location are in the manifest."""
    world = World()
    world.due()
    world.run(rounds=2)
    (query,) = world.service.queries.values()
    folder = f"{PREFIX}/collaboration={COLLABORATION}/{query.id}"
    for name in (f"{folder}/002", f"{folder}/_SUCCESS", f"{folder}-other/000"):
        world.buckets.put_object(Bucket=BUCKET, Key=name, Body=b"" if name.endswith("2") else b"x")
    query.status, query.location = "SUCCESS", f"s3://{BUCKET}/{folder}{slash}"
    world.run()
    (manifest,) = world.manifests()
    assert [one["url"].rpartition("/")[2] for one in manifest["entries"]] == ["000", "001"]


def test_a_single_file_is_a_folder_of_one() -> None:
    """Where the location is the file itself, the manifest is beside it."""
    world = World()
    world.due()
    world.deliver()
    (query,) = world.service.queries.values()
    key = f"{PREFIX}/collaboration={COLLABORATION}/{query.id}/000.csv"
    world.buckets.put_object(Bucket=BUCKET, Key=key, Body=b"email\nann@example.com\n")
    query.status, query.location = "SUCCESS", f"s3://{BUCKET}/{key}"
    world.run()
    (manifest,) = world.manifests()
    assert manifest["key"] == key.replace("000.csv", "_manifest.json")
    assert [one["url"] for one in manifest["entries"]] == [f"s3://{BUCKET}/{key}"]


def test_the_event_of_the_end_closes_the_query_at_once() -> None:
    """The event is a hint: which query it was is read from Clean Rooms, and the slot from where its results go."""
    world = World()
    world.due()
    world.deliver()
    world.queues.messages[QUEUE].clear()
    (query,) = world.service.queries.values()
    for _ in range(2):
        world.service.advance(query)
    assert world.events[-1]["detail-type"] == "Protected Query Succeeded"
    world.send(json.dumps(world.events[-1]))
    world.deliver()
    assert len(world.manifests()) == 1
    assert world.queues.messages[QUEUE] == []
    world.send(json.dumps(world.events[-1]))
    world.deliver()
    assert (len(world.manifests()), world.record().state) == (1, StartState.SUCCEEDED)


def test_without_an_event_the_query_is_closed_all_the_same() -> None:
    """Clean Rooms delivers events as best it can."""
    world = World()
    world.set_up(sends_events=False)
    world.due()
    world.run()
    assert len(world.manifests()) == 1


@pytest.mark.parametrize("where", ["detail", "resources", "nested"])
def test_an_event_is_searched_for_ids(where: str) -> None:
    """No field of the detail is documented, so an id counts wherever it is, also within an ARN."""
    world = World()
    world.due()
    world.deliver()
    world.queues.messages[QUEUE].clear()
    (query,) = world.service.queries.values()
    for _ in range(2):
        world.service.advance(query)
    shapes: dict[str, dict[str, Any]] = {
        "detail": {"detail": {"id": query.id}},
        "resources": {"resources": [f"arn:aws:cleanrooms:us-east-1:1:membership/{MEMBERSHIP}/query/{query.id}"]},
        "nested": {"detail": {"query": [{"ids": {"x": query.id}}]}, "resources": []},
    }
    world.send(json.dumps({"source": "aws.cleanrooms", "detail-type": "x", **shapes[where]}))
    world.deliver()
    assert len(world.manifests()) == 1


def test_an_event_of_somebody_else_s_query_changes_nothing() -> None:
    """Queries of the same membership that were not started here are left alone, also below the same prefix."""
    world = World()
    world.due()
    world.deliver()
    world.queues.messages[QUEUE].clear()
    for prefix in ("reports", PREFIX, "activation/query=vip/"):
        output = {"s3": {"resultFormat": "CSV", "bucket": BUCKET, "keyPrefix": prefix}}
        other = world.service.start(
            {
                "type": "SQL",
                "membershipIdentifier": MEMBERSHIP,
                "sqlParameters": {"queryString": "SELECT 1 AS email"},
                "resultConfiguration": {"outputConfiguration": output},
            }
        )
        for _ in range(2):
            world.service.advance(other)
        world.send(json.dumps(world.events[-1]))
    world.send(json.dumps({"source": "aws.cleanrooms", "detail": {"id": "00000000-0000-4000-8000-000000000000"}}))
    assert world.deliver() == []
    assert (world.manifests(), world.record().state, world.dead()) == ([], StartState.STARTED, [])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('{"query": "gone", "slot": "2026-12-01T06:00:00Z"}', "unknown_query"),
        ('{"query": "vip", "slot": "<aws.scheduler.scheduled-time>"}', "not_understood"),
        ('{"query": "vip", "slot": "2026-12-01T06:00:00Z", "after": -1}', "not_understood"),
        ('{"query": "vip", "slot": "2026-12-01T06:00:00Z", "turn": true}', "not_understood"),
        ("[]", "not_understood"),
        ("{", "not_understood"),
    ],
)
def test_a_message_that_is_not_understood_is_a_dead_letter(body: str, code: str) -> None:
    """It starts nothing, and says why."""
    world = World()
    world.send(body)
    assert world.deliver() == []
    (letter,) = world.queues.messages["dead-letters"]
    assert (letter["Body"], letter["MessageAttributes"]["code"]["StringValue"]) == (body, code)
    assert world.started == 0


def test_a_query_that_never_ends_is_given_up() -> None:
    """After days of reading, a person has to look; the record stays, so that a redrive goes on reading."""
    world = World()
    world.due()
    world.deliver()
    world.queues.messages[QUEUE].clear()
    world.send(Slot("vip", AT, turn=MOST_TURNS).body)
    world.deliver()
    ((code, letter),) = world.dead()
    assert code == "deadline"
    assert world.record().state is StartState.STARTED
    world.send(json.dumps(letter))  # as a redrive does
    world.deliver()
    assert len(world.dead()) == 1
