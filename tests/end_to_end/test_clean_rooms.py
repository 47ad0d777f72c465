"""A Clean Rooms query in the deployed sandbox: due by its schedule, run by SQL, closed, sent, accounted for."""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from sandbox import clean_rooms
from sandbox.emulator.clean_rooms.service import Membership, Template, configuration
from tests.end_to_end.driver import Sandbox, until
from tests.end_to_end.line import Line
from tests.end_to_end.people import Person, people
from tests.end_to_end.test_commands import activation

TABLES = "example-clean-rooms-tables"
STACK = "audience-activation-clean-rooms"
DAY_S, MINUTE_S = 86_400, 60
KEPT = ("Name", "ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow", "Target", "Description")


class Room:
    """The membership of the sandbox's query, over a table of people."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.s3, self.began = sandbox, sandbox.client("s3"), time.time()
        self.url = f"{sandbox.described['aws_endpoint_url']}/_clean_rooms"
        (stack,) = sandbox.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        self.outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
        with suppress(ClientError):  # made for an earlier test
            self.s3.create_bucket(Bucket=TABLES)

    def share(self, spend: dict[Person, int], **changes: Any) -> None:
        """Make the table of who has spent what, and the membership."""
        rows = "".join(f"{person.email},{person.phone},{value}\n" for person, value in spend.items())
        self.s3.put_object(Bucket=TABLES, Key="customers.csv", Body=f"email,phone,spend\n{rows}".encode())
        sql = "SELECT email, phone FROM customers WHERE spend >= :least ORDER BY email"
        membership = Membership(
            clean_rooms.MEMBERSHIP,
            clean_rooms.COLLABORATION,
            tables={"customers": f"s3://{TABLES}/customers.csv"},
            templates={clean_rooms.TEMPLATE: Template(sql, {"least": "INTEGER"})},
            **changes,
        )
        requests.post(self.url, data=configuration(membership), timeout=5).raise_for_status()

    def started(self, day: str) -> list[dict[str, Any]]:
        """Return every query that was started for a slot of this day."""
        found: list[dict[str, Any]] = requests.get(self.url, timeout=5).json()
        mine = [one for one in found if one["createTime"] >= self.began]  # a sandbox may be kept from other runs
        return [one for one in mine if f"/{day}T" in one["output"]["keyPrefix"]]

    def due(self, slot: str, times: int = 1) -> None:
        """Send what the schedule sends, so many times."""
        body = json.dumps({"query": clean_rooms.QUERY, "slot": slot})
        for _ in range(times):
            self.sandbox.client("sqs").send_message(QueueUrl=self.outputs["CleanRoomsQueueUrl"], MessageBody=body)

    def is_idle(self) -> bool:
        """Return whether no message waits or is worked on."""
        counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        of_queue = self.sandbox.client("sqs").get_queue_attributes(
            QueueUrl=self.outputs["CleanRoomsQueueUrl"], AttributeNames=counts
        )
        return all(of_queue["Attributes"][one] == "0" for one in counts)

    def dead_letters(self) -> list[dict[str, Any]]:
        """Take the dead letters."""
        sqs, url = self.sandbox.client("sqs"), self.outputs["CleanRoomsDeadLetterQueueUrl"]
        found = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"]).get("Messages", [])
        for one in found:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
        return list(found)


@pytest.fixture
def room(meta: Line) -> Room:
    """Return the membership, with nothing on its way: `meta` has emptied the ledger of what was started."""
    found, sqs = Room(meta.sandbox), meta.sandbox.client("sqs")
    for name in ("CleanRoomsQueueUrl", "CleanRoomsDeadLetterQueueUrl"):
        sqs.purge_queue(QueueUrl=found.outputs[name])
    return found


def slot_of(day: str) -> str:
    """Return a slot of a day that no other run of the tests has."""
    return f"{day}T{time.strftime('%H:%M:%S', time.gmtime())}Z"


def receipts(line: Line) -> list[dict[str, Any]]:
    """Return the final receipts of the query's audience, by slot."""
    bucket = line.sandbox.described["receipts_bucket"]
    prefix = f"receipts/{line.connector}/{clean_rooms.AUDIENCE}/"
    listed = line.sandbox.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    found = [line.sandbox.receipt_so_far(one["Key"]) for one in listed if one["Key"].endswith(".json")]
    return sorted(
        (one for one in found if one and one["final"]), key=lambda one: str(one["folder"]["export"]["slot"])
    )


