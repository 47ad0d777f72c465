"""Drops that are expected and do not come."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import boto3
import pytest
from activation.aws.clients import Clients
from activation.aws.table import ConditionalTable
from activation.ledger.arrivals import Arrivals
from activation.runs.expected import Expected
from activation.runs.missing import Bucket
from moto import mock_aws

from lambdas.drop_watch import handler
from lambdas.drop_watch.handler import DropWatch

BERLIN = ZoneInfo("Europe/Berlin")
HOURLY = Expected("meta", "VIP", every_hours=24)
DAILY = Expected("meta", "News", by="06:30", zone="Europe/Berlin")


def at(day: int, hour: int, minute: int = 0, *, month: int = 11) -> float:
    """Return a time in Berlin as Unix seconds."""
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN).timestamp()


@pytest.mark.parametrize(
    ("arrived", "now", "since"),
    [
        (at(29, 6), at(29, 7), None),  # in time
        (at(28, 6), at(29, 6, 29), None),  # today's is not due yet
        (at(28, 6), at(29, 6, 31), at(29, 6, 30)),
        (at(28, 6), at(29, 23), at(29, 6, 30)),
        (at(29, 9), at(29, 23), None),  # late, but there
        (at(29, 9), at(30, 6, 31), at(30, 6, 30)),  # it was late for the 29th, and the 30th's has not come
        (at(29, 18, 29), at(30, 6, 31), at(30, 6, 30)),
        (at(29, 18, 30), at(30, 6, 31), None),  # early
        (0.0, at(29, 7), at(29, 6, 30)),  # never
    ],
)
def test_a_daily_drop_is_overdue_from_its_time_of_day(arrived: float, now: float, since: float | None) -> None:
    """By the clock of its time zone."""
    assert DAILY.overdue_since(arrived, now) == since


@pytest.mark.parametrize(("arrived", "is_overdue"), [(at(29, 0), False), (at(28, 23, 59), True)])
def test_a_drop_of_the_same_day_is_in_time(arrived: float, is_overdue: bool) -> None:
    """Also where the time of day is late, and the drop came many hours before it."""
    late = Expected("meta", "News", by="23:00", zone="Europe/Berlin")
    assert (late.overdue_since(arrived, at(29, 23, 30)) is not None) is is_overdue


def test_the_time_of_day_keeps_when_clocks_change() -> None:
    """On the day after a change it is 06:30 as well, 25 hours after the day before."""
    before, after = at(24, 6, month=10), at(25, 6, 31, month=10)
    assert DAILY.overdue_since(before, after) == at(25, 6, 30, month=10)
    assert at(25, 6, 30, month=10) - at(24, 6, 30, month=10) == 25 * 3600


def test_a_drop_every_so_many_hours_is_overdue_after_them() -> None:
    """One that has never come is overdue at once."""
    assert HOURLY.overdue_since(1000.0, 1000.0 + 24 * 3600) is None
    assert HOURLY.overdue_since(1000.0, 1001.0 + 24 * 3600) == 1000.0 + 24 * 3600
    assert HOURLY.overdue_since(0.0, 1e9) is not None


@pytest.fixture
def table() -> Iterator[ConditionalTable]:
    """Return an empty ledger."""
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(
            TableName="ledger",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield ConditionalTable(client, "ledger")


class Bus:
    """A bus that keeps what is put on it."""

    def __init__(self) -> None:
        self.details: list[dict[str, Any]] = []

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        """Keep the events."""
        self.details += [json.loads(one["Detail"]) for one in Entries]
        return {"FailedEntryCount": 0}


def watch_at(table: ConditionalTable, bus: Bus, now: float) -> DropWatch:
    """Return the watch at a time."""
    clients: Any = Clients(s3=None, sqs=None, events=bus, table=table)  # type: ignore[arg-type]  # not called
    dynamodb: Any = None
    bucket = Bucket("drops", ["meta"])
    return DropWatch(bucket, clients, dynamodb, "ledger", "bus", 90, clock=lambda: now, expected=(HOURLY, DAILY))


def counted(capsys: pytest.CaptureFixture[str], watch: DropWatch) -> int:
    """Return the metric that one look of the watch writes."""
    capsys.readouterr()
    handler._metrics.clear_metrics()
    watch.count_overdue()
    (values,) = [one["Value"] for name, one in handler._metrics.metric_set.items() if name == "DropsOverdue"]
    return int(values[-1])


def test_what_does_not_come_is_counted_each_hour_and_announced_once(
    table: ConditionalTable, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mail names connector and audience; the count falls to 0 once the drop has come."""
    bus = Bus()
    for audience in ("VIP", "News"):
        Arrivals(table, clock=lambda: at(28, 6)).note("meta", audience)
    assert counted(capsys, watch_at(table, bus, at(29, 5))) == 0
    assert counted(capsys, watch_at(table, bus, at(29, 6, 45))) == 2
    assert counted(capsys, watch_at(table, bus, at(29, 8, 1))) == 2
    assert [one["audience"] for one in bus.details] == ["VIP", "News"]
    assert bus.details[1]["reason"] == {
        "code": "drop_overdue",
        "sentence": "one is expected each day by 06:30 (Europe/Berlin)",
    }
    assert bus.details[0]["notice"]["what"] == "No drop has come for audience VIP of connector meta."
    for audience in ("VIP", "News"):
        Arrivals(table, clock=lambda: at(29, 9)).note("meta", audience)
    assert counted(capsys, watch_at(table, bus, at(29, 10))) == 0


