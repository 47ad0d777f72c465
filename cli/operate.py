"""`activation redrive` and `activation replay`: process messages again."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from cli.completion import connectors, runs
from cli.times import utc_time

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient


MOVE_TIMEOUT_S = 300


def redrive(
    connector: Annotated[
        str,
        typer.Option(autocompletion=connectors, help="The connector's name in cdk.context.json, or suppressions."),
    ] = "",
    exports: Annotated[bool, typer.Option("--exports", help="The dead letters of exports instead.")] = False,
    clean_rooms: Annotated[
        bool, typer.Option("--clean-rooms", help="Those of Clean Rooms queries instead; each run costs.")
    ] = False,
    listed: Annotated[
        bool,
        typer.Option(
            "--list", help="Only list dead letters, without --connector of all: run, code, time, sentence."
        ),
    ] = False,
    run: Annotated[
        str, typer.Option(autocompletion=runs, help="Only the letter of this run: its id, or its first digits.")
    ] = "",
    reason: Annotated[str, typer.Option(help="Only letters with this code, such as token_refused.")] = "",
    discard: Annotated[
        bool,
        typer.Option(
            "--discard", help="With --run or --reason: discard their runs and drops, and delete the letters."
        ),
    ] = False,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", help="Do not ask before repeating runs (--reason) or discarding letters (--discard)."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; with --list, a list.")] = False,
) -> None:
    """Move dead letters back to their queue, of a connector, of exports or of Clean Rooms queries.

    Each run of a connector, or of a suppression list, resumes where it stopped. An export whose Glue job failed is
    started again, for the same files, and a query is run again, as another attempt of its slot. List a connector's
    letters first: --run and --reason move those alone whose cause is removed. A run whose drop is wrong leaves no
    dead letter; those of the last 14 days are listed as well, and --run and --reason repeat them. With --reason it
    asks first, and leaves out the runs whose object or audience a later run has sent. --discard ends the
    runs and drops of the chosen letters and deletes the letters, also those with an unreadable key or message.
    """
    import boto3

    from cli import deployment
    from cli.chosen_letters import chosen_letters, print_letters
    from cli.discarded_letters import discard_letters
    from stacks.names import SUPPRESSIONS

    if discard and (listed or not (run or reason)):
        raise typer.BadParameter("choose letters by --run or --reason", param_hint="--discard")
    if listed and not (connector or exports or clean_rooms):
        found = deployment.find()
        names = [*sorted(found.connectors), *([SUPPRESSIONS] if found.lists else [])]
        print_letters([chosen_letters(found, one, run=run, reason=reason) for one in names], as_json=as_json)
        return
    if [bool(connector), exports, clean_rooms].count(True) != 1:
        raise typer.BadParameter("give --connector NAME, --exports or --clean-rooms", param_hint="--connector")
    if not connector and (listed or run or reason):
        raise typer.BadParameter("--list, --run and --reason are of a connector", param_hint="--connector")
    if not connector:
        dead_letters, queue = deployment.export_queues() if exports else deployment.query_queues()
        of = "exports" if exports else "the queries"
        move_back(boto3.client("sqs"), dead_letters, queue, of, as_json=as_json)
        return
    found = deployment.find()
    queues, sqs = found.queues(connector), boto3.client("sqs")
    if listed or run or reason:
        chosen = chosen_letters(found, connector, run=run, reason=reason)
        if listed:
            print_letters([chosen], as_json=as_json)
        elif discard:
            discard_letters(found, chosen, yes=yes, as_json=as_json)
        else:
            chosen.move(found, yes=yes, as_json=as_json)
        return
    delivered = deliver_again(sqs, queues.undelivered_queue_url, queues.queue_url, connector, as_json=as_json)
    more = {"undelivered_events": delivered}
    move_back(sqs, queues.dead_letter_queue_url, queues.queue_url, connector, as_json=as_json, more=more)


def deliver_again(sqs: SQSClient, undelivered: str, queue: str, of: str, *, as_json: bool = False) -> int:
    """Put undelivered events into the queue that they were for, by the URLs of both; return how many."""
    from cli import resend
    from cli.printable import counted

    delivered = resend.deliver(sqs, undelivered, queue)
    if delivered and not as_json:
        print(f"re-queued {counted(delivered, 'undelivered event')} for {of}")
    return delivered


def move_back(
    sqs: SQSClient,
    dead_letters: str,
    queue: str,
    of: str,
    *,
    as_json: bool = False,
    more: Mapping[str, int] = MappingProxyType({}),
) -> NoReturn:
    """Move the messages between two queues by their URLs; end the command when that is done.

    With `as_json`, one object says what was moved, together with `more`.
    """
    from rich.console import Console

    from cli import deployment
    from cli.printable import counted

    source = start_move(sqs, dead_letters, queue)
    ends = time.monotonic() + MOVE_TIMEOUT_S
    with Console(stderr=True).status("moving"):
        while time.monotonic() < ends:
            task = sqs.list_message_move_tasks(SourceArn=source)["Results"][0]
            if task["Status"] != "RUNNING":
                moved, state = task.get("ApproximateNumberOfMessagesMoved", 0), task["Status"].lower()
                said = f"{state}: {counted(moved, 'message')} moved back to {of}"
                print(json.dumps({"of": of, "state": state, "moved": moved, **more}) if as_json else said)
                raise typer.Exit(0 if task["Status"] == "COMPLETED" else 1)
            time.sleep(1)
    deployment.fail(f"still moving after {MOVE_TIMEOUT_S} s; SQS will finish in the background")


def start_move(sqs: SQSClient, dead_letters: str, queue: str) -> str:
    """Begin to move the messages between two queues by their URLs; return the ARN of the first."""

    def arn(url: str) -> str:
        return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    source, target = arn(dead_letters), arn(queue)
    # The destination is named explicitly because some dead letters never came through SQS: the function itself
    # puts there what can never succeed, and such a message has no source queue to return to.
    sqs.start_message_move_task(SourceArn=source, DestinationArn=target)
    return source


def replay(
    since: Annotated[
        datetime,
        typer.Option(
            "--from", parser=utc_time, help="Start of the time to replay, UTC, such as 2026-11-20T00:00:00."
        ),
    ],
    until: Annotated[datetime, typer.Option("--to", parser=utc_time, help="End of the time to replay, UTC.")],
    connector: Annotated[str, typer.Option(help="Only this connector's drops; all of them by default.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Send the finished drops of that time again.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Replay archived events: drops that were already sent are not sent again, unfinished runs resume.

    It first says which runs of that time are skipped, resumed or left as they are. With --force, each drop whose
    run finished in that time is sent again, as a new run with a new id.
    """
    import boto3

    from cli import deployment, resend
    from cli.outlook import outlook
    from cli.typed import typed

    found = deployment.find()
    wanted = [connector] if connector else sorted(found.connectors)
    if since >= until:
        deployment.fail("--from must be earlier than --to")
    now = datetime.now(tz=UTC)
    if until > now:
        spoken = f"--to is in the future: it is now {now:%Y-%m-%dT%H:%M:%S} UTC; nothing after that is sent again"
        typer.echo(f"warning: {spoken}", err=True)
    if force:
        sent = {}
        for one in wanted:
            sent[one] = resend.force(found, one, since, until)
            if not as_json:
                print(f"sending {sent[one]} finished drops of {one} again")
        if as_json:
            print(json.dumps({"sent_again": sent}))
        return
    s3, foreseen = boto3.client("s3"), {}
    for one in wanted:
        foreseen[one] = outlook(s3, resend.receipts_of(found, one, since), since, until)
        for sentence in () if as_json else foreseen[one].sentences():
            print(f"{one}: {sentence}")
    addresses = [found.connector(name) for name in wanted]
    rules = [rule for one in addresses for rule in (one.rule_arn, *one.source_rule_arns)]
    name = f"activation-{datetime.now(tz=UTC):%Y%m%d-%H%M%S}"
    bus = f"{found.archive_arn.rsplit(':archive/', 1)[0]}:event-bus/default"
    boto3.client("events").start_replay(
        ReplayName=name,
        EventSourceArn=found.archive_arn,
        EventStartTime=since,
        EventEndTime=until,
        Destination={"Arn": bus, "FilterArns": rules},
    )
    if as_json:
        runs = {one: asdict(found_of) for one, found_of in foreseen.items()}
        print(json.dumps({"replay": name, "connectors": wanted, "runs": runs}))
        return
    print(f"replay {name} started for {', '.join(wanted)}; events of the last ten minutes may not be archived yet")
    print(f"see the result: {typed('status')}")
