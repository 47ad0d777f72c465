"""One connector of a deployed sandbox, as tests feed it, disturb it and read what it did."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Any

from activation.model import Audience, Drop
from activation.receipts import stem

from tests.end_to_end.driver import Sandbox, until
from tests.end_to_end.people import Member

# What the ledger keeps of time, in Unix seconds; 0 stands for "not set".
_MOMENTS = ("started_at", "updated_at", "lease_until", "not_before", "held_until", "expires_at")
QUIET_LOOKS = 3
_HEARD = "heard-"
EVENT_S = 8.0  # how long an object's event may take to the queue


@dataclass(frozen=True)
class Put:
    """A drop that was put: where its receipt will be."""

    key: str
    version_id: str
    run_id: str
    audience: str
    receipt_key: str


@dataclass(frozen=True)
class Sent:
    """What a simulated platform was sent and took: distinct batches, batches taken more than once, rows taken."""

    batches: int
    resent: int
    rows: int


@dataclass
class Line:
    """A connector, by name, whose platform is simulated. `reset` puts back what a test changed."""

    sandbox: Sandbox
    connector: str = "meta"
    platform: str = "meta"
    kills: int = 0
    simulated_s: float = 0.0
    _configured: dict[str, Any] | None = field(default=None, repr=False)
    _secret_written: bool = field(default=False, repr=False)

    @cached_property
    def addresses(self) -> dict[str, str]:
        """Give the names and addresses of what the connector consists of."""
        return self.sandbox.connector(self.connector)

    @cached_property
    def deployed(self) -> dict[str, Any]:
        """Give the function's configuration as it was deployed."""
        configuration = self.sandbox.client("lambda").get_function_configuration(
            FunctionName=self.addresses["function_name"]
        )
        return {"Timeout": configuration["Timeout"], "Environment": configuration["Environment"]}

    @property
    def variables(self) -> dict[str, str]:
        """Give the function's environment as it was deployed."""
        found: dict[str, str] = self.deployed["Environment"]["Variables"]
        return found

    # What is sent

    def put(
        self, audience: str, body: bytes, *, kind: str = "raw", file: str = "people.csv", action: str = ""
    ) -> Put:
        """Drop a file for an audience."""
        return self.put_key(
            "/".join(part for part in (self.connector, audience, kind, action, file) if part), body
        )

    def put_key(self, key: str, body: bytes) -> Put:
        """Drop a file under any key."""
        bucket = self.sandbox.described["drops_bucket"]
        version = self.sandbox.drop(key, body)
        run_id = Drop(bucket, key, version, "", len(body)).run_id(self.connector)
        segments = key.split("/")
        audience = segments[1] if len(segments) > 1 else ""
        return Put(key, version, run_id, audience, f"{stem(Audience(self.connector, audience), run_id)}.json")

    def send(self, body: str) -> None:
        """Send a message to the connector's queue."""
        self.sandbox.client("sqs").send_message(QueueUrl=self.addresses["queue_url"], MessageBody=body)

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """Let messages gather in the queue, with no function to take them."""
        client = self.sandbox.client("lambda")
        (mapping,) = client.list_event_source_mappings(FunctionName=self.addresses["function_name"])[
            "EventSourceMappings"
        ]
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        try:
            yield
        finally:
            client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)

    def take_messages(self, count: int, within_s: float = 20.0) -> list[str]:
        """Take messages out of the queue, which is held back; gives their bodies in the order of arrival."""
        return [one["Body"] for one in self._take(self.addresses["queue_url"], count, within_s)]

    def _take(self, url: str, count: int, within_s: float) -> list[dict[str, Any]]:
        client, taken = self.sandbox.client("sqs"), []

        def enough() -> bool | None:
            answer = client.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=10,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
            for message in answer.get("Messages", []):
                client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                taken.append(message)
            return True if len(taken) >= count else None

        until(enough, within_s)
        return taken

    # What is disturbed

    def configure(self, timeout_s: int = 0, environment: Mapping[str, str] = MappingProxyType({})) -> None:
        """Change the function as a deployment would: its timeout, variables of its environment; it starts cold.

        What is not named is as it was deployed. A function that is like this already is left alone, and warm.
        """
        wanted = {
            "Timeout": timeout_s or self.deployed["Timeout"],
            "Environment": {"Variables": {**self.variables, **environment}},
        }
        if wanted == (self._configured or self.deployed):
            return
        self._configured = wanted
        self.sandbox.client("lambda").update_function_configuration(
            FunctionName=self.addresses["function_name"], **wanted
        )

    def write_secret(self, text: str | bytes) -> None:
        """Write the connector's secret, and let it be read: functions that run keep the old one for minutes."""
        self._secret_written = True
        kind = "SecretString" if isinstance(text, str) else "SecretBinary"
        self.sandbox.client("secretsmanager").put_secret_value(
            SecretId=self.addresses["secret_arn"], **{kind: text}
        )

    @contextmanager
    def unwritten_secret(self) -> Iterator[Callable[[], None]]:
        """Give the function a secret as a deployment leaves it, without a value; what is given writes it."""
        stacks, name = self.sandbox.client("cloudformation"), f"unwritten-{time.monotonic_ns()}"
        template = {
            "Resources": {"Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": name}}},
            "Outputs": {"Arn": {"Value": {"Ref": "Secret"}}},
        }
        stacks.create_stack(StackName=name, TemplateBody=json.dumps(template))
        stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
        arn = stacks.describe_stacks(StackName=name)["Stacks"][0]["Outputs"][0]["OutputValue"]
        self.configure(environment={"SECRET_ARN": arn})
        right = json.dumps(self.sandbox.simulator_secret(self.platform))
        try:
            yield lambda: self.sandbox.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=right)
        finally:
            stacks.delete_stack(StackName=name)

    def restart(self) -> None:
        """End the function's idle processes, as Lambda does now and then; the next message starts one cold."""
        for worker in self.sandbox.workers(self.connector):
            if not worker["in_flight"]:
                self.kill(worker["pid"])

    def kill(self, pid: int) -> None:
        """End a process of the function with signal 9, and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

        def gone() -> bool | None:
            return None if any(one["pid"] == pid for one in self.sandbox.workers(self.connector)) else True

        until(gone, 10)

    def kill_in_flight(self, after: int = 0, within_s: float = 60.0) -> int:
        """Kill the worker with signal 9 while the platform has a call of it that is not answered yet.

        `after` is the number of a call in the platform's journal; gives that of the call that was cut off, a later
        one. When the platform had answered by then, another kill follows. What the line waits for meanwhile is let
        pass, and a message that was received too often is redriven.
        """
        quiet = 0

        def cut_off() -> int | None:
            nonlocal quiet
            under_way = [one for one in self.calls() if one["number"] > after and _unanswered(one)]
            busy = [worker["pid"] for worker in self.sandbox.workers(self.connector) if worker["in_flight"]]
            if not under_way or len(busy) != 1:
                waits = self.sandbox.queue_waits()
                quiet = 0 if waits["delivering"] or self._visible(self.addresses["queue_url"]) else quiet + 1
                if quiet > QUIET_LOOKS and not self.redrive_if_dead():
                    self.pass_time(waits["hidden"].get(self.addresses["queue_url"], 0.0) + 1)
                    quiet = 0
                return None
            self.kill(busy[0])
            self.kills += 1
            number = int(under_way[0]["number"])
            return number if any(one["number"] == number and _unanswered(one) for one in self.calls()) else None

        return until(cut_off, within_s)

    def redrive(self) -> None:
        """Move the dead letters back, as `activation redrive` does."""
        client = self.sandbox.client("sqs")

        def arn(url: str) -> str:
            attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
            return str(attributes["QueueArn"])

        client.start_message_move_task(
            SourceArn=arn(self.addresses["dead_letter_queue_url"]), DestinationArn=arn(self.addresses["queue_url"])
        )

    def redrive_if_dead(self) -> bool:
        """Redrive what is in the dead letters; gives whether there was anything."""
        dead = bool(self.dead_letters())
        if dead:
            self.redrive()
        return dead

    def redrive_when_quiet(self) -> None:
        """Let the line come to rest and redrive, until no message is left in the dead letters."""
        self.wait_until_quiet()
        while self.redrive_if_dead():
            self.wait_until_quiet()

    def purge(self) -> None:
        """Lose every message of the queue."""
        self.sandbox.client("sqs").purge_queue(QueueUrl=self.addresses["queue_url"])

    def replay(self, since: datetime, name: str) -> None:
        """Replay the archived events since a moment, to this connector's rule, and wait until they are out."""
        events = self.sandbox.client("events")
        (archive,) = events.list_archives()["Archives"]
        arn = events.describe_archive(ArchiveName=archive["ArchiveName"])["ArchiveArn"]
        bus = f"{arn.rsplit(':archive/', 1)[0]}:event-bus/default"
        events.start_replay(
            ReplayName=name,
            EventSourceArn=arn,
            EventStartTime=since - timedelta(seconds=1),
            EventEndTime=datetime.now(tz=UTC) + timedelta(seconds=1),
            Destination={"Arn": bus, "FilterArns": [self._rule()["Arn"]]},
        )
        until(lambda: True if events.describe_replay(ReplayName=name)["State"] == "COMPLETED" else None, 60)

    def _rule(self) -> dict[str, Any]:
        rules = self.sandbox.client("events").list_rules()["Rules"]
        (rule,) = [
            one
            for one in rules
            if f'"{self.connector}/"' in one.get("EventPattern", "") and not one["Name"].startswith(_HEARD)
        ]
        return dict(rule)

    @contextmanager
    def listening(self) -> Iterator[Callable[[], list[str]]]:
        """Let a rule of somebody else's match the same events; what is given takes what it heard."""
        events, queues, name = (
            self.sandbox.client("events"),
            self.sandbox.client("sqs"),
            f"{_HEARD}{time.time_ns()}",
        )
        url = queues.create_queue(QueueName=name)["QueueUrl"]
        arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        queues.set_queue_attributes(QueueUrl=url, Attributes={"Policy": _open_to_events(arn)})
        events.put_rule(Name=name, EventPattern=self._rule()["EventPattern"])
        events.put_targets(Rule=name, Targets=[{"Id": "heard", "Arn": arn}])
        try:
            yield lambda: [one["Body"] for one in self._take(url, 1, 20)]
        finally:
            events.remove_targets(Rule=name, Ids=["heard"])
            events.delete_rule(Name=name)
            queues.delete_queue(QueueUrl=url)

    @contextmanager
    def refusing_events(self) -> Iterator[None]:
        """Take the queue's policy away, by which EventBridge may send to it."""
        client, url = self.sandbox.client("sqs"), self.addresses["queue_url"]
        policy = client.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
        client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
        try:
            yield
        finally:
            client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})

    def undelivered(self, count: int) -> list[str]:
        """Take the events that EventBridge could not deliver."""
        return [one["Body"] for one in self._take(self.addresses["undelivered_queue_url"], count, 20)]

    @contextmanager
    def at_most(self, functions: int) -> Iterator[None]:
        """Let the function run so often at a time and no more."""
        client, name = self.sandbox.client("lambda"), self.addresses["function_name"]
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=functions)
        try:
            yield
        finally:
            client.delete_function_concurrency(FunctionName=name)

    @contextmanager
    def visibility(self, seconds: int) -> Iterator[None]:
        """Let messages come back so soon, which AWS would not let one set below the function's timeout."""
        client, url, name = self.sandbox.client("sqs"), self.addresses["queue_url"], "VisibilityTimeout"
        before = client.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name]
        client.set_queue_attributes(QueueUrl=url, Attributes={name: str(seconds)})
        try:
            yield
        finally:
            client.set_queue_attributes(QueueUrl=url, Attributes={name: before})

    def pass_time(self, seconds: float) -> None:
        """Let time pass: for messages that are hidden, for what the ledger keeps of time, and at the platforms."""
        table, client = self.variables["LEDGER_TABLE"], self.sandbox.client("dynamodb")
        for item in self._items():
            for name in _MOMENTS:
                moment = float(item.get(name, {}).get("N", "0"))
                if moment > 0:
                    with contextlib.suppress(client.exceptions.ConditionalCheckFailedException):
                        client.update_item(
                            TableName=table,
                            Key={"pk": item["pk"]},
                            UpdateExpression="SET #name = :then",
                            ConditionExpression="#name = :now",
                            ExpressionAttributeNames={"#name": name},
                            ExpressionAttributeValues={
                                ":now": item[name],
                                ":then": {"N": f"{max(0.001, moment - seconds):.3f}"},
                            },
                        )
        self.sandbox.advance(seconds)
        self.simulated_s += seconds

    # What became of it

    def wait_until_quiet(self, within_s: float = 120.0, *, patient: bool = True) -> None:
        """Let the line work until nothing is left to do; with `patient`, let the time it waits for pass meanwhile.

        AssertionError when something is left after `within_s` seconds, or with no patience when it waits.
        """
        end, quiet = time.monotonic() + within_s, 0
        url = self.addresses["queue_url"]
        while quiet < QUIET_LOOKS:
            assert time.monotonic() < end, f"still at work after {within_s:.0f} s"
            waits, visible = self.sandbox.queue_waits(), self._visible(url)
            if waits["delivering"] or visible:
                quiet = 0
            elif url in waits["hidden"]:
                quiet += 1
                if quiet == QUIET_LOOKS:
                    assert patient, "a message waits for its time"
                    self.pass_time(waits["hidden"][url] + 1)
                    quiet = 0
            else:
                quiet += 1
            time.sleep(0.1)

    def finish_again(self, put: Put, within_s: float = 120.0) -> dict[str, Any]:
        """Give the final receipt of a run that had stopped, once it has gone on from there."""
        self.wait_until_quiet(within_s)
        return self.finish(put, within_s)

    def finish(self, put: Put, within_s: float = 120.0) -> dict[str, Any]:
        """Let the line come to rest, letting time pass where it waits, and give the drop's final receipt."""
        end, idle_since = time.monotonic() + within_s, time.monotonic()
        while True:
            self.wait_until_quiet(end - time.monotonic())
            receipt = self.sandbox.receipt_so_far(put.receipt_key)
            if receipt is not None and receipt["final"]:
                return receipt
            # An event takes a moment from the bucket to the queue; a run that nothing drives stays as it is.
            why = f"{receipt['state']} {receipt['reason']}" if receipt else "no receipt"
            assert time.monotonic() - idle_since < EVENT_S, f"nothing moves: {why}"

    def run(self, put: Put) -> dict[str, Any] | None:
        """Give the ledger's record of a drop's run, numbers and texts plain; None when there is none."""
        answer = self.sandbox.client("dynamodb").get_item(
            TableName=self.variables["LEDGER_TABLE"],
            Key={"pk": {"S": self._pk(put)}},
            ConsistentRead=True,
        )
        return _plain(answer["Item"]) if "Item" in answer else None

    def wait_for_run(self, put: Put, state: str, within_s: float = 60.0) -> dict[str, Any]:
        """Wait until a drop's run is in a state and nobody holds it, and give its record; no time is let pass."""

        def there() -> dict[str, Any] | None:
            run = self.run(put)
            return run if run is not None and run["state"] == state and not run["lease_until"] else None

        return until(there, within_s)

    def wait_out(self, put: Put, within_s: float = 30.0) -> float:
        """Let the time pass that a run waits for, and see it go on; gives the seconds it was to wait."""
        url = self.addresses["queue_url"]

        def waits() -> dict[str, Any] | None:
            run = self.run(put)
            released = run is not None and run["state"] == "waiting" and not run["lease_until"]
            hidden = url in self.sandbox.queue_waits()["hidden"]
            return run if run is not None and released and hidden and run["not_before"] > time.time() else None

        run = until(waits, within_s)
        wait_s = float(run["not_before"] - run["updated_at"])
        until(lambda: None if self.sandbox.queue_waits()["delivering"] else True, within_s)
        self.pass_time(wait_s + 2)

        def gone_on() -> bool | None:
            now = self.run(put)
            return True if now is not None and now["hop"] > run["hop"] else None

        until(gone_on, within_s)
        return wait_s

    def edit_progress(self, put: Put, **changes: Any) -> None:
        """Change what the ledger notes of a run's progress."""
        run = self.run(put)
        assert run is not None
        progress = json.dumps({**json.loads(run["progress"]), **changes})
        self.sandbox.client("dynamodb").update_item(
            TableName=self.variables["LEDGER_TABLE"],
            Key={"pk": {"S": self._pk(put)}},
            UpdateExpression="SET progress = :progress",
            ExpressionAttributeValues={":progress": {"S": progress}},
        )

    def spoil_record(self, put: Put) -> None:
        """Write a record of a drop's run that no release can read."""
        record = {"pk": {"S": self._pk(put)}, "state": {"S": "running"}, "progress": {"S": "{"}}
        self.sandbox.client("dynamodb").put_item(TableName=self.variables["LEDGER_TABLE"], Item=record)

    def forget_record(self, put: Put) -> None:
        """Remove the record of a drop's run."""
        self.sandbox.client("dynamodb").delete_item(
            TableName=self.variables["LEDGER_TABLE"], Key={"pk": {"S": self._pk(put)}}
        )

    def wait_until_put_off(self, within_s: float = 30.0) -> None:
        """Wait until a message was tried and is hidden for later, with nobody at work on it."""
        until(lambda: True if self.queue_hides() > 2 else None, within_s)

    def queue_hides(self) -> float:
        """Give the seconds until the queue shows a message that nobody works on; 0 when there is none."""
        waits = self.sandbox.queue_waits()
        return 0.0 if waits["delivering"] else float(waits["hidden"].get(self.addresses["queue_url"], 0.0))

    def _pk(self, put: Put) -> str:
        return f"{self.connector}#run#{put.run_id}"

    def calls(self, route: str = "/users") -> list[dict[str, Any]]:
        """Give the platform's journal of the calls to a route."""
        return [one for one in self.sandbox.simulator_requests(self.platform) if route in one["route"]]

    def wait_for_calls(self, count: int, route: str = "/users", within_s: float = 60.0) -> None:
        """Wait until the platform was asked so often."""
        until(lambda: True if len(self.calls(route)) >= count else None, within_s)

    def sent(self) -> Sent:
        """Count what the platform took since it was reset."""
        taken = [one for one in self.calls() if _taken(one)]
        batches = Counter((one["route"], one["digest"]) for one in taken)
        return Sent(len(batches), len(taken) - len(batches), sum(one["rows"] for one in taken))

    def held(self, audience: str) -> set[Member]:
        """Give the members of every audience of a name at the platform, as they were sent."""
        found: set[Member] = set()
        for one in self.sandbox.simulator_state(self.platform)["audiences"]:
            if one["name"] == audience:
                keys = [group["schema"] for group in one["schemas"] for _ in range(group["count"])]
                found |= {
                    frozenset((key, cell) for key, cell in zip(schema, row, strict=True) if cell != "")
                    for schema, row in zip(keys, one["members"], strict=True)
                }
        return found

    def audiences(self) -> list[dict[str, Any]]:
        """Give the platform's audiences without their members."""
        found: list[dict[str, Any]] = self.sandbox.simulator_state(self.platform, members=False)["audiences"]
        return found

    def rejects(self, receipt: dict[str, Any]) -> list[tuple[str, str, str]]:
        """Read the rejects of a receipt: row, column, code of each line."""
        if receipt["rejects_key"] is None:
            return []
        body = self.sandbox.client("s3").get_object(
            Bucket=self.sandbox.described["receipts_bucket"], Key=receipt["rejects_key"]
        )["Body"]
        lines = body.read().decode().splitlines()
        assert lines[0] == "row,column,code"
        return [(row, column, code) for row, column, code in (line.split(",") for line in lines[1:])]

    def dead_letters(self) -> list[dict[str, Any]]:
        """Look at the dead letters without taking them: body and attributes of each."""
        answer = self.sandbox.client("sqs").receive_message(
            QueueUrl=self.addresses["dead_letter_queue_url"],
            MaxNumberOfMessages=10,
            VisibilityTimeout=0,
            MessageAttributeNames=["All"],
        )
        return [
            {
                "body": message["Body"],
                **{name: one["StringValue"] for name, one in message.get("MessageAttributes", {}).items()},
            }
            for message in answer.get("Messages", [])
        ]

    # Starting over

    def reset(self, environment: Mapping[str, str] = MappingProxyType({})) -> None:
        """Bring the line back to what it was after its deployment, but for these variables of its environment."""
        client = self.sandbox.client("sqs")
        self.sandbox.end_faults()
        for name in ("queue_url", "dead_letter_queue_url", "undelivered_queue_url"):
            client.purge_queue(QueueUrl=self.addresses[name])
        if any(worker["in_flight"] for worker in self.sandbox.workers(self.connector)):
            for worker in self.sandbox.workers(self.connector):
                self.kill(worker["pid"])
        until(lambda: None if self.sandbox.queue_waits()["delivering"] else True, 30)
        client.purge_queue(QueueUrl=self.addresses["queue_url"])
        self.configure(environment=environment)
        self.sandbox.simulator_reset(self.platform)
        if self._secret_written:
            self.write_secret(json.dumps(self.sandbox.simulator_secret(self.platform)))
            self.restart()
        self._secret_written = False
        self.kills, self.simulated_s = 0, 0.0
        self._empty_tables()

    def _empty_tables(self) -> None:
        database, table = self.sandbox.client("dynamodb"), self.variables["LEDGER_TABLE"]
        for item in self._items():
            database.delete_item(TableName=table, Key={"pk": item["pk"]})
        s3 = self.sandbox.client("s3")
        for name in ("receipts_bucket", "drops_bucket"):
            bucket = self.sandbox.described[name]
            pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
            for page in pages:
                listed = [
                    {"Key": one["Key"], "VersionId": one["VersionId"]}
                    for one in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
                ]
                if listed:
                    s3.delete_objects(Bucket=bucket, Delete={"Objects": listed, "Quiet": True})

    def _items(self) -> list[dict[str, Any]]:
        pages = (
            self.sandbox.client("dynamodb")
            .get_paginator("scan")
            .paginate(TableName=self.variables["LEDGER_TABLE"])
        )
        return [item for page in pages for item in page["Items"]]

    def _visible(self, url: str) -> int:
        names = ["ApproximateNumberOfMessages"]
        answer = self.sandbox.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
        return int(answer["Attributes"][names[0]])


def _open_to_events(queue_arn: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _taken(call: dict[str, Any]) -> bool:
    """Whether the platform got the call's rows and dealt with them; a second time changes nothing there."""
    return bool(call["rows"] and call["fault"] not in ("before", "status")) and (
        call["status"] == 200 or call["fault"] == "after" or call["applied"]
    )


def _unanswered(call: dict[str, Any]) -> bool:
    return bool(call["rows"] and call["status"] == 0 and not call["fault"])


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for name, typed in item.items():
        ((kind, value),) = typed.items()
        plain[name] = float(value) if kind == "N" else value
    return plain
