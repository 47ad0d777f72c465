"""`activation test`: ten invented people through a deployed connector, and what became of them."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_sqs.client import SQSClient

    from cli.connectors import NamedConnector
    from cli.deployment import Deployment
    from lambdas.doctor.addresses import ConnectorAddresses

AUDIENCE = "activation test"
FILE = "ten-invented-people.csv"
POLL_S = 1.0
DONE = ("accepted", "applied")
STOPPED = ("failed", "blocked", "superseded", "empty")


@dataclass(frozen=True)
class Seen:
    """What the app shows of the run: its `state` ("" before the function has begun it), and its receipt if any."""

    state: str
    receipt: dict[str, Any] | None


@dataclass(frozen=True)
class Probe:
    """Sends the sample of one connector and looks after its run."""

    found: Deployment
    named: NamedConnector
    addresses: ConnectorAddresses
    s3: S3Client
    dynamodb: DynamoDBClient
    sqs: SQSClient

    def upload(self, body: bytes) -> str:
        """Upload the sample as a drop; return its run's id."""
        from activation.model import Drop

        from cli.keys import drop_key

        bucket, key = self.found.drops_bucket, drop_key(self.named.name, AUDIENCE, "raw", "", FILE)
        version = self.s3.put_object(Bucket=bucket, Key=key, Body=body).get("VersionId", "")
        return Drop(bucket, key, version, "", len(body)).run_id(self.named.name)

    def look(self, run_id: str) -> Seen:
        """Return what there is to see of the run now."""
        from activation.ledger.keys import run_key
        from activation.model import Audience
        from activation.report.receipts import stem

        item = self.dynamodb.get_item(
            TableName=self.found.ledger_table, Key={"pk": {"S": run_key(self.named.name, run_id)}}
        ).get("Item", {})
        key = f"{stem(Audience(self.named.name, AUDIENCE), run_id)}.json"
        receipt = None
        with contextlib.suppress(self.s3.exceptions.NoSuchKey):
            receipt = json.loads(self.s3.get_object(Bucket=self.found.receipts_bucket, Key=key)["Body"].read())
        return Seen(item.get("state", {}).get("S", "") or (receipt or {}).get("state", ""), receipt)

    def follow(self, run_id: str, within_s: float) -> Iterator[tuple[float, Seen]]:
        """Yield each change of state with the seconds since the start, until the run is done or time is up."""
        began, last = time.monotonic(), ""
        while True:
            seen, now = self.look(run_id), time.monotonic() - began
            if seen.state != last:
                last = seen.state
                yield now, seen
            told = seen.receipt is not None and seen.receipt["state"] == seen.state
            if (seen.state in (*DONE, *STOPPED) and told) or now >= within_s:
                yield now, seen
                return
            time.sleep(POLL_S)

    def why_nothing(self) -> str:
        """Return where the event of the sample may be, since the function has not begun its run."""
        for url, says in (
            (self.addresses.undelivered_queue_url, "EventBridge could not deliver it to the connector's queue"),
            (self.addresses.dead_letter_queue_url, "it is in the dead letters; see their attribute code"),
            (self.addresses.queue_url, "it waits in the connector's queue: is the function throttled or failing?"),
        ):
            counted = self.sqs.get_queue_attributes(
                QueueUrl=url,
                AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
            )["Attributes"]
            if any(int(count) for count in counted.values()):
                return says
        return "it is in none of the connector's queues: is its rule on, and are the bucket's events sent?"


