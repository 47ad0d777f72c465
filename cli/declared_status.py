"""What the ledger says of declared audiences and of their newest slots."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import boto3
from activation.aws.table import ConditionalTable, read_text
from activation.ledger.runs import Ledger

from cli import deployment
from lambdas.sync.catalogue import Catalogue
from lambdas.sync.declaration import Declaration
from lambdas.sync.due import following_slot, slot_time
from lambdas.sync.slots import SYNC, declaration_key, slot_id


def states() -> list[dict[str, Any]]:
    """Return the declarations in force and the rows of tables that ever had a slot, by their names' order."""
    app = deployment.find()
    client = boto3.client("dynamodb")
    stored = Catalogue(boto3.client("s3"), app.mirrors_bucket).stored()
    pages = client.get_paginator("scan").paginate(
        TableName=app.ledger_table,
        FilterExpression="begins_with(pk, :prefix)",
        ExpressionAttributeValues={":prefix": {"S": declaration_key("")}},
    )
    records = {item["pk"]["S"].removeprefix(declaration_key("")): item for page in pages for item in page["Items"]}
    declared = {one.name: one for one in stored.audiences}
    ledger = Ledger(ConditionalTable(client, app.ledger_table), SYNC, lease_s=0, ttl_days=1)
    sources = [table.source for table in stored.tables]
    found = []
    for name in sorted(declared.keys() | (records.keys() if sources else set())):
        slot = read_text(records.get(name, {}), "newest_slot")
        found.append(_state(name, declared.get(name), slot, ledger, sources))
    return found


def local_time(slot: str, zone: str) -> str:
    """Return a slot's minute on a zone's wall clock, with its offset; in UTC for the zone "", "" for no slot."""
    return f"{slot_time(slot).astimezone(ZoneInfo(zone or 'UTC')):%Y-%m-%d %H:%M%z}" if slot else ""


def _state(
    name: str, declaration: Declaration | None, slot: str, ledger: Ledger, sources: list[str]
) -> dict[str, Any]:
    places = [declaration.source] if declaration else sources
    run = (
        next(filter(None, (ledger.read(slot_id(source, name, slot)) for source in places)), None) if slot else None
    )
    tally = run.progress.tally if run else None
    following = following_slot(declaration, datetime.now(UTC), slot) if declaration else None
    return {
        "declaration": name,
        "slot": slot,
        "state": run.state.value if run else "",
        "code": run.code if run else "",
        "sentence": run.sentence if run else "",
        "rows": tally.acknowledged if tally else 0,
        "left_out": dict(tally.rejected_by_us) if tally else {},
        "next_slot": following.name if following else "",
        "timezone": declaration.schedule.zone.key if declaration else "",
        "paused": declaration.paused if declaration else False,
    }
