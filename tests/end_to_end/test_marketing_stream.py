"""The deployed stream, from the ingress queue to files in the bucket, with what goes wrong on the way."""

from __future__ import annotations

import gzip
import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import ad_api.api
import boto3
import pytest
from typer.testing import CliRunner

from amz_stream_cli import waiting
from cli.__main__ import app as activation
from sandbox.emulator.environment import client_environment
from sandbox.platforms.marketing_stream.books import key_of
from sandbox.platforms.marketing_stream.composer import POISON, Composer
from sandbox.platforms.marketing_stream.send import mix, send
from sandbox.platforms.marketing_stream.shapes import DATASETS, MEASURED
from tests.end_to_end.driver import Sandbox, until
from tests.unit.marketing_stream.athena import Athena

STACK = "AmzStream-NA-sp-traffic"
AMAZON = "906013806264"  # the account that sends sp-traffic in NA
# The backlog that is kept up: the emulator looks through a queue's every message at each receive.
_BACKLOG = 3000


@dataclass(frozen=True)
class Deployed:
    """The stack's queues, bucket and topic."""

    sandbox: Sandbox
    ingress: str
    dead_letters: str
    confirmations_dead: str
    bucket: str

    def depth(self, url: str, *, hidden: bool = True) -> int:
        """Return how many messages a queue holds."""
        names = ["ApproximateNumberOfMessages", *(["ApproximateNumberOfMessagesNotVisible"] if hidden else [])]
        found = self.sandbox.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(map(int, found.values()))

    def emptied(self, within_s: float) -> None:
        """Wait until the ingress queue is empty; messages of a dead worker are brought back by the clock."""
        end = time.monotonic() + within_s
        before, since = -1, time.monotonic()
        while left := self.depth(self.ingress):
            assert time.monotonic() < end, f"{left} messages are left after {within_s:.0f} s"
            if left != before:
                before, since = left, time.monotonic()
            elif time.monotonic() - since > 15:
                self.sandbox.advance(200)
                since = time.monotonic()
            time.sleep(0.2)

    def drained(self, url: str) -> list[dict[str, Any]]:
        """Take every message out of a queue."""
        sqs = self.sandbox.client("sqs")
        found: list[dict[str, Any]] = []
        while batch := sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=0
        ).get("Messages"):
            found += batch
            entries = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(batch)]
            sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        return found

    def lines(self) -> list[tuple[str, str]]:
        """Return every landed line and its object."""
        s3 = self.sandbox.client("s3")
        found = []
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket):
            for entry in page.get("Contents", ()):
                body = gzip.decompress(s3.get_object(Bucket=self.bucket, Key=entry["Key"])["Body"].read())
                lines = body.decode().split("\n")
                assert lines.pop() == ""
                found += [(line, entry["Key"]) for line in lines]
        return found

    def clear(self) -> None:
        """Remove what earlier tests left."""
        for url in (self.dead_letters, self.confirmations_dead):
            self.drained(url)
        bucket = boto3.resource(
            "s3",
            endpoint_url=self.sandbox.described["aws_endpoint_url"],
            region_name="us-east-1",
            aws_access_key_id=self.sandbox.described["aws_access_key_id"],
            aws_secret_access_key=self.sandbox.described["aws_secret_access_key"],
        ).Bucket(self.bucket)
        bucket.object_versions.delete()


@pytest.fixture
def deployed(sandbox: Sandbox) -> Deployed:
    """Return the deployed stack with nothing in it."""
    sqs = sandbox.client("sqs")

    def dead_letters_of(url: str) -> str:
        policy = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]
        arn = json.loads(policy["RedrivePolicy"])["deadLetterTargetArn"]
        return str(sqs.get_queue_url(QueueName=arn.rsplit(":", 1)[1])["QueueUrl"])

    described = sandbox.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in described}
    resources = sandbox.client("cloudformation").describe_stack_resource(
        StackName=STACK, LogicalResourceId="FanoutSubsConfirmationQueue45DB7E45"
    )
    ingress = sandbox.described["stream_queues"][STACK]
    found = Deployed(
        sandbox,
        ingress,
        dead_letters_of(ingress),
        dead_letters_of(resources["StackResourceDetail"]["PhysicalResourceId"]),
        outputs["StorageLandingZoneBucketFE2101CB"].split(":")[-1],
    )
    found.clear()
    return found


def test_every_dataset_lands_and_everything_else_is_told(deployed: Deployed) -> None:
    """One message of each dataset and each kind of poison: the first lie in the bucket, the others say why not."""
    composer = Composer()
    good = [composer.record(dataset) for dataset in DATASETS]
    send(deployed.sandbox.client("sqs"), deployed.ingress, [*good, *POISON])
    deployed.emptied(60)
    lines = deployed.lines()
    assert sorted(line for line, _ in lines) == sorted(good)
    assert all(key.startswith("sp-traffic/year=") and key.endswith(".gz") for _, key in lines)
    dead = deployed.drained(deployed.dead_letters)
    assert sorted(one["Body"] for one in dead) == sorted(POISON)
    reasons = Counter(one["MessageAttributes"]["reason"]["StringValue"] for one in dead)
    assert reasons == {"not_json": 3, "not_an_object": 5, "no_dataset_id": 1, "unknown_dataset": 1}