def check_line(
    connector: Annotated[str, typer.Argument(help="The connector's name in cdk.context.json.")],
    yes: Annotated[bool, typer.Option("--yes", help="Send without asking.")] = False,
    within: Annotated[float, typer.Option(min=5, max=900, help="Seconds to wait for the receipt.")] = 120,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; needs --yes.")] = False,
) -> None:
    """Send ten invented people through the deployed connector; exit 1 if they are not acknowledged.

    The people are those of samples/: addresses and phone numbers that nobody has, so they match no one. They go
    into the audience "activation test" of the connector's ad account, which is created if it does not exist.
    """
    import boto3

    from cli import deployment
    from cli.connectors import NoConnector, connector_of
    from cli.sample import sample_of

    try:
        named = connector_of(connector, of_app=True)
        body, rows = sample_of(named)
    except NoConnector as error:
        deployment.fail(f"{error.code}: {error.sentence}")
    except FileNotFoundError:
        deployment.fail(why_no_sample(named))
    if not yes:
        if as_json:
            raise typer.BadParameter("needs --yes, since nobody is asked", param_hint="--json")
        typer.echo(
            f"sends {rows} invented people to {named.platform.title}, hashed: e-mail addresses of example.com,"
            " .org and .net and phone numbers kept free for fiction, which match nobody.\n"
            f'They are added to the audience "{AUDIENCE}" of the connector\'s ad account. It is created if it does'
            " not exist, and stays until you delete it there."
        )
        typer.confirm("send them?", abort=True)
    found = deployment.find()
    clients = (boto3.client("s3"), boto3.client("dynamodb"), boto3.client("sqs"))
    probe = Probe(found, named, found.connector(connector), *clients)
    run_id = probe.upload(body)
    after_s, seen = 0.0, Seen("", None)
    for after_s, seen in probe.follow(run_id, within):
        if not as_json and seen.state:
            typer.echo(f"{after_s:5.1f} s  {seen.state}")
    ok, says = _verdict(probe, seen, rows, within)
    if as_json:
        print(
            json.dumps(
                {"ok": ok, "run_id": run_id, "state": seen.state, "seconds": round(after_s, 1), "says": says}
            )
        )
    else:
        typer.secho(f"{'ok  ' if ok else 'FAIL'}  ", fg="green" if ok else "red", nl=False)
        typer.echo(says)
    if not ok:
        raise typer.Exit(1)


def why_no_sample(named: NamedConnector) -> str:
    """Return why nothing is sent to a connector, and what shows instead that it works."""
    from cli.typed import typed

    title = named.platform.title
    if not named.platform.table.events:
        return f"nothing is sent: this release has no sample for {title}; drop a small file of your own"
    plan = typed("plan", "FILE", "--connector", named.name, "--audience", "DATASET")
    checks = typed("doctor", "--connector", named.name)
    tries = ""
    if any(option.name == "test_event_code" for option in named.platform.options):
        tries = (
            "\nto see events arrive, set the connector's option test_event_code, deploy, and drop a file for a"
            " dataset that no campaign uses: they appear under Test events, and count all the same"
        )
    return (
        f"nothing is sent: a test event of {title} would count as a real sale, and cannot be taken back\n"
        f"without sending anything, {checks} checks the token and the dataset, and {plan} a file of yours{tries}"
    )


def _verdict(probe: Probe, seen: Seen, rows: int, within_s: float) -> tuple[bool, str]:
    """Return whether the line works, and a sentence."""
    from cli.typed import typed

    if not seen.state:
        return False, f"nothing has begun the drop within {within_s:.0f} s: {probe.why_nothing()}"
    receipt = seen.receipt
    if receipt is None:
        return False, f"the run is {seen.state} and has no receipt after {within_s:.0f} s: {typed('status')}"
    acknowledged = receipt["rows"]["acknowledged"]
    if seen.state in DONE and acknowledged == rows:
        created = "created" if receipt["audience"]["created"] else "there before"
        return True, (
            f"{probe.named.platform.title} acknowledged {acknowledged} of {rows} people for the audience"
            f' "{AUDIENCE}", id {receipt["audience"]["id"]} ({created})'
        )
    reason = receipt["reason"]
    why = f"{reason['code']}: {reason['sentence']}" if reason else f"{acknowledged} of {rows} people acknowledged"
    return False, f"the run is {seen.state}: {why}; see {typed('doctor', '--connector', probe.named.name)}"
