"""`activation test`: what it sends, and what it says of every end that the run can come to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from activation.model import Audience
from activation.report.receipts import stem
from moto import mock_aws
from typer.testing import CliRunner, Result

from cli import deployment, line_check
from cli.__main__ import app
from cli.deployment import Deployment
from lambdas.doctor.addresses import ConnectorAddresses


class Line:
    """The deployed line as the command sees it; `answer` is what the function does once the command waits."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.s3, self.dynamodb = boto3.client("s3"), boto3.client("dynamodb")
        self.sqs = boto3.client("sqs")
        for bucket in ("drops", "receipts"):
            self.s3.create_bucket(Bucket=bucket)
        self.s3.put_bucket_versioning(Bucket="drops", VersioningConfiguration={"Status": "Enabled"})
        self.dynamodb.create_table(
            TableName="ledger",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self.urls = {
            name: self.sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("q", "dead", "undelivered")
        }
        addresses = ConnectorAddresses(
            "secret", self.urls["q"], self.urls["dead"], self.urls["undelivered"], "function", "rule"
        )
        found = Deployment("drops", "receipts", "ledger", "archive", {"meta": addresses})
        monkeypatch.setattr(deployment, "find", lambda: found)
        self.now = 0.0
        monkeypatch.setattr(line_check, "time", SimpleNamespace(sleep=self._work, monotonic=lambda: self.now))
        self.answer: Callable[[str], None] = lambda run_id: None

    def _work(self, seconds: float) -> None:
        self.now += seconds
        self.answer(self.run_id)

    @property
    def run_id(self) -> str:
        """Return the id of the run that the uploaded sample causes."""
        from activation.model import Drop

        (one,) = self.s3.list_object_versions(Bucket="drops")["Versions"]
        return Drop("drops", one["Key"], one["VersionId"], "", one["Size"]).run_id("meta")

    def sample(self) -> tuple[str, str]:
        """Return the key and the text of what was uploaded."""
        (one,) = self.s3.list_objects_v2(Bucket="drops")["Contents"]
        return one["Key"], self.s3.get_object(Bucket="drops", Key=one["Key"])["Body"].read().decode()

    def becomes(self, state: str, acknowledged: int = 10, reason: dict[str, str] | None = None) -> None:
        """Let the function leave the run in a state, with a receipt."""

        def answer(run_id: str) -> None:
            item: Any = {"pk": {"S": f"meta#run#{run_id}"}, "state": {"S": state}}
            self.dynamodb.put_item(TableName="ledger", Item=item)
            receipt = {
                "state": state,
                "reason": reason,
                "rows": {"acknowledged": acknowledged},
                "audience": {"id": "4711", "created": True},
            }
            key = f"{stem(Audience('meta', line_check.AUDIENCE), run_id)}.json"
            self.s3.put_object(Bucket="receipts", Key=key, Body=json.dumps(receipt).encode())

        self.answer = answer

    def test(self, *options: str, typed: str = "") -> Result:
        """Run the command."""
        return CliRunner().invoke(app, ["test", "meta", *options], input=typed)


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Line]:
    """Return a deployed line, in a folder without settings."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.chdir(tmp_path)
    with mock_aws():
        yield Line(monkeypatch)


@pytest.mark.parametrize("state", ["applied", "accepted"])
def test_a_line_that_works_says_so(line: Line, state: str) -> None:
    """Ten people acknowledged are a success, also where the platform goes on processing them."""
    line.becomes(state)
    result = line.test("--yes")
    assert result.exit_code == 0, result.output
    assert 'acknowledged 10 of 10 people for the audience "activation test", id 4711 (created)' in result.output
    key, text = line.sample()
    assert key == "meta/activation test/raw/ten-invented-people.csv"
    assert len(text.splitlines()) == 11


def test_it_says_what_it_sends_and_asks(line: Line) -> None:
    """Whoever answers no has sent nothing, and has read to whom and to which audience it would have gone."""
    result = line.test(typed="n\n")
    assert result.exit_code == 1
    assert "sends 10 invented people to Meta" in result.output
    assert '"activation test"' in result.output
    assert "Contents" not in line.s3.list_objects_v2(Bucket="drops")
    line.becomes("applied")
    assert line.test(typed="y\n").exit_code == 0


def test_no_sale_is_invented(line: Line) -> None:
    """A connector of events gets no sample: it says why, and what shows instead that the line works."""
    result = CliRunner().invoke(app, ["test", "meta_conversions", "--yes"])
    assert result.exit_code == 1
    for part in ("would count as a real sale", "doctor --connector", "plan FILE --connector", "test_event_code"):
        assert part in result.output
    assert "Contents" not in line.s3.list_objects_v2(Bucket="drops")


def test_json_is_for_programs(line: Line) -> None:
    """It needs --yes, and is one object."""
    assert line.test("--json").exit_code == 2
    line.becomes("applied")
    told = json.loads(line.test("--json", "--yes").output)
    assert (told["ok"], told["state"], told["run_id"]) == (True, "applied", line.run_id)


def test_a_run_that_stops_is_a_no_with_its_reason(line: Line) -> None:
    """The reason is the receipt's, and the next command is named."""
    line.becomes("blocked", 0, {"code": "no_secret", "sentence": "the secret cannot be read"})
    result = line.test("--yes")
    assert result.exit_code == 1
    assert "the run is blocked: no_secret: the secret cannot be read" in result.output
    assert "doctor --connector meta" in result.output


def test_rows_that_were_not_acknowledged_are_a_no(line: Line) -> None:
    """A run that ends well with fewer people did not do what was asked."""
    line.becomes("applied", 7)
    result = line.test("--yes")
    assert result.exit_code == 1
    assert "7 of 10 people acknowledged" in result.output


@pytest.mark.parametrize(
    ("queue", "says"),
    [
        ("undelivered", "EventBridge could not deliver it"),
        ("dead", "it is in the dead letters"),
        ("q", "it waits in the connector's queue"),
        ("", "it is in none of the connector's queues"),
    ],
)
def test_an_event_that_does_not_arrive_is_looked_for(line: Line, queue: str, says: str) -> None:
    """When nothing has begun the run in time, the queue that holds the event is named."""
    if queue:
        line.sqs.send_message(QueueUrl=line.urls[queue], MessageBody="{}")
    result = line.test("--yes", "--within", "5")
    assert result.exit_code == 1
    assert "nothing has begun the drop within 5 s" in result.output
    assert says in result.output


def test_a_run_that_is_not_done_in_time_is_a_no(line: Line) -> None:
    """Its state is told, and that there is more to come."""
    line.becomes("waiting", 0, {"code": "throttled", "sentence": "the platform asks to wait"})
    result = line.test("--yes", "--within", "5")
    assert result.exit_code == 1
    assert "the run is waiting: throttled: the platform asks to wait" in result.output
