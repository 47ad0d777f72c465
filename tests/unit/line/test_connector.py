"""The function's edge: what Lambda sees of a message, and when a message comes back."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any, cast

import pytest
from activation.aws.lease import LeaseHeld, LeaseLost
from activation.ledger.runs import RunState
from activation.platforms.limits import Limits
from activation.runs import connector as module
from activation.runs.connector import lambda_handler_for
from activation.runs.dispatch import Dispatcher
from activation.runs.plain_start import FRESH_S
from aws_lambda_powertools import Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from tests.unit.line.aws_in_memory import meta_of, refusal
from tests.unit.line.platform import hashed
from tests.unit.line.tiny_publisher import platform_of
from tests.unit.line.world import ACCOUNT, World, people, table

# What one process of the tests does, and a Lambda never: make a function's metrics again, and flush none.
pytestmark = pytest.mark.filterwarnings("ignore:Dimension 'connector'", "ignore:No application metrics")


@dataclass(frozen=True)
class Context:
    """What Lambda tells a function about its invocation."""

    function_name: str = "tiny"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:tiny"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Return the time left."""
        return 300_000


class Function:
    """A world's function behind Lambda's edge."""

    def __init__(self, world: World, patch: pytest.MonkeyPatch) -> None:
        self.world = world
        environment = {
            "CONNECTOR": world.name,
            "SECRET_ARN": world.secret,
            "DROPS_BUCKET": "drops",
            "RECEIPTS_BUCKET": "receipts",
            "MIRRORS_BUCKET": "mirrors",
            "LEDGER_TABLE": "ledger",
            "QUEUE_URL": world.queue_url,
            "DEAD_LETTER_QUEUE_URL": world.dead_url,
            "EVENT_BUS_NAME": "app",
        }
        for name, value in environment.items():
            patch.setenv(name, value)
        services = {
            "s3": "s3",
            "sqs": "sqs",
            "events": "events",
            "dynamodb": "dynamodb",
            "secretsmanager": "secrets",
        }

        def client(name: str, **_: Any) -> Any:
            made = getattr(world.aws, services[name])
            made.meta = meta_of(name)
            return made

        patch.setattr("boto3.client", client)
        patch.setattr(module, "PooledHttp", lambda **_: world.platform)
        limits = Limits(max_rows=3, max_bytes=10**6)
        self.handler = lambda_handler_for(platform_of(limits))

    def receive(self, body: str, *, receives: int = 1) -> list[str]:
        """Hand a message over; returns the ids of those that must come back."""
        record = {
            "messageId": "m1",
            "receiptHandle": "r1",
            "body": body,
            "attributes": {"ApproximateReceiveCount": str(receives)},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:1:q",
            "awsRegion": "eu-west-1",
        }
        answer: dict[str, Any] = self.handler({"Records": [record]}, cast("LambdaContext", Context()))
        return [one["itemIdentifier"] for one in answer["batchItemFailures"]]

    @property
    def hidden_s(self) -> list[int]:
        """For how long messages were hidden."""
        return [seconds for _, seconds in self.world.aws.sqs.hidden]


@pytest.fixture
def function(world: World, monkeypatch: pytest.MonkeyPatch) -> Function:
    """Return a function, without metrics that an earlier test left unpublished."""
    Metrics().clear_metrics()
    return Function(world, monkeypatch)


