"""The receipt of a run: what became of every row of the drop, with sums that must add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from activation.drops.folder_listing import FolderListing, shown_file
from activation.drops.messages import Work
from activation.identifiers.column_map import shown_entries
from activation.ledger.file_plan import FilePlan
from activation.ledger.mirror_run import MirrorRun
from activation.ledger.orders import Order
from activation.ledger.progress import Progress
from activation.ledger.row_counts import RowCounts, compared_mirror
from activation.ledger.runs import FINAL, STOPPED, Run
from activation.ledger.units import LeftOut
from activation.model import EVENTS, Audience, RunWarning
from activation.platforms.audience_options import shown_options

SCHEMA = 1
NAMES_SHOWN = 100  # of a folder's files that were not read, so that a receipt stays small


def stem(audience: Audience, run_id: str) -> str:
    """Return a receipt's key without its suffix."""
    return f"receipts/{audience.connector}/{audience.name}/{run_id}"


@dataclass(frozen=True)
class Identity:
    """The part of a run's receipts that never changes.

    `run_id` is the run's, `work` its message, `audience` where its people go. `kind` is what the key declares the
    identifiers to be, "" if the key could not be parsed. `platform` is the platform's name.
    """

    run_id: str
    work: Work
    audience: Audience
    kind: str
    platform: str


def compose(
    identity: Identity,
    run: Run,
    *,
    account: str,
    now: float,
    rejects_key: str | None,
    notes: Mapping[str, str],
    warnings: Sequence[RunWarning] = (),
    listing: FolderListing | None = None,
    orders: Sequence[Order] = (),
) -> dict[str, Any]:
    """Return a receipt.

    `account` is the ad account that the run sends to; drop["ad_account"] is the one that the message named, "" for
    none. `now` is Unix seconds. `rejects_key` is the key of the list of rejects, None if there is none. `notes`
    are the platform's notes, by code. `warnings` are what looks wrong beside the sums. `listing` is what the drop
    holds if it is a folder. `orders` are what people have asked of the run, the newest last.

    `date_order` is the one that the settings say or the file shows, "" if neither does. `rows` counts people,
    `identifiers` the cells sent for them, by field. rows["in"] is None until the end of the file is reached.
    rows["read"] counts rows with a known outcome, so it is the sum of acknowledged and rejected rows even if the
    run failed. "rows_held", which only a superseded or stopped run has, counts the rows of the file.
    `rows_mended` counts those that lacked blank cells at their end or had too many. Of events, "in_doubt" counts
    how often one was sent that the platform may have had already, so at most so many count twice, and
    "event_ids_by_row" those whose id is made of the drop and the row. `continuations` counts the
    run's messages after its first. Times are ISO 8601 in UTC; `seconds` is the time from the first
    message to now, `active_seconds` that of the invocations alone.
    """
    progress, drop = run.progress, identity.work.drop
    left_out: dict[str, dict[str, Any]] = {}
    for key, codes in sorted(progress.tally.left_out.items()):
        for code, found in sorted(codes.items()):
            left_out.setdefault(key, {})[code] = {
                "cells": found.cells,
                "first_rows": list(found.first_rows),
                **({"first_places": _places(listing, found)} if listing else {}),
            }
    opened, split, reading = run.opened, progress.plan.split, progress.plan.reading
    return {
        "schema": SCHEMA,
        "run_id": identity.run_id,
        "state": run.state.value,
        "final": run.state in FINAL or run.state in STOPPED,
        "reason": {"code": run.code, "sentence": run.sentence} if run.code else None,
        "warnings": [asdict(one) for one in warnings],
        "connector": identity.audience.connector,
        "platform": identity.platform,
        "account": account,
        "audience": {
            "name": identity.audience.name,
            "id": opened.audience_id if opened else _looked_for(run),
            "created": opened.created if opened else None,
            **_options(progress.plan),
        },
        "action": identity.audience.action.value,
        "drop": {
            "bucket": drop.bucket,
            "key": drop.key,
            "version_id": drop.version_id,
            **({} if drop.is_versioned else {"etag": drop.etag}),
            "size_bytes": listing.size_bytes if listing else drop.size_bytes,
            "ad_account": identity.work.ad_account,
            "requester": identity.work.requester,
            "identifiers": identity.kind,
            "format": progress.plan.format,
        },
        **({"folder": _folder(listing)} if listing else {}),
        "columns": _columns(progress.plan),
        "date_order": reading.context.date_order if reading else "",
        "rows": _rows(progress),
        **({"mirror": _mirror(mirror)} if (mirror := compared_mirror(progress)) else {}),
        "rows_mended": progress.tally.mended,
        "identifiers": dict(sorted(progress.tally.identifiers.items())),
        "rejected_by_us": dict(sorted(progress.tally.rejected_by_us.items())),
        "rejected_by_platform": dict(sorted(progress.tally.rejected_by_platform.items())),
        "rejects_key": rejects_key,
        "cells_left_out": left_out,
        "batches": progress.tally.uploads,
        "requests": progress.tally.requests,
        "resent": progress.tally.resent,
        **(
            {"in_doubt": progress.tally.in_doubt, "event_ids_by_row": progress.tally.by_row}
            if identity.kind == EVENTS.declared
            else {}
        ),
        "bytes_sent": progress.tally.bytes_sent,
        "continuations": run.continuation,
        "replay": identity.work.replay or None,
        **({"undoes": identity.work.undo} if identity.work.undo else {}),
        **({"orders": [{"kind": one.kind, "by": one.by, "at": _iso(one.at)} for one in orders]} if orders else {}),
        "started_at": _iso(run.started_at),
        "written_at": _iso(now),
        "seconds": round(now - run.started_at, 3),
        "active_seconds": round(progress.tally.active_s, 3),
        "platform_notes": {**(opened.notes if opened else {}), **notes},
        "platform_references": progress.tally.references,
        **({} if progress.plan.rows_held is None else {"rows_held": progress.plan.rows_held}),
        **({"parts": len(split.pieces)} if split and split.pieces else {}),
        **({"started_over": progress.attempts.starts} if progress.attempts.starts else {}),
    }


