"""`activation audiences apply`, `run`, `status` and `redrive`: declarations, and the slots that they lead to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.declared_plan import File

KEEP, EMPTY = "keep", "empty"


def apply(
    file: File = Path("audiences.yml"),
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the members of audiences that are not declared any more.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before anything is stored.")] = False,
) -> None:
    """Check the file, show what it changes, and put it in force; nothing has to be deployed.

    For each declaration that disappears it asks whether its audience keeps its members or is emptied.
    """
    import boto3

    from cli import deployment
    from cli.declared import described, find_sync, read_checked
    from cli.declared_store import read_stored, store
    from cli.emptying import empty

    found = read_checked(file)
    find_sync()
    app = deployment.find()
    s3 = boto3.client("s3")
    stored = read_stored(s3, app.mirrors_bucket)
    before, after = described(stored.document), described(found.document)
    gone = [name for name in before if name not in after]
    changed = [name for name in after if before.get(name) != after[name]]
    for name in changed:
        print(f"{'~' if name in before else '+'} {name}{_what_changed(before.get(name), after[name])}")
    for name in gone:
        print(f"- {name}")
    if not gone and not changed:
        print("nothing changes")
        return
    # What the rows of a table are like, and is paused, has filled no audience of its own.
    templates = {one["like"] for name, one in before.items() if name.startswith("table ")}
    filled = [
        name
        for name in gone
        if not name.startswith("table ") and not (name in templates and before[name].get("paused"))
    ]
    emptied = [name for name in filled if not keep and _asked(name) == EMPTY]
    if not yes and not typer.confirm("Put this in force?"):
        raise typer.Exit(1)
    store(s3, app.mirrors_bucket, found.document, stored)
    print(f"in force from the next tick on, within five minutes: {len(after)} declared")
    for name in emptied:
        for sentence in empty(s3, app, before[name]):
            print(f"{name}: {sentence}")


def run(
    name: Annotated[str, typer.Argument(help="The declaration's name.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Extract a declared audience now, in a slot of its own beside its schedule's."""
    import boto3

    from cli import deployment
    from cli.declared import find_sync
    from cli.typed import typed
    from lambdas.sync.catalogue import Catalogue
    from lambdas.sync.due import slot_at
    from lambdas.sync.messages import SlotWork
    from lambdas.sync.slots import slot_id

    sync, app = find_sync(), deployment.find()
    stored = Catalogue(boto3.client("s3"), app.mirrors_bucket).stored()
    declaration = next((one for one in stored.audiences if one.name == name), None)
    if declaration is None:
        deployment.fail(
            f"nothing of this name is in force; in force are {', '.join(one.name for one in stored.audiences)}"
            f"{' and the rows of tables, which run once their next_sync has come' if stored.tables else ''}"
        )
    if declaration.paused:
        deployment.fail(f"{name} is paused: set `paused` to false in the file, and apply it")
    slot = slot_at(datetime.now(UTC)).name
    boto3.client("sqs").send_message(QueueUrl=sync.queue_url, MessageBody=SlotWork(name, slot).body())
    if as_json:
        print(json.dumps({"declaration": name, "slot": slot, "slot_id": slot_id(declaration.source, name, slot)}))
    else:
        print(f"{name}: slot {slot} begins; see {typed('audiences', 'status', name)}")


def status(
    name: Annotated[str, typer.Argument(help="One declaration; all by default.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per declaration.")] = False,
) -> None:
    """Show each declared audience: the state of its newest slot, and when the next one comes.

    The state is that of the extraction and then that of the run that sends the export; of several runs, of the one
    that needs somebody most. Exit 1 if the newest slot of one, or a run of it, failed or is blocked.
    """
    from rich.table import Table

    from cli.declared_runs import has_stopped, shown_state, why
    from cli.declared_status import local_time, states
    from cli.printable import console, printable

    found = [one for one in states() if name in ("", one["declaration"])]
    if as_json:
        for one in found:
            print(json.dumps(one, ensure_ascii=False))
    else:
        table = Table("declaration", "newest slot", "state", "rows", "left out", "next slot")
        for one in found:
            left_out = ", ".join(f"{code} {rows:,}" for code, rows in one["left_out"].items())
            slot = local_time(one["slot"], one["timezone"]) or "none yet"
            following = "paused" if one["paused"] else local_time(one["next_slot"], one["timezone"])
            table.add_row(
                printable(one["declaration"]), slot, shown_state(one), f"{one['rows']:,}", left_out, following
            )
        console().print(table)
        for line in (line for one in found for line in why(one)):
            console().print(line, soft_wrap=True)
    raise typer.Exit(1 if any(map(has_stopped, found)) else 0)


def redrive(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Send the slots that failed or are blocked again, and ends of runs that did not arrive."""
    import boto3

    from cli.declared import find_sync
    from cli.operate import deliver_again, move_back

    sync, sqs = find_sync(), boto3.client("sqs")
    of = "declared audiences"
    delivered = deliver_again(sqs, sync.undelivered_queue_url, sync.queue_url, of, as_json=as_json)
    more = {"undelivered_events": delivered}
    move_back(sqs, sync.dead_letter_queue_url, sync.queue_url, of, as_json=as_json, more=more)


def _asked(name: str) -> str:
    """Ask what becomes of the members of an audience that is not declared any more."""
    question = f"{name} is not declared any more. Does its audience {KEEP} its members, or is it to be emptied?"
    answer = ""
    while answer not in (KEEP, EMPTY):
        answer = typer.prompt(f"{question} [{KEEP}/{EMPTY}]", default=KEEP, show_default=False).strip().lower()
    return answer


def _what_changed(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> str:
    """Return the keys in which a declaration differs from what is in force, "" for a new one."""
    if before is None:
        return ""
    keys = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    return f": {', '.join(keys)}"