@pytest.fixture
def tokens() -> Iterator[tuple[str, list[str]]]:
    """Listen for the requests to confirm that SNS sends to a web address, and keep their tokens."""
    heard: list[str] = []

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append(json.loads(body)["Token"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Ear)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", heard
    server.shutdown()


def test_subscription_to_amazons_topic_is_confirmed_and_a_foreign_one_is_not(
    deployed: Deployed, tokens: tuple[str, list[str]]
) -> None:
    """A request from the dataset's own account is confirmed at SNS, the same from another account stays open."""
    address, heard = tokens
    states = {}
    for account in (AMAZON, "999999999999"):
        sns = boto3.client(
            "sns",
            endpoint_url=deployed.sandbox.described["aws_endpoint_url"],
            region_name="us-east-1",
            aws_access_key_id=account,
            aws_secret_access_key="test",
        )
        topic = sns.create_topic(Name="FEADMessageDeliveryTopic-sp-traffic-ATVPDKIKX0DER-ENTITY1")["TopicArn"]
        # Where IAM is enforced another account needs the owner's leave as well.
        statement = {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "sns:ConfirmSubscription",
            "Resource": topic,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=address)
        token = until(lambda: heard.pop() if heard else None, 20)
        request = {"Type": "SubscriptionConfirmation", "TopicArn": topic, "Token": token}
        send(deployed.sandbox.client("sqs"), deployed.ingress, [json.dumps(request)])
        deployed.emptied(60)
        states[account] = (sns, topic)

    def confirmed(account: str) -> bool:
        sns, topic = states[account]
        (one,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        return one["SubscriptionArn"].startswith("arn:") and (
            sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsConfirmed"] == "1"
        )

    until(lambda: confirmed(AMAZON) or None, 30)
    (refused,) = until(lambda: deployed.drained(deployed.confirmations_dead) or None, 30)
    assert refused["MessageAttributes"]["reason"]["StringValue"] == "foreign_topic"
    assert not confirmed("999999999999")
    assert deployed.lines() == []


@pytest.fixture
def signed_in(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the commands the credentials of the simulated API, which has no subscription."""
    secret = deployed.sandbox.simulator_secret("ads_api")
    address = deployed.sandbox.described["aws_endpoint_url"]
    environment = client_environment(address) | {
        "AD_API_ENDPOINT_URL": deployed.sandbox.described["simulators"]["ads_api"],
        **{
            f"AD_API_{name.upper()}": secret[name]
            for name in ("refresh_token", "client_id", "client_secret", "profile_id")
        },
    }
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    deployed.sandbox.simulator_reset("ads_api")
    ad_api.auth.access_token_client.cache.clear()  # the library's tokens, which a reset forgets


@pytest.mark.usefixtures("signed_in")
def test_subscription_is_active_once_the_deployed_function_has_confirmed_it(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Amazon asks the deployed queue; the subscription waits for the function, and for nothing else."""
    monkeypatch.setattr(waiting, "EVERY_S", 0.5)
    sandbox, functions = deployed.sandbox, deployed.sandbox.client("lambda")
    (confirms,) = [
        one
        for one in functions.list_event_source_mappings()["EventSourceMappings"]
        if f"{STACK}-FanOutConfirmer" in one["FunctionArn"]
    ]

    def status() -> str:
        listed = CliRunner().invoke(activation, ["stream", "list", "--json"])
        (one,) = json.loads(listed.stdout)["subscriptions"]
        return str(one["status"])

    sandbox.simulator_config("ads_api", provisioning_s=60)
    functions.update_event_source_mapping(UUID=confirms["UUID"], Enabled=False)
    try:
        made = CliRunner().invoke(
            activation, ["stream", "create", "-d", "sp-traffic", "--from-stack", STACK, "--json"]
        )
        assert status() == "PROVISIONING"
        sandbox.advance(61)
        assert status() == "PENDING_CONFIRMATION"
        deployed.emptied(60)
        assert status() == "PENDING_CONFIRMATION"
    finally:
        functions.update_event_source_mapping(UUID=confirms["UUID"], Enabled=True)
    until(lambda: True if status() == "ACTIVE" else None, 60)
    id_ = json.loads(made.stdout)["subscriptionId"]
    assert CliRunner().invoke(activation, ["stream", "update", "-s", id_, "-t", "ARCHIVED"]).exit_code == 0

    sandbox.simulator_config("ads_api", provisioning_s=0)
    waited = CliRunner().invoke(
        activation, ["stream", "create", "-d", "sp-traffic", "--from-stack", STACK, "--wait", "--json"]
    )
    assert waited.exit_code == 0, waited.stderr
    assert json.loads(waited.stdout)["status"] == "ACTIVE"


@pytest.mark.usefixtures("signed_in")
def test_subscription_finds_its_queue_in_the_stacks_outputs(deployed: Deployed, tmp_path: Path) -> None:
    """`--from-stack` and a file for `sync` both mean the deployed queue, by the one ARN Amazon is told."""
    made = CliRunner().invoke(activation, ["stream", "create", "-d", "sp-traffic", "--from-stack", STACK])
    assert made.exit_code == 0, made.stderr
    file = tmp_path / "subscriptions.yml"
    file.write_text(f"subscriptions:\n  - stack: {STACK}\n")
    assert CliRunner().invoke(activation, ["stream", "sync", str(file), "--check"]).exit_code == 0
    names = {"QueueUrl": deployed.ingress, "AttributeNames": ["QueueArn"]}
    queue = deployed.sandbox.client("sqs").get_queue_attributes(**names)["Attributes"]["QueueArn"]
    (subscription,) = deployed.sandbox.simulator_state("ads_api")["subscriptions"]
    assert subscription["destinationArn"] == queue


def _kill_a_worker(sandbox: Sandbox) -> None:
    """End a fan-out process in the middle of its work, as a host that fails would."""

    def busy() -> int | None:
        workers = [one for one in sandbox.all_workers() if f"{STACK}-FanOutSorterFunction" in one["function"]]
        found = [one["pid"] for one in workers if one["in_flight"]]
        return found[0] if found else None

    os.kill(until(busy, 30), signal.SIGKILL)


_BY_FUNCTION = {"caller": "lambda"}
FAULTS = (
    # Slow at first, so that a worker can be killed in the middle of it.
    {"service": "sns", "action": "Publish*", "delay_s": 5, "times": 4, **_BY_FUNCTION},
    {"service": "sns", "action": "Publish*", "status": 500, "times": 10, **_BY_FUNCTION},
    {"service": "firehose", "action": "PutRecordBatch", "status": 503, "skip": 5, "times": 10, **_BY_FUNCTION},
    {"service": "firehose", "action": "PutRecordBatch", "drop": "after", "times": 3, **_BY_FUNCTION},
    {"service": "sqs", "action": "SendMessage*", "drop": "after", "times": 2, **_BY_FUNCTION},
)


@pytest.mark.faults
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("messages", [1_000, 100_000], ids=["some", "a hundred thousand"])
def test_nothing_is_lost_while_services_fail_and_workers_die(deployed: Deployed, messages: int) -> None:
    """With poison, refusals, lost answers and two killed workers, every record has landed and adds up."""
    composer = Composer(seed=11)
    sent = mix(composer, ("sp-traffic",), messages, poison=0.03, copies=0.02)
    sandbox, sqs = deployed.sandbox, deployed.sandbox.client("sqs")
    begun = time.monotonic()
    slices = [sent.bodies[first : first + 1000] for first in range(0, messages, 1000)]
    for number, bodies in enumerate(slices):
        until(lambda: True if deployed.depth(deployed.ingress, hidden=False) < _BACKLOG else None, 600)
        if number in (0, len(slices) // 2):
            sandbox.aws_faults(*FAULTS)
            send(sqs, deployed.ingress, bodies)
            _kill_a_worker(sandbox)
        else:
            send(sqs, deployed.ingress, bodies)
    deployed.emptied(1800)
    took_s = time.monotonic() - begun
    lines = deployed.lines()
    expected = {json.loads(body)["idempotency_id"] for body in sent.bodies if _is_record(body)}
    found = [json.loads(line)["idempotency_id"] for line, _ in lines]
    dead = Counter(one["Body"] for one in deployed.drained(deployed.dead_letters))
    sys.stderr.write(
        f"\n{messages} messages in {took_s:.0f} s, {messages / took_s:.0f} a second: {len(expected)} records, "
        f"{sent.copies} copies and {sent.poison} poison sent; {len(lines)} landed, {len(set(found))} different, "
        f"{len(expected - set(found))} lost; {sum(dead.values())} dead letters\n"
    )
    assert set(found) == expected
    assert len(lines) >= sent.records + sent.copies
    poison = Counter(body for body in sent.bodies if not _is_record(body))
    assert set(dead) == set(poison)
    assert all(dead[body] >= count for body, count in poison.items())
    _assert_totals(composer, lines)


def _is_record(body: str) -> bool:
    return body.startswith('{"idempotency_id"')


def _assert_totals(composer: Composer, lines: list[tuple[str, str]]) -> None:
    """Hold what the saved queries say of what landed against the sender's books, to the cent."""
    athena = Athena("sp-traffic", lines)
    numbers = (*MEASURED["sp-traffic"][1], *MEASURED["sp-traffic"][2])
    found = {}
    for row in athena.ask("select * from sp_traffic_hourly"):
        about = {name: value for name, value in row.items() if name not in (*numbers, "records")}
        found[key_of(about)] = {name: row[name] for name in numbers}
    assert found == {key: dict(totals) for key, totals in composer.books.totals["sp-traffic"].items()}
