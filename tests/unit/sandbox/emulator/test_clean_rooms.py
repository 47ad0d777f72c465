"""Simulated Clean Rooms behind the emulator, called by the SDK's own client."""

from __future__ import annotations

import io
import json
import uuid
from typing import Any

import pyarrow.parquet as pq
import pytest
import requests
from botocore.exceptions import ClientError

from sandbox.emulator.clean_rooms.limits import mistakes
from sandbox.emulator.clean_rooms.service import Membership, Template, configuration
from tests.unit.sandbox.emulator.driver import Emulator, until

COLLABORATION = str(uuid.uuid4())
CUSTOMERS = b"email,spend,joined\nann@example.com,900,2026-01-02\nbob@example.com,20,2026-03-04\n"


class Room:
    """A membership with a table of customers and a template over it, and a bucket for results."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator, self.id, self.bucket = emulator, str(uuid.uuid4()), emulator.bucket()
        self.template = f"arn:aws:cleanrooms:us-east-1:123456789012:membership/{self.id}/analysistemplate/big"
        emulator.client("s3").put_object(Bucket=self.bucket, Key="tables/customers.csv", Body=CUSTOMERS)
        self.set_up()

    def set_up(self, **changes: Any) -> None:
        """Make the membership, with changes."""
        sql = "SELECT email FROM customers WHERE spend >= :least AND joined >= :since"
        given = {
            "tables": {"customers": f"s3://{self.bucket}/tables/customers.csv"},
            "templates": {self.template: Template(sql, {"least": "INTEGER", "since": "DATE"})},
            "files": 1,
            **changes,
        }
        document = configuration(Membership(self.id, COLLABORATION, **given))
        answer = requests.post(f"{self.emulator.url}/_clean_rooms", data=document, timeout=5)
        assert answer.ok, answer.text

    def start(self, sql_parameters: dict[str, Any], **output: Any) -> dict[str, Any]:
        """Start a query."""
        s3 = {"resultFormat": "CSV", "bucket": self.bucket, "keyPrefix": "out/vip", **output}
        found: dict[str, Any] = self.emulator.client("cleanrooms").start_protected_query(
            type="SQL",
            membershipIdentifier=self.id,
            sqlParameters=sql_parameters,
            resultConfiguration={"outputConfiguration": {"s3": s3}},
        )["protectedQuery"]
        return found

    def get(self, id_: str) -> dict[str, Any]:
        """Read a query."""
        found: dict[str, Any] = self.emulator.client("cleanrooms").get_protected_query(
            membershipIdentifier=self.id, protectedQueryIdentifier=id_
        )["protectedQuery"]
        return found

    def ended(self, id_: str) -> dict[str, Any]:
        """Wait for the end of a query."""
        until(lambda: self.get(id_)["status"] not in ("SUBMITTED", "STARTED"), within_s=10)
        return self.get(id_)

    def objects(self, location: str) -> dict[str, bytes]:
        """Return what is below a location, by the last part of each key."""
        s3, prefix = self.emulator.client("s3"), location.removeprefix(f"s3://{self.bucket}/")
        keys = [one["Key"] for one in s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])]
        return {key.rpartition("/")[2]: s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in keys}


@pytest.fixture
def room(emulator: Emulator) -> Room:
    """Return a membership of its own."""
    return Room(emulator)


def test_a_template_runs_with_its_parameters(room: Room) -> None:
    """The parameters have the types of the template, and the rows are those that the SQL finds."""
    given = {"analysisTemplateArn": room.template, "parameters": {"least": "100", "since": "2026-01-01"}}
    query = room.start(given)
    assert query["status"] == "SUBMITTED"
    done = room.ended(query["id"])
    assert done["status"] == "SUCCESS"
    assert done["resultConfiguration"]["outputConfiguration"]["s3"]["keyPrefix"] == "out/vip"
    assert done["statistics"]["billedResourceUtilization"]["units"] > 0
    location = done["result"]["output"]["s3"]["location"]
    assert location == f"s3://{room.bucket}/out/vip/collaboration={COLLABORATION}/{query['id']}"
    assert room.objects(location) == {"000": b'email\n"ann@example.com"\n'}


def test_parquet_in_several_files(room: Room) -> None:
    """The rows are divided among files without an extension."""
    room.set_up(files=2)
    done = room.ended(
        room.start({"queryString": "SELECT email, spend FROM customers"}, resultFormat="PARQUET")["id"]
    )
    found = room.objects(done["result"]["output"]["s3"]["location"])
    assert list(found) == ["000", "001"]
    assert [pq.read_table(io.BytesIO(body)).num_rows for body in found.values()] == [1, 1]


def test_the_end_is_an_event(room: Room) -> None:
    """The event has the documented source and detail-type."""
    url, arn = room.emulator.open_queue()
    events, name = room.emulator.client("events"), f"t{uuid.uuid4().hex[:12]}"
    pattern = {"source": ["aws.cleanrooms"], "detail-type": ["Protected Query Succeeded"]}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": arn}])
    query = room.start({"queryString": "SELECT email FROM customers"})
    (message,) = room.emulator.receive(url, within_s=10)
    event = json.loads(message["Body"])
    assert (event["source"], event["detail-type"]) == ("aws.cleanrooms", "Protected Query Succeeded")
    assert query["id"] in json.dumps(event["detail"])


@pytest.mark.parametrize(
    ("changes", "sql", "status", "code"),
    [
        ({}, "SELECT nothing FROM customers", "FAILED", "MALFORMED_QUERY"),
        ({}, "SELECT * FROM read_csv('/etc/passwd')", "FAILED", "MALFORMED_QUERY"),
        ({"ends": "TIMED_OUT"}, "SELECT 1", "TIMED_OUT", "TRANSIENT_ERROR"),
        ({"ends": "CANCELLED"}, "SELECT 1", "CANCELLED", "TRANSIENT_ERROR"),
        ({"tables": {"gone": "s3://gone/x.csv"}}, "SELECT 1", "FAILED", "MALFORMED_QUERY"),
    ],
)
def test_a_query_can_end_otherwise(room: Room, changes: dict[str, Any], sql: str, status: str, code: str) -> None:
    """SQL that cannot be run fails, and a membership can be told how its queries end; then there is no result."""
    room.set_up(**changes)
    done = room.ended(room.start({"queryString": sql})["id"])
    assert (done["status"], done["error"]["code"]) == (status, code)
    assert "result" not in done


def test_the_list_is_in_pages(room: Room) -> None:
    """Newest first, of one membership, without where the results go."""
    room.set_up(takes_s=0.05)
    started = []
    for _ in range(3):
        started.append(room.start({"queryString": "SELECT 1"})["id"])
        room.ended(started[-1])
    pages = room.emulator.client("cleanrooms").get_paginator("list_protected_queries")
    found = [list(page["protectedQueries"]) for page in pages.paginate(membershipIdentifier=room.id, maxResults=2)]
    assert [len(one) for one in found] == [2, 1]
    assert [one["id"] for page in found for one in page] == started[::-1]
    assert {"resultConfiguration", "sqlParameters"}.isdisjoint(found[0][0])


def code_of(call: Any) -> tuple[int, str]:
    """Return status and code of a refused call."""
    with pytest.raises(ClientError) as refused:
        call()
    response = refused.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_what_aws_refuses_is_refused(room: Room) -> None:
    """The published limits, unions, words and patterns hold, and what is not there is not found."""
    invalid = (400, "ValidationException")
    sql = {"queryString": "SELECT 1"}
    assert code_of(lambda: room.start(sql, keyPrefix="VIP customers")) == invalid
    assert code_of(lambda: room.start(sql, keyPrefix="x" * 513)) == invalid
    assert code_of(lambda: room.start(sql, resultFormat="JSON")) == invalid
    assert code_of(lambda: room.start({"queryString": "x" * 500_001})) == invalid
    assert code_of(lambda: room.start({})) == invalid
    assert code_of(lambda: room.start({**sql, "analysisTemplateArn": room.template})) == invalid
    assert code_of(lambda: room.start({"analysisTemplateArn": room.template})) == invalid
    assert code_of(lambda: room.start({"analysisTemplateArn": f"{room.template}-2"}))[0] == 404
    assert code_of(lambda: room.get(str(uuid.uuid4()))) == (404, "ResourceNotFoundException")
    room.id = str(uuid.uuid4())
    assert code_of(lambda: room.start(sql)) == (404, "ResourceNotFoundException")


def test_more_than_a_few_at_once_are_refused(room: Room) -> None:
    """As the quota of running queries says, with its own HTTP status."""
    room.set_up(most_running=1, takes_s=5)
    room.start({"queryString": "SELECT 1"})
    assert code_of(lambda: room.start({"queryString": "SELECT 1"})) == (402, "ServiceQuotaExceededException")


def test_an_unknown_call_is_refused(room: Room) -> None:
    """What is not simulated does not seem to work."""
    client = room.emulator.client("cleanrooms")
    assert code_of(client.list_collaborations)[0] == 404


def test_an_answer_can_be_lost(room: Room, faults: Any) -> None:
    """The query was started all the same."""
    faults([{"service": "cleanrooms", "action": "StartProtectedQuery", "drop": "after", "times": 1}])
    with pytest.raises(Exception, match=r"(?i)connection|closed"):
        room.start({"queryString": "SELECT 1"})
    shown = requests.get(f"{room.emulator.url}/_clean_rooms", timeout=5).json()
    assert len([one for one in shown if one["membershipId"] == room.id]) == 1


def test_a_union_has_one_member() -> None:
    """The model of the SDK says which structures are unions; the service refuses two members or none."""
    output = {"member": {"accountId": "123456789012"}, "s3": {"resultFormat": "CSV", "bucket": "abc"}}
    request = {
        "type": "SQL",
        "membershipIdentifier": str(uuid.uuid4()),
        "sqlParameters": {},
        "resultConfiguration": {"outputConfiguration": output},
    }
    assert any("exactly one member" in one for one in mistakes("StartProtectedQuery", request))