def _options(plan: FilePlan) -> dict[str, Any]:
    """Return what was said of the audience when the run began, if anything was."""
    shown = shown_options(plan.options) if plan.options else {}
    return {"options": shown} if shown else {}


def _rows(progress: Progress) -> dict[str, int | None]:
    """Return what became of the drop's rows.

    Of a mirror also how many are not sent, as the audience has them. Of an undo also how many of those rejected by
    us it has left in the audience, since other runs have sent their people too, or may have.
    """
    rows = RowCounts.of(progress)
    found: dict[str, int | None] = {
        "in": rows.whole,
        "read": rows.read,
        "acknowledged": rows.acknowledged,
        "rejected_by_us": rows.rejected_by_us,
        "rejected_by_platform": rows.rejected_by_platform,
    }
    if rows.left_in:
        found["left_in"] = rows.left_in
    return found if rows.unchanged is None else {**found, "unchanged": rows.unchanged}


def _mirror(mirror: MirrorRun) -> dict[str, Any]:
    """Return how the audience was changed, and by how much.

    "joined", "changed" and "sent_again" count rows, and so does "unchanged", which a replace sends all the same.
    So does "left". "removed" counts the lines that the platform has removed, also of rows that have changed, and
    "held" those for which there is no request, because others who stay have all of their identifiers. "size" is
    how many rows the audience has now if the run ends well, "size_before" how many it had. "begun" is false while
    nothing can have been sent: all of this would happen. "too_few_left" says that the platform did not remove who
    left.
    """
    return {
        "mode": mirror.mode or None,
        "why": mirror.why or None,
        "begun": mirror.has_begun,
        "unchanged": mirror.unchanged,
        "joined": mirror.joined,
        "changed": mirror.changed,
        "sent_again": mirror.resent,
        "left": mirror.left,
        "held": mirror.held,
        "removed": mirror.removed if mirror.is_difference else None,
        "removals_refused": mirror.remove_refused,
        "too_few_left": mirror.too_small,
        "size": mirror.size if mirror.is_read else None,
        "size_before": mirror.before,
        "guard": mirror.cause or None,
        "approved_by": mirror.approved_by or None,
    }


def _folder(listing: FolderListing) -> dict[str, Any]:
    """Return how many files the folder has, and the names of what was not read of it, the first of them.

    "export" is what its manifest says of the export: a "slot" that two receipts name was exported twice.
    """
    return {
        "prefix": listing.prefix,
        **({"export": asdict(listing.export)} if listing.export else {}),
        "files": len(listing.files),
        "skipped": _names(listing.skipped),
        "stale": _names(listing.stale),
    }


def _names(names: Sequence[str]) -> dict[str, Any]:
    return {"count": len(names), "names": [shown_file(name) for name in names[:NAMES_SHOWN]]}


def _looked_for(run: Run) -> str | None:
    """Return the id of an audience that a mirror has looked for and found as it should be, or not sent to."""
    mirror = run.progress.mirror
    return (mirror.audience_id or None) if mirror else None


def _places(listing: FolderListing, found: LeftOut) -> list[dict[str, Any]]:
    return [
        {"file": shown_file(listing.name(listing.files[index])), "row": row} for index, row in found.first_places
    ]


def _columns(plan: FilePlan) -> dict[str, Any]:
    """Return what became of the file's columns; what was said of them, or is proposed, where there is any."""
    reading = plan.reading
    said = shown_entries(reading.columns, reading.own_columns) if reading else {}
    return {
        "used": plan.columns,
        "ignored": plan.ignored_columns,
        **({"proposed": plan.proposed_columns} if plan.proposed_columns else {}),
        **({"mapping": said} if said else {}),
    }


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="milliseconds")
