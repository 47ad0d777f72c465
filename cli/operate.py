"""`activation redrive` and `activation replay`: process messages again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from cli.completion import connectors, runs
from cli.letters import DeadLetters, Letter
from cli.times import utc_time

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

    from cli.deployment import Deployment
    from cli.runs.rows import RunRow

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
        bool, typer.Option("--list", help="Only list the connector's dead letters: run, code, time, sentence.")
    ] = False,
    run: Annotated[
        str, typer.Option(autocompletion=runs, help="Only the letter of this run: its id, or its first digits.")
    ] = "",
    reason: Annotated[str, typer.Option(help="Only letters with this code, such as token_refused.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; with --list, a list.")] = False,
) -> None:
    """Move dead letters back to their queue, of a connector, of exports or of Clean Rooms queries.

    Each run of a connector, or of a suppression list, resumes where it stopped. An export whose Glue job failed is
    started again, for the same files, and a query is run again, as another attempt of its slot. List a connector's
    letters first: --run and --reason move those alone whose cause is removed. A run whose drop is wrong leaves no
    dead letter; those of the last 14 days are listed as well, and --run and --reason repeat them.
    """
    import boto3

    from cli import deployment
    from cli.runs.wrong_drops import wrong_drops

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
        letters = DeadLetters(sqs, queues.dead_letter_queue_url, queues.queue_url)
        wrong = wrong_drops(found, connector, run=run, reason=reason)
        if listed:
            _list(letters, wrong, run, reason, as_json=as_json)
        else:
            moved = _move(letters, wrong, run, reason, found, connector)
            told = {name: count for name, count in moved.items() if count}
            print(json.dumps({"of": connector, **moved}) if as_json else "\n".join(_moved(told, connector)))
        return
    delivered = deliver_again(sqs, queues.undelivered_queue_url, queues.queue_url, connector, as_json=as_json)
    more = {"undelivered_events": delivered}
    move_back(sqs, queues.dead_letter_queue_url, queues.queue_url, connector, as_json=as_json, more=more)


def _list(letters: DeadLetters, wrong: Sequence[RunRow], run: str, reason: str, *, as_json: bool) -> None:
    """Print the letters of a run or reason, and the runs that left none, the oldest first; all for neither."""
    from activation.codes import explain

    from cli.printable import console, printable
    from cli.runs.shown import RUN_DIGITS_SHOWN, utc

    found = [one for one in letters.read() if one.run_id.startswith(run) and reason in ("", one.code)]
    lettered = {one.run_id for one in found}
    told = [(one.sent_at, one.run_id, one.code, one.sentence, True) for one in found]
    told += [
        (one.ended_at or one.started_at, one.run_id, one.code, one.sentence, False)
        for one in wrong
        if one.run_id not in lettered
    ]
    if as_json:
        objects = [
            {
                "run_id": run_id,
                "code": code,
                "sentence": sentence,
                "who": explain(code).who.value,
                "sent_at": utc(at),
                "dead_letter": has_letter,
            }
            for at, run_id, code, sentence, has_letter in sorted(told)
        ]
        print(json.dumps(objects, ensure_ascii=False))
        return
    for at, run_id, code, sentence, has_letter in sorted(told):
        who = f"{explain(code).who.value}{'' if has_letter else ', no dead letter'}"
        head = f"{run_id[:RUN_DIGITS_SHOWN]:<{RUN_DIGITS_SHOWN}}  {utc(at)}  {code} ({who})"
        console().print(f"{head}\n  {printable(sentence)}", soft_wrap=True)
    if not told:
        typer.echo("no dead letters match", err=True)


def _move(
    letters: DeadLetters, wrong: Sequence[RunRow], run: str, reason: str, found: Deployment, of: str
) -> dict[str, int]:
    """Move the letters of a run or reason back, and repeat the runs without one; return how many of each.

    Ends the command with exit 1 if there is neither.
    """
    from cli import deployment
    from cli.runs.actions import RunActions, caller
    from cli.typed import typed

    moved: set[str] = set()

    def wanted(one: Letter) -> bool:
        chosen = one.run_id.startswith(run) and reason in ("", one.code)
        moved.update({one.run_id} if chosen else ())
        return chosen

    count, repeated = letters.move(wanted), 0
    if without := [one for one in wrong if one.run_id not in moved]:
        acts = RunActions(found, caller())
        repeated = sum(map(acts.repeat, without))
    if not count and not repeated:
        listing = typed("redrive", "--connector", of, "--list")
        deployment.fail(f"no dead letter of {of} matches, and no run without one; list them: {listing}")
    return {"moved": count, "repeated": repeated}


def _moved(told: Mapping[str, int], of: str) -> Iterator[str]:
    """Yield what was moved and repeated, as sentences."""
    from cli.printable import counted

    if "moved" in told:
        yield f"{counted(told['moved'], 'message')} moved back to {of}"
    if "repeated" in told:
        yield f"{counted(told['repeated'], 'run')} without a dead letter repeated"


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
