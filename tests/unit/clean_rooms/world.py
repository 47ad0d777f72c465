"""A function, its queue and ledger in memory, and simulated Clean Rooms; any call can be the function's last."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from activation.aws.table import ConditionalTable
from activation.errors import ActivationError
from activation.ledger.keys import start_key
from activation.ledger.paid_starts import PaidStart, PaidStarts
from botocore.exceptions import ClientError, ReadTimeoutError

from lambdas.clean_rooms.calls import ProtectedQueries
from lambdas.clean_rooms.messages import Slot
from lambdas.clean_rooms.queries import Query
from lambdas.clean_rooms.results import Results
from lambdas.clean_rooms.runs import SERVICE, QueryRuns
from sandbox.emulator.clean_rooms.service import CleanRooms, Membership, ServiceError
from tests.unit.line.aws_in_memory import Buckets, Queues
from tests.unit.line.table_in_memory import Table

MEMBERSHIP, COLLABORATION = "11111111-2222-4333-8444-555555555555", "99999999-8888-4777-8666-555555555555"
BUCKET, QUEUE, DEAD = "results", "queue", "dead-letters"
CUSTOMERS = b"email,spend\nann@example.com,900\nbob@example.com,20\ncy@example.com,700\n"
QUERY = Query(
    "vip",
    MEMBERSHIP,
    BUCKET,
    "activation/query=vip/",
    sql="SELECT email FROM customers WHERE spend > 500 ORDER BY email",
)
AT = "2026-12-01T06:00:00Z"
START_S = 1_796_104_800.0  # that time


class Killed(BaseException):
    """The worker is gone."""


class Calls:
    """Counts the function's calls of AWS, by service and method, and ends the function at one of them."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.kill: tuple[str, int] = ("", 0)  # before or after, the number of the call from 1
        self.fail: Callable[[str, str], None] = lambda when, name: None

    def watched(self, name: str, client: Any) -> Any:
        """Return a client whose calls are counted."""
        return _Watched(self, name, client)

    def around(self, name: str, call: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        """Make a call, unless the function ends before or after it."""
        self.made.append(name)
        number = len(self.made)
        if self.kill == ("before", number):
            raise Killed
        self.fail("before", name)
        answer = call(**arguments)
        self.fail("after", name)
        if self.kill == ("after", number):
            raise Killed
        return answer


@dataclass
class _Watched:
    calls: Calls
    name: str
    client: Any

    def __getattr__(self, method: str) -> Any:
        found = getattr(self.client, method)
        if method == "get_paginator":
            return lambda operation: _WatchedPages(self.calls, f"{self.name}.{operation}", found(operation))

        def call(**arguments: Any) -> Any:
            return self.calls.around(f"{self.name}.{method}", found, arguments)

        return call


@dataclass
class _WatchedPages:
    calls: Calls
    name: str
    pages: Any

    def paginate(self, **arguments: Any) -> Iterator[Any]:
        return iter(self.calls.around(self.name, lambda **given: list(self.pages.paginate(**given)), arguments))


@dataclass
class Client:
    """The SDK's client of Clean Rooms, with the simulator in place of HTTP."""

    service: CleanRooms

    def start_protected_query(self, **request: Any) -> Any:
        """Start a query."""
        return self._answer(lambda: {"protectedQuery": _sdk(self.service.start(request).described())})

    def get_protected_query(self, **request: Any) -> Any:
        """Read a query."""
        return self._answer(lambda: {"protectedQuery": _sdk(self.service.get(request).described())})

    def get_paginator(self, operation: str) -> Any:
        """Return the pages of the list."""
        assert operation == "list_protected_queries"
        return self

    def paginate(self, **request: Any) -> Iterator[Any]:
        """Yield the pages, two queries each, so that there are several."""
        more = {"maxResults": 2}
        while True:
            page = self._answer(lambda: self.service.page({**request, **more}))
            yield {"protectedQueries": [_sdk(one) for one in page["protectedQueries"]]}
            if "nextToken" not in page:
                return
            more["nextToken"] = page["nextToken"]

    def _answer(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except ServiceError as error:
            raise answer(error.code, error.status) from None


def _sdk(described: dict[str, Any]) -> dict[str, Any]:
    return {**described, "createTime": datetime.fromtimestamp(described["createTime"], UTC)}


def answer(code: str, status: int, operation: str = "StartProtectedQuery") -> ClientError:
    """Return the error of an answer of AWS's."""
    given: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(given, operation)


LOST = ReadTimeoutError(endpoint_url="https://cleanrooms")


@dataclass
class World:
    """What outlives a function: `now` is the time, `membership` how its queries go."""

    now: float = START_S
    buckets: Buckets = field(default_factory=Buckets)
    queues: Queues = field(default_factory=Queues)
    table: Table = field(default_factory=Table)
    calls: Calls = field(default_factory=Calls)
    events: list[dict[str, Any]] = field(default_factory=list)
    queries: tuple[Query, ...] = (QUERY,)

    def __post_init__(self) -> None:
        for name in (QUEUE, DEAD):
            self.queues.create_queue(QueueName=name)
        self.service = CleanRooms(self._read, self._write, self._event, lambda: self.now)
        self.buckets.put_object(Bucket="tables", Key="customers.csv", Body=CUSTOMERS)
        self.set_up()

    def set_up(self, **changes: Any) -> None:
        """Make the membership, with changes."""
        tables = {"customers": "s3://tables/customers.csv"}
        self.service.memberships[MEMBERSHIP] = Membership(
            MEMBERSHIP, COLLABORATION, **{"tables": tables, **changes}
        )

    def _read(self, bucket: str, key: str) -> bytes | None:
        found = self.buckets.objects.get((bucket, key))
        return found[-1] if found else None

    def _write(self, bucket: str, key: str, body: bytes) -> None:
        self.buckets.put_object(Bucket=bucket, Key=key, Body=body)

    def _event(self, detail_type: str, detail: dict[str, str], resources: list[str]) -> None:
        self.events.append(
            {"source": "aws.cleanrooms", "detail-type": detail_type, "detail": detail, "resources": resources}
        )

    def function(self) -> QueryRuns:
        """Return what a new environment of the function holds."""
        client = self.calls.watched("cleanrooms", Client(self.service))
        table = ConditionalTable(self.calls.watched("dynamodb", self.table), "ledger")
        return QueryRuns(
            queries={one.name: one for one in self.queries},
            starts=PaidStarts(table, keep_s=86_400.0, clock=lambda: self.now),
            calls=ProtectedQueries(client, client),
            results=Results(self.calls.watched("s3", self.buckets)),
            sqs=self.calls.watched("sqs", self.queues),
            queue_url=QUEUE,
            dead_letters_url=DEAD,
            log=logging.getLogger("clean_rooms"),
            clock=lambda: self.now,
        )

    def send(self, body: str) -> None:
        """Put a message into the queue."""
        self.queues.send_message(QueueUrl=QUEUE, MessageBody=body)

    def due(self, at: str = AT, **more: Any) -> None:
        """Put into the queue what the schedule sends."""
        self.send(Slot("vip", at, **more).body)

    def deliver(self) -> list[type[BaseException]]:
        """Deliver each message of the queue once; one that fails, or whose function is killed, stays in it."""
        failures: list[type[BaseException]] = []
        for message in list(self.queues.messages[QUEUE]):
            try:
                self.function().advance(message["Body"])
            except (ActivationError, ClientError, Killed) as error:
                failures.append(type(error))
            except Exception as error:
                if type(error).__name__ not in ("LeaseHeld", "LeaseLost"):
                    raise
                failures.append(type(error))
            else:
                self.queues.messages[QUEUE].remove(message)
        return failures

    def run(self, rounds: int = 12, *, pass_s: float = 200.0) -> None:
        """Deliver and let time pass, the queries going on with it, until the queue is empty."""
        for _ in range(rounds):
            self.deliver()
            for query in self.service.queries.values():
                if query.status in ("SUBMITTED", "STARTED"):
                    self.service.advance(query)
            self.now += pass_s
            if not self.queues.messages[QUEUE]:
                return

    @property
    def started(self) -> int:
        """Return how many queries were started, each of which costs."""
        return len(self.service.queries)

    def record(self, at: str = AT) -> PaidStart:
        """Return the record of a slot."""
        return PaidStarts(ConditionalTable(self.table, "ledger"), keep_s=1.0).read(start_key(SERVICE, "vip", at))  # type: ignore[arg-type]  # a table in memory

    def manifests(self) -> list[dict[str, Any]]:
        """Return every manifest, with its key."""
        found = [
            (key, body[-1]) for (_, key), body in self.buckets.objects.items() if key.endswith("manifest.json")
        ]
        assert all(
            len(one) == 1 for (_, key), one in self.buckets.objects.items() if key.endswith("manifest.json")
        )
        return [{"key": key, **json.loads(body)} for key, body in found]

    def dead(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the dead letters: each one's code, and what is in it."""
        return [
            (one["MessageAttributes"]["code"]["StringValue"], json.loads(one["Body"]))
            for one in self.queues.messages[DEAD]
        ]
