"""One run as the ledger and its stored receipt show it together, also while it runs."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from activation.report.undone import Undo

from cli.runs.listing import find_run
from cli.runs.rows import OPEN, RunRow
from cli.runs.undone import Undos, undos_among

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_s3.client import S3Client

    from cli.deployment import Deployment


class UnknownRunError(Exception):
    """No run has this id; or several begin with it, if `matches` is more than 0."""

    def __init__(self, matches: int = 0) -> None:
        super().__init__("several runs begin so" if matches else "no such run")
        self.matches = matches


@dataclass(frozen=True)
class RunView:
    """A run's `row`, and its `receipt` in the form of a stored one.

    The receipt of a run that has not ended is made of its record in the ledger, so that its sums are those of now.
    `undone_by` is the newest undo of the run, None for none; `undo` is the run itself if it undoes another, else
    None. The receipt says both, as "undone_by" and "undoes".
    """

    row: RunRow
    receipt: dict[str, Any]
    undone_by: Undo | None = None
    undo: Undo | None = None

    @property
    def is_open(self) -> bool:
        """Return whether the run goes on by itself."""
        return self.row.state in OPEN


def show_run(found: Deployment, run: str) -> RunView:
    """Return the run whose id is `run` or begins with it.

    Raises UnknownRunError, and what reading the ledger and the receipts bucket raises.
    """
    import boto3

    from stacks.names import SUPPRESSIONS

    table: DynamoDBClient = boto3.client("dynamodb")
    rows = find_run(table, found.ledger_table, run, (*found.connectors, SUPPRESSIONS))
    if len(rows) != 1:
        raise UnknownRunError(len(rows))
    (row,) = rows
    stored = stored_at(boto3.client("s3"), found.receipts_bucket, row)
    if row.is_unread:
        return RunView(row, _receipt_of_unread(found, row, table, stored))
    ended = stored is not None and row.state not in OPEN
    receipt = stored if ended and stored is not None else _receipt_now(found, row, table, stored)
    undos = _undos(table, found.ledger_table, row)
    undone_by, undo = undos.of.get(row.run_id), undos.by.get(row.run_id)
    if undone_by:
        receipt = receipt | {"undone_by": undone_by.data}
    if undo:
        receipt = receipt | {"undoes": undo.undoes}
    return RunView(row, receipt, undone_by, undo)


def _receipt_of_unread(
    found: Deployment, row: RunRow, client: DynamoDBClient, stored: dict[str, Any] | None
) -> dict[str, Any]:
    """Return the receipt of a drop whose key cannot be read, with what was asked of it since it was stored."""
    from activation.aws.table import ConditionalTable
    from activation.drops.messages import Work
    from activation.ledger.orders import Orders
    from activation.ledger.progress import Progress
    from activation.ledger.runs import Run, RunState
    from activation.model import Audience, Drop
    from activation.report.receipts import Identity, compose

    at = row.started_at
    state = RunState(row.state) if row.state in tuple(RunState) else RunState.FAILED  # of no connector: ignored
    run = Run("", 0, state, 0, at, at, 0.0, 0.0, 0, Progress(), code=row.code, sentence=row.sentence)
    work = Work(Drop(found.drops_bucket, row.file, "", "", 0))
    audience, platform = Audience(row.connector, row.audience), found.platforms.get(row.connector, "")
    now = compose(
        Identity(row.run_id, work, audience, "", platform),
        run,
        account="",
        now=row.ended_at or at,
        rejects_key=None,
        notes={},
        orders=Orders(ConditionalTable(client, found.ledger_table), row.connector).of(row.run_id),
    )
    if stored is None:
        return now
    return stored | {name: now[name] for name in ("reason", "orders") if name in now}


def _undos(table: DynamoDBClient, name: str, row: RunRow) -> Undos:
    """Return the undos of a run, none where the deployed release has no index to look for them."""
    from activation.errors import ConfigError

    try:
        return undos_among(table, name, (row,))
    except ConfigError as error:
        if error.code != "no_run_index":
            raise
        return Undos()


def stored_at(client: S3Client, bucket: str, row: RunRow) -> dict[str, Any] | None:
    """Return the stored receipt of a run, None where there is none yet."""
    from botocore.exceptions import ClientError

    key = f"receipts/{row.connector}/{row.audience}/{row.run_id}.json"
    try:
        body = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
            return None
        raise
    receipt: dict[str, Any] = json.loads(body)
    return receipt


def _receipt_now(
    found: Deployment, row: RunRow, client: DynamoDBClient, stored: dict[str, Any] | None
) -> dict[str, Any]:
    """Return a run's receipt as its worker would write it now; what only that knows is the stored one's."""
    from activation.aws.table import ConditionalTable
    from activation.drops.messages import Work
    from activation.ledger.runs import Ledger
    from activation.model import Action, Audience, Drop
    from activation.report.receipts import Identity, compose

    ledger = Ledger(ConditionalTable(client, found.ledger_table), row.connector, lease_s=0, ttl_days=0)
    run = ledger.read(row.run_id)
    if run is None:
        raise UnknownRunError
    audience = Audience(row.connector, row.audience, Action(row.action))
    work = Work(Drop(found.drops_bucket, row.file, "", "", 0), continuation=run.continuation)
    identity = Identity(row.run_id, work, audience, "", found.platforms.get(row.connector, ""))
    now = compose(
        identity,
        run,
        account="",
        now=time.time(),
        rejects_key=None,
        notes={},
        warnings=run.progress.warnings,
    )
    if stored is None:
        return now
    return now | {name: stored[name] for name in ("account", "drop", "folder", "columns") if name in stored}
