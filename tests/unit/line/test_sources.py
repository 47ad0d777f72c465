"""Drops from buckets of other owners: which objects are read, what they are read as, and that nothing else is."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from activation.drops.sources import BucketSource
from activation.ledger.keys import unversioned_key
from activation.ledger.runs import RunState
from activation.model import Action
from activation.runs.settings import FolderTimes

from tests.unit.line.world import NAMES, World, people, table

VIP = BucketSource("exports", "vip people/", "VIP", "raw")
OWNER = "210987654321"


def with_sources(world: World, *sources: BucketSource, versioned: bool = True) -> World:
    """Give a world's connector some sources; their buckets keep versions or not."""
    world.settings = replace(world.settings, sources=sources)
    if not versioned:
        world.aws.s3.unversioned.update(source.bucket for source in sources)
    world.restart()
    return world


def put(world: World, key: str, text: str, bucket: str = "exports", **more: Any) -> str:
    """Write an object into another owner's bucket, and give the message that comes of it."""
    put = world.aws.s3.put_object(Bucket=bucket, Key=key, Body=text.encode())
    item = {"key": key, "size": len(text), "sequencer": f"{next(NAMES):018X}"}
    item |= {"version-id": put["VersionId"]} if "VersionId" in put else {"etag": put["ETag"]}
    return world.event(item, detail={"bucket": {"name": bucket}, "object": item}, **more)


@pytest.mark.parametrize("versioned", [True, False])
def test_an_object_of_a_source_is_a_drop(world: World, versioned: bool) -> None:
    """The settings say the audience, and the people of the file are in it; the object is left as it is."""
    with_sources(world, VIP, versioned=versioned)
    world.run(put(world, "vip people/part 1+1.csv", table(people(7))))
    receipt = world.check(*people(7))
    assert (receipt["audience"]["name"], receipt["action"]) == ("VIP", "add")
    assert (receipt["drop"]["bucket"], receipt["drop"]["key"]) == ("exports", "vip people/part 1+1.csv")
    assert ("etag" in receipt["drop"]) is not versioned
    assert world.aws.s3.get_object(Bucket="exports", Key="vip people/part 1+1.csv")["Body"].read()


@pytest.mark.parametrize("versioned", [True, False])
def test_an_object_without_a_version_leaves_a_mark_of_its_bytes(world: World, versioned: bool) -> None:
    """Whoever compares bucket and ledger cannot know its run's name; with versions there is no such mark."""
    with_sources(world, VIP, versioned=versioned)
    message = put(world, "vip people/a.csv", table(people(2)))
    etag = world.aws.s3.head_object(Bucket="exports", Key="vip people/a.csv")["ETag"]
    world.run(message)
    mark = unversioned_key(world.settings.connector, "exports", "vip people/a.csv", etag)
    assert (world.connector.connector.ledger._table.read(mark) is None) is versioned


def test_what_follows_the_prefix_is_never_taken_for_an_action(make_world: Any) -> None:
    """A file named like an action is a file: the settings alone say what is done to the audience."""
    world = with_sources(make_world(actions=tuple(Action)), replace(VIP, action="remove"))
    world.run(put(world, "vip people/add", table(people(1))))
    assert (world.receipt()["state"], world.receipt()["action"]) == ("applied", "remove")


@pytest.mark.parametrize(
    ("bucket", "key", "more", "code"),
    [
        ("exports", "vip people", {}, "foreign_bucket"),
        ("exports", "vip people-2/a.csv", {}, "foreign_bucket"),
        ("exports", "other/vip people/a.csv", {}, "foreign_bucket"),
        ("strange", "vip people/a.csv", {}, "foreign_bucket"),
        ("exports", "vip people/a.csv", {"account": OWNER}, "foreign_account"),
    ],
)
def test_what_is_not_of_a_source_is_refused(
    world: World, bucket: str, key: str, more: dict[str, str], code: str
) -> None:
    """Another prefix, bucket or owner is a dead letter, whatever let its event into the queue."""
    with_sources(world, VIP)
    assert world.handle(put(world, key, table(people(1)), bucket, **more)) is RunState.FAILED
    assert world.dead_codes() == [code]
    assert world.platform.calls == {}


def test_the_owner_of_a_source_may_be_another_account(world: World) -> None:
    """The events of a bucket name its owner: the one of the settings is read, the app's own account is not."""
    with_sources(world, replace(VIP, account=OWNER))
    assert world.handle(put(world, "vip people/a.csv", table(people(1)))) is RunState.FAILED
    assert world.dead_codes() == ["foreign_account"]
    world.run(put(world, "vip people/a.csv", table(people(2)), account=OWNER))
    world.check(*people(2))


