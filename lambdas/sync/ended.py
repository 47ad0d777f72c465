"""What follows the end of a run that sent an export: its objects are deleted, and the source is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from activation.aws.errors import classify
from activation.ledger.runs import FINAL, RunState
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.sync.export import MANIFEST, folders_up_to, remove_below
from lambdas.sync.messages import RunEnded
from lambdas.sync.slots import export_prefix

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class EndedRun:
    """A run of a declared audience that has ended or waits for a person, by its receipt.

    `export` is what the manifest said, `receipt` the whole receipt.
    """

    declaration: str
    slot: str
    state: RunState
    receipt: Mapping[str, Any]


@dataclass(frozen=True)
class RunEnds:
    """Handles the ends of runs; `tell` is told of each that a declaration led to."""

    s3: S3Client
    drops_bucket: str
    receipts_bucket: str
    tell: Callable[[EndedRun], None]

    def handle(self, ended: RunEnded) -> int:
        """Delete what the run has sent and what earlier slots left; return how many versions of objects.

        A run that failed or is blocked keeps its export: a redrive needs it, until a newer one has been sent.
        Raises what S3 raises, as Retryable and ConfigError, and what telling the source raises.
        """
        if not ended.key.endswith(f"/{MANIFEST}"):
            return 0
        receipt = self._receipt(ended.receipt_key)
        export = (receipt.get("folder") or {}).get("export") or {}
        if not export.get("declaration"):
            return 0
        found = EndedRun(export["declaration"], export["slot"], RunState(ended.state), receipt)
        deleted = self._delete(ended.key, found) if found.state in FINAL else 0
        self.tell(found)
        return deleted

    def _delete(self, key: str, ended: EndedRun) -> int:
        """Delete the run's folder and, once it was sent, those of the declaration's earlier slots beside it.

        A run that is superseded, or has nothing to send, ends without the audience's lock: an earlier slot may
        still be read then.
        """
        folder = key.removesuffix(MANIFEST)
        folders = [folder]
        if ended.state is RunState.APPLIED:
            folders = folders_up_to(self.s3, self.drops_bucket, folder, export_prefix(ended.declaration))
        return sum(remove_below(self.s3, self.drops_bucket, one) for one in folders)

    def _receipt(self, key: str) -> Mapping[str, Any]:
        try:
            with self.s3.get_object(Bucket=self.receipts_bucket, Key=key)["Body"] as body:
                found: Mapping[str, Any] = json.loads(body.read())
        except (ClientError, BotoCoreError) as error:
            raise classify(error, code="storage") from None
        return found
