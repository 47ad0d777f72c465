"""One connector in a world of its own: AWS, a small platform, a clock that is wound by hand, and crashes."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from activation.aws.clients import Clients
from activation.aws.lease import LeaseHeld, LeaseLost
from activation.aws.table import ConditionalTable
from activation.errors import ActivationError
from activation.identifiers.table import Context
from activation.ledger.orders import ORDERED
from activation.ledger.runs import Ledger, Run, RunState
from activation.model import Action
from activation.platforms.limits import Limits
from activation.platforms.options import complete
from activation.platforms.rate import Rate
from activation.runs.cold_start import Connector
from activation.runs.dispatch import Dispatcher
from activation.runs.letters import leaves_no_letter
from activation.runs.secret import ConnectorSecret
from activation.runs.settings import FunctionSettings

from tests.unit.line.platform import TinyPlatform, hashed
from tests.unit.line.tiny_publisher import platform_of
from tests.unit.line.watched_aws import Aws, Clock, Crashed

ACCOUNT = "123456789012"
VISIBILITY_S = 1800.0
NAMES = itertools.count(1)


@dataclass
class Message:
    """A message in the connector's queue, and when it may be received."""

    body: str
    due: float
    receives: int = 0


class World:
    """One connector with its queue, dead letters, secret and platform.

    What the connector queues with a delay is kept here and becomes due on the clock; everything else is moto's.
    `budget_s` is what an invocation has.
    """

    def __init__(
        self,
        aws: Aws,
        *,
        max_rows: int = 3,
        max_bytes: int = 1_000_000,
        in_flight: int = 1,
        most_in_flight: int = 0,
        timeout_s: float = 60.0,
        rate: Rate | None = None,
        actions: Iterable[Action] = (Action.ADD, Action.REMOVE),
        deadline_s: int = 3 * 86_400,
        context: Context | None = None,
        **traits: bool,
    ) -> None:
        aws.fuse.set(0)
        aws.before.clear()
        aws.after.clear()
        self.aws = aws
        self.name = f"tiny{next(NAMES)}"
        self.clock = Clock()
        aws.keep_time(self.clock)
        self.platform = TinyPlatform(self.clock.pass_s)
        self.platform.guard = self._guard
        self.platform.now = self.clock
        self.limits = Limits(max_rows, max_bytes, in_flight, timeout_s, frozenset(actions))
        self.limits = replace(self.limits, most_in_flight=most_in_flight)
        self.rate, self.traits = rate, traits
        self.budget_s = 300.0
        self.queue_url = aws.sqs.create_queue(QueueName=f"{self.name}-queue")["QueueUrl"]
        self.dead_url = aws.sqs.create_queue(QueueName=f"{self.name}-dead")["QueueUrl"]
        secret = {"token": "good", "account": self.name}
        self.secret = aws.secrets.create_secret(Name=self.name, SecretString=json.dumps(secret))["ARN"]
        self.settings = FunctionSettings(
            connector=self.name,
            secret_arn=self.secret,
            drops_bucket="drops",
            receipts_bucket="receipts",
            mirrors_bucket="mirrors",
            ledger_table="ledger",
            queue_url=self.queue_url,
            dead_letter_queue_url=self.dead_url,
            event_bus_name="app",
            expected_account="",
            requests_in_flight=0,
            deadline_s=deadline_s,
            ledger_ttl_days=400,
            context=context or Context(),
        )
        self.queue: list[Message] = []
        self.events: list[dict[str, Any]] = []
        self.delays: list[int] = []
        self.failures: list[Exception] = []
        self.crashes = 0
        self.handled = 0
        aws.after.append(self._watch)
        self.connector = self.process()

    def process(self) -> Dispatcher:
        """Start the function anew: nothing in memory, the same tables."""
        platform = platform_of(self.limits, self.rate, **self.traits)
        clients = Clients(
            s3=self.aws.s3,
            sqs=self.aws.sqs,
            events=self.aws.events,
            table=ConditionalTable(self.aws.dynamodb, "ledger"),
        )
        secret = ConnectorSecret(
            platform,
            self.aws.secrets,
            self.secret,
            table=clients.table,
            http=self.platform,
            options=complete(platform.options, {}),
            expected_account=self.settings.expected_account,
            accounts=self.settings.accounts,
            any_endpoint=True,
            clock=self.clock,
        )
        return Dispatcher(
            Connector(
                platform, self.settings, clients, secret, self.platform, clock=self.clock, sleep=self.clock.pass_s
            )
        )

    def restart(self) -> None:
        """Go on with a new process."""
        self.connector = self.process()

    def drop(self, text: str, *, audience: str = "vip", file: str = "people.csv", kind: str = "raw") -> str:
        """Put an object, and give the body of the message that S3 and EventBridge make of it."""
        return self.event(self.put(text, f"{self.name}/{audience}/{kind}/{file}"))

    def put(self, text: str | bytes, key: str, metadata: dict[str, str] | None = None) -> dict[str, Any]:
        """Put an object at a key; returns what an event says of it."""
        body = text.encode() if isinstance(text, str) else text
        version = self.aws.s3.put_object(Bucket="drops", Key=key, Body=body, Metadata=metadata or {})["VersionId"]
        sequencer = f"{next(NAMES):018X}"
        return {"key": key, "size": len(body), "version-id": version, "sequencer": sequencer}

    def event(self, item: Mapping[str, Any], **more: Any) -> str:
        """Write an Object Created event."""
        event = {
            "source": "aws.s3",
            "detail-type": "Object Created",
            "account": ACCOUNT,
            "time": datetime.fromtimestamp(self.clock(), tz=UTC).isoformat(timespec="seconds"),
            "detail": {"bucket": {"name": "drops"}, "object": dict(item)},
        }
        return json.dumps(event | more)

    def send(self, *bodies: str) -> None:
        """Queue messages as EventBridge does."""
        self.queue += [Message(body, self.clock()) for body in bodies]

    def handle(self, body: str) -> RunState | None:
        """Let the function handle one message, and raise what it raises."""
        self.handled += 1
        ends_at = self.clock() + self.budget_s
        return self.connector.handle(body, aws_account=ACCOUNT, time_left_s=lambda: ends_at - self.clock())

    def run(self, *bodies: str, most: int = 200) -> None:
        """Queue messages and handle all that is due or comes due, until the queue is empty.

        A message that fails comes back after the visibility timeout, by a new process when it was a crash; after
        five receives it is a dead letter.
        """
        self.send(*bodies)
        for _ in range(most):
            if not self.queue:
                self.aws.fuse.at = 0
                return
            message = min(self.queue, key=lambda one: one.due)
            self.clock.pass_s(max(0.0, message.due - self.clock()))
            message.receives += 1
            try:
                self.handle(message.body)
            except Crashed:
                self.crashes += 1
                self.aws.fuse.set(0)
                self.restart()
                self._fail(message)
            except Exception as error:  # noqa: BLE001  the SQS edge, as in the function itself
                self.failures.append(error)
                self._fail(message)
            else:
                self.queue.remove(message)
        raise AssertionError(f"still {len(self.queue)} messages after {most}")

    def _fail(self, message: Message) -> None:
        message.due = self.clock() + VISIBILITY_S
        if message.receives >= 5:
            self.queue.remove(message)
            self.aws.sqs.send_message(QueueUrl=self.dead_url, MessageBody=message.body)

    def redrive(self) -> None:
        """Move the dead letters back, as StartMessageMoveTask does, and repeat the runs whose drops were wrong."""
        self.send(*(one["Body"] for one in self.take_dead_letters()), *(one.message for one in self.wrong()))

    def wrong(self) -> list[Run]:
        """Return the runs whose drops are wrong, which leave no dead letter."""
        found = []
        for receipt in self.receipts():
            run, key = self.ledger().read(receipt["run_id"]), receipt["drop"]["key"]
            if run is None or run.code in ORDERED:
                continue
            if leaves_no_letter(run.state, run.code, key=key, action=receipt["action"]):
                found.append(run)
        return found

    def wrong_codes(self) -> list[str]:
        """Return the codes of these runs."""
        return [one.code for one in self.wrong()]

    def take_dead_letters(self) -> list[dict[str, Any]]:
        """Receive and delete the dead letters."""
        found: list[dict[str, Any]] = []
        while True:
            some = self.aws.sqs.receive_message(
                QueueUrl=self.dead_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
            ).get("Messages", [])
            if not some:
                return found
            for one in some:
                self.aws.sqs.delete_message(QueueUrl=self.dead_url, ReceiptHandle=one["ReceiptHandle"])
            found += some

    def dead_codes(self) -> list[str]:
        """Return the codes of the dead letters, and remove them."""
        return [one["MessageAttributes"]["code"]["StringValue"] for one in self.take_dead_letters()]

    def ledger(self) -> Ledger:
        """Read runs as an operator would."""
        return Ledger(
            ConditionalTable(self.aws.dynamodb, "ledger"), self.name, lease_s=1, ttl_days=1, clock=self.clock
        )

    def run_of(self, body: str) -> Run:
        """Return the run that a message began."""
        from activation.drops.messages import read

        run = self.ledger().read(read(body, origins=self.settings.origins, account=ACCOUNT).drop.run_id(self.name))
        assert run is not None
        return run

    def receipts(self) -> list[dict[str, Any]]:
        """Return every receipt of the connector, by key."""
        listed = self.aws.s3.list_objects_v2(Bucket="receipts", Prefix=f"receipts/{self.name}/").get(
            "Contents", []
        )
        keys = sorted(one["Key"] for one in listed if one["Key"].endswith(".json"))
        return [json.loads(self._body(key)) for key in keys]

    def receipt(self) -> dict[str, Any]:
        """Return the connector's one receipt."""
        (one,) = self.receipts()
        return one

    def rejects(self, receipt: Mapping[str, Any] | None = None) -> list[tuple[str, str, str]]:
        """Return the lines of a receipt's rejects list, without the header."""
        key = (receipt or self.receipt())["rejects_key"]
        if key is None:
            return []
        header, *lines = csv.reader(io.StringIO(self._body(key).decode()))
        assert header[:3] == ["row", "column", "code"]
        return [(row, column, code) for row, column, code, *_ in lines]

    def kept(self) -> list[object]:
        """Return all that is stored of the connector but the drops: its records, receipts and rejects."""
        records = [item for key, item in self.aws.dynamodb.items.items() if self.name in key]
        stored = [body for (bucket, key), body in self.aws.s3.objects.items() if bucket == "receipts"]
        return [*records, *stored]

    def stored_parts(self) -> int:
        """Count the rejects' parts that are still there."""
        listed = self.aws.s3.list_objects_v2(Bucket="receipts", Prefix=f"receipts/{self.name}/").get(
            "Contents", []
        )
        return sum(".rejects/" in one["Key"] for one in listed)

    def check(self, *emails: str) -> dict[str, Any]:
        """Assert what must hold at the end of every run that came through; returns its receipt.

        The sums are those of the file, the platform holds exactly the members of `emails`, no more batches were
        repeated than there were crashes and lost answers, and the rejects list has a line for every rejected row.
        """
        for failure in self.failures:
            if not isinstance(failure, LeaseHeld | LeaseLost | ActivationError):
                raise failure
        receipt = self.receipt()
        assert receipt["state"] == RunState.APPLIED
        self.check_sums(receipt)
        self.check_page(receipt)
        self.check_members(*emails)
        return receipt

    def check_page(self, receipt: Mapping[str, Any]) -> None:
        """Assert that a final receipt has a page beside it, with the same run and the same sum."""
        page = self._body(f"receipts/{self.name}/{receipt['audience']['name']}/{receipt['run_id']}.html").decode()
        assert receipt["run_id"] in page
        assert f"<dd>{receipt['action']}</dd>" in page
        whole, sent = receipt["rows"]["in"], receipt["rows"]["acknowledged"]
        assert (f"{whole:,} rows in = {sent:,} acknowledged" if whole else "No row was read.") in page

    def check_members(self, *emails: str) -> None:
        """Assert that the platform holds these people and nobody else, and that re-sends were bounded."""
        assert set(self.platform.members) == {(hashed(one),) for one in emails}
        most = max(self.limits.in_flight, self.limits.most_in_flight)
        assert self.platform.resent <= self.crashes * most + self.platform.lost
        if self.limits.in_flight == 1:
            assert self.platform.resent <= self.crashes + self.platform.lost

    def check_sums(self, receipt: Mapping[str, Any]) -> None:
        """Assert the accounting identity, in the counts, in their breakdowns, and in the list of rejects."""
        rows = receipt["rows"]
        settled = rows["acknowledged"] + rows["rejected_by_us"] + rows["rejected_by_platform"]
        assert rows["in"] == settled + rows.get("unchanged", 0)
        assert sum(receipt["rejected_by_us"].values()) == rows["rejected_by_us"]
        assert sum(receipt["rejected_by_platform"].values()) == rows["rejected_by_platform"]
        lines = self.rejects(receipt)
        numbered = {row for row, _, _ in lines if row}
        unnamed = sum(not row for row, _, _ in lines)
        assert len(numbered) + unnamed == rows["rejected_by_us"] + rows["rejected_by_platform"]
        assert receipt["drop"]["size_bytes"] > 0

    def _body(self, key: str) -> bytes:
        body: bytes = self.aws.s3.get_object(Bucket="receipts", Key=key)["Body"].read()
        return body

    def _guard(self, name: str) -> None:
        if name.endswith("begins"):
            self.aws.fuse.begin(name)
        else:
            self.aws.fuse.end()

    def _watch(self, operation: str, params: Mapping[str, Any]) -> None:
        """Keep what was queued and announced; the messages in the client's own queue are only a copy."""
        if operation == "put_events":
            self.events += [entry | {"Detail": json.loads(entry["Detail"])} for entry in params["Entries"]]
        elif operation == "send_message" and params["QueueUrl"] == self.queue_url:
            delay = params["DelaySeconds"]
            assert 0 <= delay <= 900
            self.delays.append(delay)
            self.queue.append(Message(params["MessageBody"], self.clock() + delay))


def people(count: int, *, start: int = 1) -> list[str]:
    """Return addresses of people who do not exist."""
    return [f"person{number}@example.com" for number in range(start, start + count)]


def table(emails: Iterable[str]) -> str:
    """Write a file of one column."""
    return "email\n" + "".join(f"{one}\n" for one in emails)