def test_a_message_that_was_handled_is_done(
    function: Function, logs: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    """It does not come back, and its run is logged and measured by connector."""
    world = function.world
    assert function.receive(world.drop(table(people(4)))) == []
    world.check(*people(4))
    lines = [json.loads(line) for line in logs.getvalue().splitlines()]
    (run,) = [line for line in lines if line["message"] == "run"]
    assert (run["state"], run["rows_acknowledged"], run["continuation"]) == ("applied", 4, 0)
    assert run["run_id"] == world.receipt()["run_id"]
    (metrics,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (metrics["RowsAcknowledged"], metrics["connector"]) == ([4.0], world.name)


def test_a_blocked_run_is_done_too_since_its_message_is_kept(function: Function) -> None:
    """What a person has to mend waits in the dead letters, not in the queue."""
    world = function.world
    world.platform.tokens = set()
    assert function.receive(world.drop(table(people(4)))) == []
    assert world.dead_codes() == ["token_refused"]


@pytest.mark.parametrize("receives", [1, 2, 5])
def test_a_ledger_that_does_not_answer_is_waited_for_longer_each_time(function: Function, receives: int) -> None:
    """The few receives of a message outlast an outage of minutes."""
    world = function.world

    def fail(name: str, _: object) -> None:
        if name == "get_item":
            raise refusal(name, "InternalServerError")

    world.aws.before.append(fail)
    assert function.receive(world.drop(table(people(4))), receives=receives) == ["m1"]
    assert function.hidden_s == [10 * 2 ** (receives - 1)]


def test_what_nobody_foresaw_comes_back_and_is_logged_by_place_alone(
    function: Function, monkeypatch: pytest.MonkeyPatch, logs: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    """The text of such an error may hold a cell of the file."""

    def explode(*_: object, **__: object) -> None:
        raise ValueError("person1@example.com")

    monkeypatch.setattr("activation.runs.drop.map_columns", explode)
    assert function.receive(function.world.drop(table(people(4)))) == ["m1"]
    assert function.hidden_s == [60]
    out = capsys.readouterr()
    assert "person1" not in logs.getvalue() + out.out + out.err
    assert '"error":"ValueError"' in logs.getvalue()
    assert '"at":"test_connector.py:' in logs.getvalue()


@pytest.mark.parametrize(("error", "hidden_s"), [(LeaseHeld(42.5), 343), (LeaseLost(), 60), (ValueError("x"), 60)])
def test_every_failure_is_reported_and_comes_back_in_time(
    function: Function, monkeypatch: pytest.MonkeyPatch, error: Exception, hidden_s: int
) -> None:
    """No failure is acknowledged, and none waits for the queue's half hour."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Dispatcher, "handle", fail)
    assert function.receive("{}") == ["m1"]
    assert function.hidden_s == [hidden_s]


def test_a_function_without_its_settings_says_which(
    function: Function, monkeypatch: pytest.MonkeyPatch, logs: io.StringIO
) -> None:
    """The message comes back, and the log names what is missing."""
    monkeypatch.delenv("LEDGER_TABLE")
    assert function.receive("{}") == ["m1"]
    assert "LEDGER_TABLE" in logs.getvalue()


def test_a_run_that_ended_between_look_and_claim_is_left_alone(world: World) -> None:
    """The slower of two workers does not finish a finished run again."""
    body = world.drop(table(people(3)))
    world.clock.pass_s(2 * FRESH_S)  # a run of an older event begins with a look at its record
    slow = world.process()
    looked: list[bool] = []

    def finish_meanwhile(name: str, _: object) -> None:
        if name == "get_item" and not looked:
            looked.append(True)
            assert world.handle(body) is RunState.APPLIED

    world.aws.after.append(finish_meanwhile)
    ends_at = world.clock() + 300
    assert slow.handle(body, aws_account=ACCOUNT, time_left_s=lambda: ends_at - world.clock()) is None
    world.check(*people(3))
    assert len(world.events) == 1
    assert world.run_of(body).state is RunState.APPLIED


def test_aws_that_denies_blocks_and_aws_that_is_busy_waits(world: World) -> None:
    """A role that lacks a permission needs a person; a slow store does not."""
    fail = ["SlowDown", "SlowDown", "AccessDenied"]

    def refuse(name: str, call: Any) -> None:
        if name == "put_object" and ".rejects/" in call["Key"] and fail:
            raise refusal("PutObject", fail.pop(0))

    world.aws.before.append(refuse)
    world.run(world.drop("email\nnobody\nperson1@example.com\n"))
    assert world.receipt()["state"] == "blocked"
    assert world.dead_codes() == ["aws_denied"]
    world.run(world.drop("email\nnobody\nperson1@example.com\n", audience="other", file="b.csv"))
    assert set(world.platform.members) == {(hashed("person1@example.com"),)}


def test_a_bus_that_does_not_take_the_event_delays_the_end(world: World) -> None:
    """The run is not done before it was announced."""
    bus: Any = world.aws.events
    bus._client.failing = 2
    world.run(world.drop(table(people(3))))
    world.check(*people(3))
    assert world.handled == 3
    assert len(world.events) == 3
