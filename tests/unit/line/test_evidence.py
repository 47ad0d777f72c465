"""What a replay may not destroy: final receipts, and the list of audiences that were ever written to."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from activation.report import stored
from botocore.exceptions import ClientError

from tests.unit.line.aws_in_memory import Buckets
from tests.unit.line.platform import Fault
from tests.unit.line.world import World, people, table

Make = Callable[..., World]


def forget(world: World) -> None:
    """Let DynamoDB's time to live delete every record of the connector that has an expiry."""
    items = world.aws.dynamodb.items
    for key in [key for key, item in items.items() if world.name in key and "expires_at" in item]:
        del items[key]


def replayed(body: str) -> str:
    """Return the event as a replay sends it."""
    return json.dumps(json.loads(body) | {"replay-name": "again"})


def lose(world: World) -> None:
    """Delete the connector's drops, as the bucket's lifecycle does."""
    objects = world.aws.s3.objects
    for one in [one for one in objects if one[0] == "drops" and one[1].startswith(f"{world.name}/")]:
        del objects[one]


def receipt_of(*, state: str = "applied", final: bool = True, acknowledged: int = 5) -> dict[str, Any]:
    """Return as much of a receipt as its rank depends on."""
    return {"state": state, "final": final, "rows": {"acknowledged": acknowledged}}


@pytest.mark.parametrize("gone", [True, False], ids=["drop gone", "drop still there"])
def test_a_replay_of_a_forgotten_run_changes_nothing(world: World, gone: bool) -> None:
    """When the ledger has forgotten a finished run, its receipt still says that there is nothing to do."""
    body = world.drop(table(people(5)))
    world.run(body)
    before, calls = world.check(*people(5)), dict(world.platform.calls)
    forget(world)
    if gone:
        lose(world)
    world.run(replayed(body))
    assert world.receipt() == before
    assert world.platform.calls == calls
    assert [one["DetailType"] for one in world.events] == ["Activation Completed"]
    assert world.dead_codes() == []


def test_a_replay_of_a_forgotten_failure_keeps_the_rows_it_counts(make_world: Make) -> None:
    """A stopped run whose drop is gone fails anew, and its receipt still says how many people were sent."""
    world = make_world(max_rows=2)
    body = world.drop(table(people(6)))
    world.platform.faults.append(Fault("users", skip=2, times=1000, status=404))
    world.run(body)
    before = world.receipt()
    assert (before["state"], before["rows"]["acknowledged"]) == ("failed", 4)
    forget(world)
    lose(world)
    world.run(replayed(body))
    assert world.receipt() == before
    assert (world.dead_codes(), world.wrong_codes()) == (["audience_gone"], ["object_gone"])


def test_a_forgotten_failure_whose_drop_is_there_may_still_end_well(make_world: Make) -> None:
    """A replay sends the drop of a failed run, and the receipt then says so."""
    world = make_world(max_rows=2)
    body = world.drop(table(people(6)))
    world.platform.faults.append(Fault("users", skip=2, times=1000, status=404))
    world.run(body)
    forget(world)
    world.platform.faults.clear()
    world.run(replayed(body))
    assert (world.receipt()["state"], world.receipt()["rows"]["acknowledged"]) == ("applied", 6)


@pytest.mark.parametrize(
    ("kept", "new", "stays"),
    [
        (receipt_of(), receipt_of(state="failed", acknowledged=0), True),
        (receipt_of(), receipt_of(state="failed", acknowledged=9), True),
        (receipt_of(), receipt_of(state="running", final=False), True),
        (receipt_of(), receipt_of(acknowledged=4), True),
        (receipt_of(), receipt_of(), False),
        (receipt_of(state="failed"), receipt_of(state="failed", acknowledged=4), True),
        (receipt_of(state="failed"), receipt_of(state="running", final=False), False),
        (receipt_of(state="failed"), receipt_of(state="empty", acknowledged=0), False),
        (receipt_of(state="running", final=False), receipt_of(state="failed", acknowledged=0), False),
        ({}, receipt_of(state="failed", acknowledged=0), False),
    ],
)
def test_a_final_receipt_gives_way_to_none_that_says_less(
    kept: dict[str, Any], new: dict[str, Any], stays: bool
) -> None:
    """An end that went well stays, and so do the counted rows of one that did not."""
    s3 = Buckets()
    assert stored.write(s3, "receipts", "one.json", kept)  # type: ignore[arg-type]  # a fake
    assert stored.write(s3, "receipts", "one.json", new) is not stays  # type: ignore[arg-type]  # a fake
    assert json.loads(s3.get_object(Bucket="receipts", Key="one.json")["Body"].read()) == (kept if stays else new)


class Interrupted(Buckets):
    """S3 in which another writer puts a final receipt after each of our reads, up to `times`."""

    times = 1

    def get_object(self, **named: Any) -> dict[str, Any]:
        """Read, and let the other writer write."""
        answer = super().get_object(**named)
        if self.times:
            self.times -= 1
            super().put_object(Bucket="receipts", Key="one.json", Body=json.dumps(receipt_of()).encode())
        return answer


def test_another_writer_between_read_and_write_is_seen() -> None:
    """The write is conditional on what was read, so an end that came meanwhile is not overwritten."""
    s3 = Interrupted()
    s3.put_object(Bucket="receipts", Key="one.json", Body=b'{"final": false}')
    assert not stored.write(s3, "receipts", "one.json", receipt_of(state="failed"))  # type: ignore[arg-type]  # a fake
    assert json.loads(s3.objects["receipts", "one.json"][-1]) == receipt_of()


def test_a_denied_receipt_is_an_error_and_not_a_loop() -> None:
    """Only the answers of a condition are taken for one."""

    class Denied(Buckets):
        def put_object(self, **_: Any) -> dict[str, Any]:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "PutObject")

    with pytest.raises(ClientError, match="AccessDenied"):
        stored.write(Denied(), "receipts", "one.json", receipt_of())  # type: ignore[arg-type]  # a fake


def test_the_list_of_audiences_outlives_every_run(world: World) -> None:
    """When all records of runs and locks have expired, the ledger still says which audiences were written to."""
    world.run(world.drop(table(people(2))), world.drop(table(people(2)), audience="été", kind="raw/remove"))
    kept = {key for key in world.aws.dynamodb.items if world.name in key}
    forget(world)
    left = {key: item for key, item in world.aws.dynamodb.items.items() if world.name in key}
    assert len(left) < len(kept)
    assert {item["audience"]["S"] for item in left.values()} == {"vip", "été"}
    assert all("#known#" in key for key in left)
    (vip,) = (item for item in left.values() if item["audience"]["S"] == "vip")
    assert (vip["audience_id"]["S"], vip["connector"]["S"], vip["last_action"]["S"]) == ("a1", world.name, "add")
    assert float(vip["first_written_at"]["N"]) <= float(vip["last_written_at"]["N"])


def test_an_audience_of_a_run_that_stopped_is_listed(make_world: Make) -> None:
    """An audience that was opened may hold people, whatever became of the run."""
    world = make_world(max_rows=2)
    world.platform.faults.append(Fault("users", times=1000, status=404))
    world.run(world.drop(table(people(6))))
    assert world.receipt()["state"] == "failed"
    assert any("#known#" in key for key in world.aws.dynamodb.items if world.name in key)
