"""A person's own copy of a drop that was deleted: the file that an undo reads in place of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from activation.model import UNDO_COPIES

from cli.runs.actions import RefusedActionError
from cli.typed import typed

if TYPE_CHECKING:
    from activation.model import Drop

    from cli.deployment import Deployment
    from cli.runs.rows import RunRow
    from cli.runs.view import RunView


def drop_of(view: RunView) -> Drop:
    """Return the object that a run has read, as its receipt names it."""
    from activation.model import Drop

    drop = view.receipt["drop"]
    return Drop(drop["bucket"], drop["key"], drop["version_id"], "", drop["size_bytes"], drop.get("etag", ""))


def refuse_drop(found: Deployment, view: RunView, copy: Path | None, *, is_there: bool) -> None:
    """Raise RefusedActionError where neither a run's drop nor a `copy` of it says whom the run has sent.

    `is_there` says whether the drop still exists. Raises what the ledger and reading the file raise.
    """
    import boto3
    from activation.aws.table import ConditionalTable
    from activation.drops.checksum import is_copy
    from activation.drops.source import FileSource
    from activation.ledger.drop_users import DropUsers

    if is_there:
        if copy is not None:
            raise RefusedActionError("its drop still exists and will be read; omit --drop")
        return
    row, drop = view.row, drop_of(view)
    table = ConditionalTable(boto3.client("dynamodb"), found.ledger_table)
    known = DropUsers(table, row.connector).checksum(drop)
    if not known:
        raise RefusedActionError(
            "its drop is not there any more, and the ledger has no checksum by which a copy could be told from"
            " another file; a drop of the same people with --action remove takes them out"
        )
    if copy is None:
        command = typed("run", "undo", row.run_id, "--drop", "FILE")
        raise RefusedActionError(f"its drop is not there any more; `{command}` takes your own copy of it")
    if not is_copy(FileSource(copy), drop, known):
        raise RefusedActionError("the --drop file is not the file that the run read: its size or checksum differs")


def upload_copy(found: Deployment, row: RunRow, copy: Path, undo_id: str) -> dict[str, Any]:
    """Upload the copy of a run's drop for the undo `undo_id`, and return what the undo's message says of it.

    No run begins with it: its key is that of a sidecar. Raises what S3 raises.
    """
    from cli.upload import put_file

    key = f"{row.connector}/{row.audience}/raw/{UNDO_COPIES}/{undo_id}"
    version = put_file(copy, found.drops_bucket, key)
    return {"bucket": found.drops_bucket, "key": key, "version_id": version, "size_bytes": copy.stat().st_size}