@pytest.mark.faults
def test_a_schedule_leads_to_a_receipt(meta: Line, room: Room) -> None:
    """The people whom the SQL finds are in the audience, and the receipt names the slot and the query."""
    spend = {person: 100 * number for number, person in enumerate(people(40, "big-spender"))}
    room.share(spend)
    scheduler = meta.sandbox.client("scheduler")
    found = [scheduler.get_schedule(Name=one["Name"]) for one in scheduler.list_schedules()["Schedules"]]
    (schedule,) = (one for one in found if clean_rooms.QUERY in one["Target"].get("Input", ""))
    assert (schedule["State"], schedule["ScheduleExpressionTimezone"]) == (
        "DISABLED",
        "America/Argentina/Buenos_Aires",
    )
    kept = {key: schedule[key] for key in KEPT if key in schedule}
    scheduler.update_schedule(**kept, State="ENABLED")
    try:
        meta.sandbox.advance(DAY_S)
        (receipt,) = until(lambda: receipts(meta) or None, 240)
    finally:
        scheduler.update_schedule(**kept, State="DISABLED")
    (query,) = room.started(receipt["folder"]["export"]["slot"][:10])
    assert receipt["state"] == "applied"
    assert receipt["folder"]["export"]["declaration"] == clean_rooms.QUERY
    assert receipt["folder"]["export"]["slot"].endswith("T09:00:00Z")  # six o'clock in Buenos Aires
    expected = [person for person, value in spend.items() if value >= int(clean_rooms.PARAMETERS["least"])]
    assert receipt["rows"]["in"] == receipt["rows"]["acknowledged"] == len(expected)
    assert meta.held(clean_rooms.AUDIENCE) == meta.members(expected)
    assert (query["status"], room.dead_letters()) == ("SUCCESS", [])


@pytest.mark.faults
def test_repetitions_and_a_lost_answer_start_one_query(meta: Line, room: Room) -> None:
    """Of twenty messages of one slot, the first never hears that its query was started: one query is paid."""
    room.share(dict.fromkeys(people(5, "once"), 900))
    meta.sandbox.aws_faults(
        {"service": "cleanrooms", "action": "StartProtectedQuery", "drop": "after", "times": 1}
    )
    room.due(slot_of("2026-12-05"), times=20)
    until(lambda: room.started("2026-12-05") or None, 60)

    def settled() -> bool | None:
        meta.sandbox.advance(3 * MINUTE_S)
        return True if [one for one in receipts(meta) if "12-05" in one["folder"]["export"]["slot"]] else None

    until(settled, 120)
    until(lambda: room.is_idle() or None, 120)  # a message that is left would start a query for the next test
    assert len(room.started("2026-12-05")) == 1
    assert room.dead_letters() == []


@pytest.mark.faults
def test_a_failed_query_is_an_alarm_and_is_redriven(meta: Line, room: Room) -> None:
    """Nothing is sent; the letter says why, `status` lists it, and a redrive runs it once more."""
    some = people(5, "again")
    room.share(dict.fromkeys(some, 900), ends="FAILED", error="INSUFFICIENT_PERMISSIONS")
    slot = slot_of("2026-12-06")
    room.due(slot)
    cloudwatch, name = (
        meta.sandbox.client("cloudwatch"),
        room.outputs["CleanRoomsDeadLetterQueueUrl"].split("/")[-1],
    )

    def alarm() -> bool | None:
        meta.sandbox.advance(MINUTE_S)
        pages = cloudwatch.get_paginator("describe_alarms").paginate()
        alarms = [one for page in pages for one in page["MetricAlarms"]]
        mine = [one for one in alarms if {"Name": "QueueName", "Value": name} in one.get("Dimensions", ())]
        return True if any(one["StateValue"] == "ALARM" for one in mine) else None

    until(alarm, 120)
    sqs = meta.sandbox.client("sqs")
    (letter,) = sqs.receive_message(
        QueueUrl=room.outputs["CleanRoomsDeadLetterQueueUrl"], MessageAttributeNames=["All"], VisibilityTimeout=0
    )["Messages"]
    attributes = {key: one["StringValue"] for key, one in letter["MessageAttributes"].items()}
    assert attributes["code"] == "query_failed"
    assert "INSUFFICIENT_PERMISSIONS" in attributes["reason"]
    assert json.loads(letter["Body"]) == {"query": clean_rooms.QUERY, "slot": slot, "after": 1}
    assert receipts(meta) == []
    listed = [json.loads(line) for line in activation(meta, "status", "--json").stdout.splitlines()]
    assert ("failed", "query_failed") in [(one["state"], one["code"]) for one in listed]
    room.share(dict.fromkeys(some, 900))
    done = activation(meta, "redrive", "--clean-rooms")
    # Two where the hint and the poll found the failure at the same moment: both letters ask for one query.
    assert done.returncode == 0, done.stderr
    assert re.search("^completed: [12] messages? moved", done.stdout), done.stdout
    (receipt,) = until(lambda: receipts(meta) or None, 240)
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == ("applied", len(some))
    assert len(room.started("2026-12-06")) == 2
