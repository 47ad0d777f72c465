"""The commands: create, get, list, update and sync."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from amz_stream_cli import __version__
from amz_stream_cli.errors import StreamError
from amz_stream_cli.options import (
    DATASETS,
    AccountId,
    AsJson,
    DataSet,
    Dsp,
    NewNotes,
    Notes,
    ProfileId,
    Region,
    SubscriptionId,
    Token,
)
from stacks.marketing_stream.catalogue import Realm

if TYPE_CHECKING:
    from amz_stream_cli.client import StreamClient

# Amazon's example app prints this line when a successful answer contains a message.
_MESSAGE_IN_ANSWER = 255

app = typer.Typer(
    name="amz_stream_cli", pretty_exceptions_enable=False, help="Subscriptions of Amazon Marketing Stream."
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"amz_stream_cli v{__version__}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool, typer.Option("--version", "-v", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Subscriptions of Amazon Marketing Stream."""


@app.command(epilog=DATASETS)
def create(
    data_set_id: DataSet,
    api_region: Region = Realm.NA,
    destination_arn: Annotated[
        str, typer.Option("--destination-arn", "-e", help="ARN of the queue that receives the data.")
    ] = "",
    client_request_token: Token = "",
    notes: Notes = "",
    from_stack: Annotated[str, typer.Option(help="Read the destination from this stack's outputs.")] = "",
    delivery: Annotated[str, typer.Option(help="sqs or firehose, for a stack that has both.")] = "",
    delivery_stream_arn: Annotated[str, typer.Option(help="Firehose: ARN of the delivery stream.")] = "",
    subscription_role_arn: Annotated[str, typer.Option(help="Firehose: role that puts records.")] = "",
    subscriber_role_arn: Annotated[str, typer.Option(help="Firehose: role that subscribes.")] = "",
    profile_id: ProfileId = "",
    account_id: AccountId = "",
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until it is active; exit 1 if it fails, or is not within minutes.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Create a subscription."""
    from amz_stream_cli import destinations, show, waiting

    firehose = (delivery_stream_arn, subscription_role_arn, subscriber_role_arn)
    if [bool(destination_arn), bool(from_stack), any(firehose)].count(True) != 1:
        raise typer.BadParameter(
            "give one destination: --destination-arn, --from-stack, or the three ARNs of a Firehose destination"
        )
    if any(firehose) and not all(firehose):
        raise typer.BadParameter("a Firehose destination needs all three ARNs")
    with _sentences():
        if from_stack:
            destination = destinations.of_stack(from_stack, api_region, delivery)
        else:
            destination = (
                destinations.delivery_stream(*firehose) if all(firehose) else destinations.queue(destination_arn)
            )
        client = _client(api_region, profile_id, account_id, dsp=destinations.is_dsp(data_set_id))
        token = client_request_token or str(uuid.uuid4())
        answer = client.create(data_set_id, destination, token, notes or "")
        made = (
            waiting.until_active(client, str(answer["subscriptionId"]))
            if wait and "subscriptionId" in answer
            else None
        )
    if as_json and made:
        print(json.dumps(made.fields))
    elif as_json:
        print(json.dumps(answer))
    elif "message" not in answer:
        print("Subscription has been created!")
        show.table(made.fields if made else answer)
    if "message" in answer:
        typer.echo(str(answer["message"]), err=True)
        raise typer.Exit(_MESSAGE_IN_ANSWER)


@app.command()
def update(
    subscription_id: SubscriptionId,
    status: Annotated[
        str,
        typer.Option("--status", "-t", metavar="[ARCHIVED]", help="ARCHIVED ends the subscription for good."),
    ] = "",
    api_region: Region = Realm.NA,
    notes: NewNotes = None,
    profile_id: ProfileId = "",
    account_id: AccountId = "",
    dsp: Dsp = False,
    as_json: AsJson = False,
) -> None:
    """Archive a subscription, or change its notes."""
    if status not in ("", "ARCHIVED"):
        raise typer.BadParameter("--status can only be ARCHIVED")
    if not status and notes is None:
        raise typer.BadParameter("give --status ARCHIVED or --notes")
    with _sentences():
        _client(api_region, profile_id, account_id, dsp=dsp).update(subscription_id, status=status, notes=notes)
    if as_json:
        print(json.dumps({"subscriptionId": subscription_id, "status": status or None, "notes": notes}))
    else:
        print(f"Subscription ID {subscription_id} has been {status or 'updated'}!")


@app.command()
def get(
    subscription_id: SubscriptionId,
    api_region: Region = Realm.NA,
    profile_id: ProfileId = "",
    account_id: AccountId = "",
    dsp: Dsp = False,
    as_json: AsJson = False,
) -> None:
    """Show one subscription."""
    from amz_stream_cli import show

    with _sentences():
        found = _client(api_region, profile_id, account_id, dsp=dsp).get(subscription_id)
    if as_json:
        print(json.dumps(found.fields))
    else:
        show.table(found.fields)


@app.command("list")
def list_(
    api_region: Region = Realm.NA,
    page_size: Annotated[int, typer.Option(min=1, max=5000, help="Subscriptions per request.")] = 1000,
    profile_id: ProfileId = "",
    account_id: AccountId = "",
    dsp: Dsp = False,
    as_json: AsJson = False,
) -> None:
    """Show all subscriptions that this login has created for the advertiser."""
    from amz_stream_cli import show

    with _sentences():
        found = list(_client(api_region, profile_id, account_id, dsp=dsp).list(page_size))
    if as_json:
        print(json.dumps({"subscriptions": [one.fields for one in found]}))
    elif found:
        show.tables(found)
    else:
        print(show.NOTHING_SEEN)


@app.command()
def sync(
    file: Annotated[Path, typer.Argument(help="YAML or JSON with a list under `subscriptions`.")],
    prune: Annotated[
        bool, typer.Option("--prune", help="Archive live subscriptions that are not in the file.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Apply the changes without asking.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only compare; exit 1 if there is a difference.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make the subscriptions match a file: show the difference, ask, then create, annotate and archive."""
    from amz_stream_cli import destinations
    from amz_stream_cli.sync import Advertiser, read, steps

    with _sentences():
        wanted = read(file, destinations.of_stack)
        clients: dict[Advertiser, StreamClient] = {}
        for one in wanted:
            if one.advertiser not in clients:
                who = one.advertiser
                clients[who] = _client(who.realm, who.profile_id, who.account_id, dsp=who.dsp)
        there = {advertiser: list(client.list()) for advertiser, client in clients.items()}
    planned = steps(wanted, there, prune=prune)
    if as_json:
        print(json.dumps([{"action": one.action, "dataset": one.dataset, "id": one.id} for one in planned]))
    else:
        print("\n".join(map(str, planned)) or "nothing to do: the subscriptions match the file")
    if check:
        raise typer.Exit(1 if planned else 0)
    if not planned or not (yes or typer.confirm(f"make {len(planned)} changes?", err=True)):
        raise typer.Exit(1 if planned else 0)
    failed = 0
    for step in planned:
        try:
            client = clients[step.advertiser]
            if step.action == "create":
                client.create(step.dataset, step.destination or {}, str(uuid.uuid4()), step.notes)
            else:
                client.update(
                    step.id,
                    status="ARCHIVED" if step.action == "archive" else "",
                    notes=step.notes if step.action == "note" else None,
                )
        except StreamError as error:
            failed += 1
            typer.echo(f"{step}: {error}", err=True)
    if failed:
        typer.echo(f"{failed} of {len(planned)} changes failed; run it again to try those", err=True)
        raise typer.Exit(1)


def _client(realm: Realm, profile_id: str, account_id: str, *, dsp: bool) -> StreamClient:
    from amz_stream_cli.client import StreamClient
    from amz_stream_cli.credentials import load

    return StreamClient(load().acting_for(profile_id, account_id), realm, dsp=dsp)


@contextmanager
def _sentences() -> Iterator[None]:
    """End the command with exit 1 and the error's sentence on a StreamError."""
    try:
        yield
    except StreamError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def main() -> None:
    """Run the commands."""
    app(prog_name="amz_stream_cli" if sys.argv[0].endswith("__main__.py") else None)