def test_without_versions_other_bytes_are_never_taken_for_the_announced_ones(world: World) -> None:
    """An object that was overwritten before it was read fails with its code, and its successor is sent."""
    with_sources(world, VIP, versioned=False)
    first = put(world, "vip people/a.csv", table(people(3)))
    second = put(world, "vip people/a.csv", table(people(3, start=10)))
    world.run(first, second)
    found = {one["state"]: one for one in world.receipts()}
    assert found["failed"]["reason"]["code"] == "object_changed"
    assert found["applied"]["rows"]["acknowledged"] == 3
    world.check_members(*people(3, start=10))


def test_without_versions_an_object_that_changes_while_it_is_read_stops_the_run(world: World) -> None:
    """A continuation names the bytes that its run began with, and sends nothing of others."""
    with_sources(world, VIP, versioned=False)
    world.budget_s = 80.2
    world.handle(put(world, "vip people/a.csv", table(people(9))))
    before = world.platform.members.total()
    assert 0 < before < 9
    put(world, "vip people/a.csv", table(people(9, start=100)))
    world.run()
    assert world.receipt()["reason"]["code"] == "object_changed"
    assert world.platform.members.total() == before


def test_without_versions_the_same_event_is_one_run_and_the_same_bytes_later_another(world: World) -> None:
    """A replay sends nothing again; a file that comes back after another one does."""
    with_sources(world, VIP, versioned=False)
    event = put(world, "vip people/a.csv", table(people(2)))
    world.run(event)
    world.run(json.dumps(json.loads(event) | {"replay-name": "r"}))
    assert len(world.receipts()) == 1
    world.run(put(world, "vip people/a.csv", table(people(2, start=5))))
    world.run(put(world, "vip people/a.csv", table(people(2))))
    assert [one["state"] for one in world.receipts()] == ["applied"] * 3


def test_an_event_without_version_and_etag_names_no_bytes(world: World) -> None:
    """Whatever is there by then could be read, so nothing is."""
    with_sources(world, VIP)
    event = json.loads(put(world, "vip people/a.csv", table(people(1))))
    del event["detail"]["object"]["version-id"]
    assert world.handle(json.dumps(event)) is RunState.FAILED
    assert world.dead_codes() == ["no_version"]


@pytest.mark.parametrize("versioned", [True, False])
@pytest.mark.parametrize("sign", ["_SUCCESS", "manifest", ""])
def test_a_folder_of_a_source_is_one_drop(make_world: Any, versioned: bool, sign: str) -> None:
    """Its sign or the quiet time closes it in the other owner's bucket; the list is kept in the app's own."""
    world = make_world(actions=tuple(Action))
    with_sources(world, replace(VIP, action="replace"), versioned=versioned)
    world.settings = replace(world.settings, folders=FolderTimes(quiet_s=0 if sign else 60))
    world.restart()
    folder = "vip people/run-7/"
    world.send(*(put(world, f"{folder}part-{at}", table(people(3, start=at))) for at in (1, 4)))
    if sign:
        urls = [{"url": f"s3://exports/{folder}part-{at}"} for at in (1, 4)]
        world.send(put(world, folder + sign, "" if sign == "_SUCCESS" else json.dumps({"entries": urls})))
    world.run()
    receipt = world.check(*people(6))
    assert (receipt["drop"]["key"], receipt["folder"]["files"]) == (folder + sign, 2)
    assert receipt["folder"]["prefix"] == folder
    world.run(put(world, f"{folder}part-9", table(people(1, start=9))))
    assert [one["DetailType"] for one in world.events] == ["Activation Completed", "Activation Late Part"]


def test_a_source_of_a_whole_bucket_may_be_closed_by_the_quiet_time(make_world: Any) -> None:
    """Partitions at the top of a bucket belong to the bucket itself."""
    world = make_world(actions=tuple(Action))
    with_sources(world, replace(VIP, prefix="", action="replace"))
    world.settings = replace(world.settings, folders=FolderTimes(quiet_s=60))
    world.restart()
    world.run(*(put(world, f"dt=2026-11-{at:02d}/part", table(people(3, start=at))) for at in (1, 4)))
    assert world.check(*people(6))["drop"]["key"] == ""
