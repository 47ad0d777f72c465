"""What the ledger says of declared audiences and of their newest slots."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import boto3
from activation.aws.table import ConditionalTable, read_text
from activation.ledger.runs import Ledger

from cli import deployment
from cli.declared_runs import runs_of, scan_filter
from lambdas.sync.catalogue import Catalogue
from lambdas.sync.due import slot_time
from lambdas.sync.slots import SYNC, declaration_key, slot_id
from lambdas.sync.upcoming import Coming, Upcoming, coming

GONE = Coming("", "")  # of a row that is in no table any more, or that declares nothing


def states() -> list[dict[str, Any]]:
    """Return the declarations in force and the rows of tables that ever had a slot or will have one, by name."""
    app = deployment.find()
    client = boto3.client("dynamodb")
    stored = Catalogue(boto3.client("s3"), app.mirrors_bucket).stored()
    of_runs, values = scan_filter()
    pages = client.get_paginator("scan").paginate(
        TableName=app.ledger_table,
        FilterExpression=f"begins_with(pk, :prefix) OR ({of_runs})",
        ExpressionAttributeValues={":prefix": {"S": declaration_key("")}, **values},
    )
    items, prefix = [item for page in pages for item in page["Items"]], declaration_key("")
    records = {item["pk"]["S"].removeprefix(prefix): item for item in items if item["pk"]["S"].startswith(prefix)}
    declared = {one.name: one for one in stored.audiences}
    table = ConditionalTable(client, app.ledger_table)
    ledger = Ledger(table, SYNC, lease_s=0, ttl_days=1)
    sources = [one.source for one in stored.tables]
    rows = Upcoming(table, ttl_days=1).read() if sources else {}
    found = []
    for name in sorted(declared.keys() | (records.keys() | rows.keys() if sources else set())):
        slot = read_text(records.get(name, {}), "newest_slot")
        declaration = declared.get(name)
        following = coming(declaration, datetime.now(UTC), slot) if declaration else rows.get(name, GONE)
        state = _state(name, slot, following, ledger, [declaration.source] if declaration else sources)
        runs = runs_of(items, name, slot) if slot else []
        audiences = len(declaration.to) if declaration else 1
        found.append(state | {"audiences": audiences, "runs": [one.described for one in runs]})
    return found


def local_time(slot: str, zone: str) -> str:
    """Return a slot's minute on a zone's wall clock, with its offset; in UTC for the zone "", "" for no slot."""
    return f"{slot_time(slot).astimezone(ZoneInfo(zone or 'UTC')):%Y-%m-%d %H:%M%z}" if slot else ""


def _state(name: str, slot: str, following: Coming, ledger: Ledger, sources: list[str]) -> dict[str, Any]:
    runs = (ledger.read(slot_id(source, name, slot)) for source in sources)
    run = next(filter(None, runs), None) if slot else None
    tally = run.progress.tally if run else None
    return {
        "declaration": name,
        "slot": slot,
        "state": run.state.value if run else "",
        "code": run.code if run else "",
        "sentence": run.sentence if run else "",
        "rows": tally.acknowledged if tally else 0,
        "left_out": dict(tally.rejected_by_us) if tally else {},
        "next_slot": following.slot,
        "timezone": following.timezone,
        "paused": following.paused,
    }
