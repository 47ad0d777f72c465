"""What a replay will find: which runs of that time have ended, which it resumes, and whose drops are gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli.printable import counted

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

GONE = frozenset({"404", "NoSuchKey", "NoSuchVersion", "405", "MethodNotAllowed"})


@dataclass
class Outlook:
    """Runs of one connector by what a replay does with them.

    `skipped` counts those that have ended well, by state. `resumed` failed or are blocked. `drop_gone` did so too,
    and their drop is no longer there: a replay leaves their receipts as they are. `at_work` are not final yet.
    """

    skipped: Counter[str] = field(default_factory=Counter)
    resumed: int = 0
    drop_gone: int = 0
    at_work: int = 0

    def sentences(self) -> list[str]:
        """Return the outlook as sentences, none where no run is known."""
        states = ", ".join(f"{count} {state}" for state, count in sorted(self.skipped.items()))
        told = {
            f"skipped: already ended ({states})": self.skipped.total(),
            "failed or blocked: to be sent again, or resumed after what was acknowledged": self.resumed,
            "failed or blocked, and the drop is gone: the receipt stays": self.drop_gone,
            "left alone: still at work": self.at_work,
        }
        return [f"{counted(count, 'run')} {what}" for what, count in told.items() if count]


def outlook(s3: S3Client, receipts: Iterable[Mapping[str, Any]], since: datetime, until: datetime) -> Outlook:
    """Return what a replay of that time does with the runs of these receipts."""
    from activation.ledger.runs import FINAL

    found = Outlook()
    for receipt in receipts:
        if not since <= datetime.fromisoformat(receipt["started_at"]) <= until:
            continue
        if receipt["state"] in FINAL:
            found.skipped[receipt["state"]] += 1
        elif not receipt["final"]:
            found.at_work += 1
        elif _is_gone(s3, receipt["drop"]):
            found.drop_gone += 1
        else:
            found.resumed += 1
    return found


def _is_gone(s3: S3Client, drop: Mapping[str, Any]) -> bool:
    try:
        s3.head_object(Bucket=drop["bucket"], Key=drop["key"], VersionId=drop["version_id"])
    except ClientError as error:
        return error.response.get("Error", {}).get("Code", "") in GONE  # who may not look cannot tell
    return False