def test_a_drop_that_has_never_come_is_announced_once(table: ConditionalTable) -> None:
    """By `every_hours` at the first look, however late that is; not again before one has come."""
    bus = Bus()
    for hour in (7, 8, 9):
        watch_at(table, bus, at(29, hour)).count_overdue()
    assert [one["audience"] for one in bus.details] == ["VIP", "News"]
    Arrivals(table, clock=lambda: at(29, 10)).note("meta", "VIP")
    watch_at(table, bus, at(30, 11)).count_overdue()
    assert [one["audience"] for one in bus.details] == ["VIP", "News", "VIP", "News"]


def test_what_became_overdue_while_the_watch_was_down_is_announced(table: ConditionalTable) -> None:
    """A look that is hours late announces what the ones before it would have."""
    bus = Bus()
    Arrivals(table, clock=lambda: at(28, 6)).note("meta", "VIP")
    watch_at(table, bus, at(29, 14)).count_overdue()
    assert [one["audience"] for one in bus.details] == ["VIP", "News"]


@pytest.mark.parametrize("fails", ["count_missing", "count_overdue"])
def test_one_count_that_fails_does_not_keep_the_other_from_being_made(
    monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    """The error is raised all the same, so that Lambda calls again."""
    made: list[str] = []

    def count(name: str) -> None:
        made.append(name)
        if name == fails:
            raise RuntimeError(name)

    counts = SimpleNamespace(
        count_missing=lambda: count("count_missing"), count_overdue=lambda: count("count_overdue")
    )
    monkeypatch.setattr(handler, "_watch", lambda: counts)
    handler._metrics.clear_metrics()  # of the tests before
    context = SimpleNamespace(
        function_name="watch", memory_limit_in_mb=512, invoked_function_arn="arn", aws_request_id="1"
    )
    with pytest.raises(RuntimeError, match=fails):
        handler.lambda_handler({"source": "aws.events"}, context)
    assert made == ["count_missing", "count_overdue"]


def test_an_earlier_arrival_does_not_hide_a_later_one(table: ConditionalTable) -> None:
    """Two workers may note theirs out of order."""
    arrivals = Arrivals(table, clock=lambda: 200.0)
    arrivals.note("meta", "VIP")
    replace(arrivals, clock=lambda: 100.0).note("meta", "VIP")
    assert arrivals.last("meta", "VIP") == 200.0
    assert arrivals.last("meta", "Other") == 0.0
