"""Undoing a run: what is known beforehand of whom that takes out, and the message that begins it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from activation.platforms.discovery import platforms

from cli.runs.actions import RefusedActionError
from cli.runs.listing import Wanted, list_runs
from cli.runs.rows import OPEN, RunRow

if TYPE_CHECKING:
    from cli.deployment import Deployment
    from cli.runs.view import RunView

OTHERS_READ = 10_000  # runs of one audience; an audience with more cannot be judged
REPLACES = ("replace", "mirror")


@dataclass(frozen=True)
class Undo:
    """The undo of the run of `view`, not yet begun.

    `others` are the other runs that have sent people to the same audience, the newest first: which of its people
    are theirs as well, only their drops say.
    """

    view: RunView
    others: tuple[RunRow, ...]
    platform: str = ""

    @property
    def too_few(self) -> str:
        """Return the warning that the platform may refuse to remove the last people, "" if other runs sent enough.

        Only some platforms refuse removals that leave too few.
        """
        known = platforms().get(self.platform)
        if known is None or not known.minimum.refuses_removals:
            return ""
        fewest = known.minimum.people
        if sum(one.rows_acknowledged for one in self.others) >= fewest:
            return ""
        return (
            f"this audience may be left with fewer than {fewest:,} people: {known.title} can refuse to remove the"
            " last ones, and the undo then fails; to remove everybody, delete the audience at the platform"
        )

    @property
    def rows(self) -> int:
        """Return how many rows the run has sent."""
        return self.view.row.rows_acknowledged

    @property
    def not_told_apart(self) -> int:
        """Return the most of these rows that other runs may have sent too."""
        return min(self.rows, sum(one.rows_acknowledged for one in self.others))

    def begin(self, found: Deployment, by: str) -> str:
        """Begin the undo, and return its run's id; `by` is who asks for it, as AWS names them."""
        import boto3
        from activation.aws.table import ConditionalTable
        from activation.ledger.orders import OrderKind, Orders

        from cli import resend

        row, drop = self.view.row, self.view.receipt["drop"]
        again, run_id = _again(row), _run_id(self.view)
        Orders(ConditionalTable(boto3.client("dynamodb"), found.ledger_table), row.connector).note(
            run_id, OrderKind.UNDO, by
        )
        boto3.client("sqs").send_message(
            QueueUrl=found.connector(row.connector).queue_url,
            MessageBody=json.dumps(resend.event_of(drop, again) | {"undo": row.run_id}),
        )
        return run_id


def prepare(found: Deployment, view: RunView) -> Undo:
    """Return the undo of a run; raises RefusedActionError where it is in doubt whom it would take out."""
    import boto3

    row = view.row
    if row.connector not in found.connectors:
        raise RefusedActionError(f"it is no run of a connector, but of {row.connector}")
    if row.action != "add" or "in_doubt" in view.receipt:  # only receipts of events have the latter
        what = "events cannot be taken back" if row.action == "add" else f"it is a {row.action}"
        raise RefusedActionError(f"{what}: only a run that added people can be undone")
    if row.state in OPEN:
        raise RefusedActionError("it has not ended: stop it first")
    if not row.rows_acknowledged:
        raise RefusedActionError("it has sent nobody")
    if "folder" in view.receipt:
        raise RefusedActionError("its drop is a folder, whose files may have changed since")
    if not _is_there(view.receipt["drop"]):
        raise RefusedActionError("its drop is not there any more, so nothing says whom it has sent")
    rows = list_runs(
        boto3.client("dynamodb"), found.ledger_table, Wanted(audience=row.audience), limit=OTHERS_READ
    )
    if len(rows) == OTHERS_READ:
        raise RefusedActionError("more runs have filled its audience than can be compared")
    platform = found.platforms.get(row.connector, "")
    begun = next((one for one in rows if one.run_id == _run_id(view)), None)
    if begun:
        can = "; `activation run retry` with its id continues it" if begun.state in ("failed", "blocked") else ""
        raise RefusedActionError(f"it has an undo already: run {begun.run_id} is {begun.state}{can}")
    others = tuple(
        one
        for one in rows
        if one.run_id != row.run_id
        and one.action != "remove"
        and one.rows_acknowledged
        and found.platforms.get(one.connector, "") == platform
    )
    replaced = [one for one in others if one.action in REPLACES and one.started_at > row.started_at]
    if replaced:
        raise RefusedActionError(f"a later {replaced[0].action} has set the whole audience: {replaced[0].run_id}")
    return Undo(view, others, platform)


def _again(row: RunRow) -> str:
    """Return what tells the undo of a run from the run itself, in the id and in the message."""
    return f"undo {row.run_id}"


def _run_id(view: RunView) -> str:
    """Return the id of the run that undoes a run: the same however often it is begun."""
    from activation.model import Drop

    row, drop = view.row, view.receipt["drop"]
    version = Drop(drop["bucket"], drop["key"], drop["version_id"], "", drop["size_bytes"], drop.get("etag", ""))
    return version.run_id(row.connector, _again(row), drop.get("ad_account", ""))


def _is_there(drop: dict[str, Any]) -> bool:
    """Return whether the object version of a drop still exists."""
    import boto3

    pages = (
        boto3.client("s3")
        .get_paginator("list_object_versions")
        .paginate(Bucket=drop["bucket"], Prefix=drop["key"])
    )
    versions = (one for page in pages for one in page.get("Versions", []))
    return any((one["Key"], one["VersionId"]) == (drop["key"], drop["version_id"]) for one in versions)
