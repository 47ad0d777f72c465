"""Three connectors and the function of suppression lists in one AWS, with the simulated platforms at their ends.

Every request to a platform is kept as it was sent, so that a search over all of them can say whom it would reach.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from activation.aws.clients import Clients
from activation.aws.table import ConditionalTable
from activation.identifiers.table import Context
from activation.platforms.discovery import platform_named
from activation.platforms.http import PooledHttp
from activation.platforms.options import complete
from activation.platforms.request import Answer, Request
from activation.runs.cold_start import Connector
from activation.runs.dispatch import Dispatcher
from activation.runs.secret import ConnectorSecret

from lambdas.suppressions.handler import ListRuns, connect
from lambdas.suppressions.settings import ListSettings
from sandbox.platforms.outside import Outside
from tests.unit.line.watched_aws import Aws
from tests.unit.line.world import World

HOUSEHOLD = 10  # of so many rows, one has the phone of the row before


@dataclass(frozen=True)
class Sent:
    """A request as it was sent: the platform, the publisher's name of the call, how many rows, the body."""

    platform: str
    call: str
    rows: int
    body: bytes = field(repr=False)


@dataclass
class Recorder:
    """Keeps all requests, in the order in which they begin; `after` is told of each that carries people."""

    sent: list[Sent] = field(default_factory=list)
    after: Callable[[], None] = lambda: None

    def holding(self, digests: set[bytes], *, since: int = 0) -> list[Sent]:
        """Return the requests from an index on that hold one of some digests, 64 hexadecimal digits each."""
        return [one for one in self.sent[since:] if digests & digests_in(one.body)]


@dataclass(frozen=True)
class RecordedHttp:
    """A connection that keeps what is sent, and is an effect around which the process may be killed."""

    http: PooledHttp
    platform: str
    recorder: Recorder
    aws: Aws

    def send(self, request: Request, *, timeout_s: float) -> Answer:
        """Send a request."""
        self.aws.fuse.begin(request.call)
        body = request.content
        self.recorder.sent.append(Sent(self.platform, request.call, request.rows, body))
        answer = self.http.send(request, timeout_s=timeout_s)
        self.aws.fuse.end()
        if request.rows:
            self.recorder.after()
        return answer


class SuppressedLine(World):
    """One connector, of the platform `platform`, whose simulator is `outside`."""

    def __init__(self, platform: str, outside: Outside, aws: Aws, recorder: Recorder, rows: int) -> None:
        self.of, self.outside, self.recorder = platform, outside, recorder
        super().__init__(aws)
        endpoint = "ENDPOINT" if platform == "tiktok" else "endpoint"
        secret = {**outside.secret(), endpoint: outside.base_url}
        self.aws.secrets.put_secret_value(SecretId=self.secret, SecretString=json.dumps(secret))
        self.name = platform
        self.settings = replace(self.settings, connector=platform, max_rows_per_request=rows, requests_in_flight=1)
        pass_here = self.clock.pass_s

        def pass_s(seconds: float) -> None:
            pass_here(seconds)
            outside.advance(seconds)

        self.clock.pass_s = pass_s  # type: ignore[method-assign]  # one time for both
        self.restart()

    def process(self) -> Dispatcher:
        """Start the function anew."""
        platform, table = platform_named(self.of), ConditionalTable(self.aws.dynamodb, "ledger")
        clients = Clients(s3=self.aws.s3, sqs=self.aws.sqs, events=self.aws.events, table=table)
        http = RecordedHttp(PooledHttp(connections=2), self.of, self.recorder, self.aws)
        secret = ConnectorSecret(
            platform,
            self.aws.secrets,
            self.secret,
            table=clients.table,
            http=http,
            options=complete(platform.options, self.settings.options),
            any_endpoint=True,
            clock=self.clock,
        )
        pass_s = self.clock.pass_s
        return Dispatcher(
            Connector(platform, self.settings, clients, secret, http, clock=self.clock, sleep=pass_s)
        )


class Lists(World):
    """The function of suppression lists, in an AWS that it shares."""

    def process(self) -> Dispatcher:
        """Start the function anew."""
        self.name = "suppressions"
        self.settings = replace(self.settings, connector=self.name, secret_arn="", actions=("add", "remove"))
        table = ConditionalTable(self.aws.dynamodb, "ledger")
        clients = Clients(s3=self.aws.s3, sqs=self.aws.sqs, events=self.aws.events, table=table)
        settings = ListSettings(self.settings, (Context(),), 1_000_000)
        connector = replace(connect(settings, clients), clock=self.clock, sleep=self.clock.pass_s)
        return Dispatcher(connector, active=ListRuns(settings), at_once=False)


@dataclass(frozen=True)
class Person:
    """A row of the drop."""

    number: int

    @property
    def email(self) -> str:
        """An address that nobody else has."""
        return f"person{self.number}@example.com"

    @property
    def phone(self) -> str:
        """A number, which a household shares."""
        return f"+49171{self.number - (self.number % HOUSEHOLD == 0):07d}"

    @property
    def digests(self) -> set[bytes]:
        """What any platform is sent for the person."""
        texts = (self.email, self.phone, self.phone.removeprefix("+"))
        return {hashlib.sha256(text.encode()).hexdigest().encode() for text in texts}


def population(count: int) -> list[Person]:
    """Return people."""
    return [Person(number) for number in range(1, count + 1)]


def as_csv(people: Sequence[Person]) -> str:
    """Write people as a file."""
    return "email,phone\n" + "".join(f"{one.email},{one.phone}\n" for one in people)


def chosen(people: Sequence[Person], share: int, parts: int) -> list[list[Person]]:
    """Choose one of `share` people, in parts, from all over the file."""
    some = random.Random(20261130).sample(list(people), max(parts, len(people) // share))
    return [some[part::parts] for part in range(parts)]


def all_digests(people: Sequence[Person]) -> set[bytes]:
    """Return what any platform is sent for any of these people."""
    return {digest for one in people for digest in one.digests}


def digests_in(body: bytes) -> set[bytes]:
    """Return all that looks like a SHA-256 in a body."""
    return set(re.findall(rb"[0-9a-f]{64}", body))


def receipt_of(world: World, before: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the receipt that is not among the earlier ones."""
    known = {one["run_id"] for one in before}
    (one,) = [each for each in world.receipts() if each["run_id"] not in known]
    return one
