"""The undo of a run, as the receipts and the lists of runs tell it: by which run, how far it is, who asked for it.

The undone run's stored receipt and its page are written anew when its undo ends. While that is under way, and for
undos of an earlier release, the commands find the undo in the ledger and add the same to what they show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from activation.ledger.orders import OrderKind
from activation.report import stored
from activation.report.verdict import state_word

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_OPEN = frozenset({"running", "waiting", "accepted"})


@dataclass(frozen=True)
class Undo:
    """The run `run_id`, which undoes the run `undoes`.

    `state` and `code` are its own, and `rows` is how many rows it has removed so far. `by` is who asked for it, as
    AWS names them, and `at` when, in Unix seconds.
    """

    run_id: str
    undoes: str
    state: str
    code: str
    rows: int
    by: str
    at: float

    @classmethod
    def in_receipt(cls, receipt: Mapping[str, Any]) -> Undo | None:
        """Return the undo whose own receipt this is, None where it does not say who has asked for one."""
        asked = [one for one in receipt.get("orders", ()) if one["kind"] == OrderKind.UNDO]
        if not asked or "undoes" not in receipt:
            return None
        return cls(
            str(receipt["run_id"]),
            str(receipt["undoes"]),
            str(receipt["state"]),
            str((receipt["reason"] or {}).get("code", "")),
            int(receipt["rows"]["acknowledged"]),
            str(asked[-1]["by"]),
            datetime.fromisoformat(asked[-1]["at"]).timestamp(),
        )

    @property
    def of_undone(self) -> str:
        """Return what became of the run that it undoes, without a full stop."""
        rows = f"{self.rows:,} row{'s' * (self.rows != 1)}"
        if self.state in _OPEN:
            said = f"is being undone by run {self.run_id}, {rows} removed so far"
        elif self.state == "applied":
            said = f"undone by run {self.run_id}, {rows} removed"
        elif self.state == "empty":
            said = f"undone by run {self.run_id}, which had nobody to remove"
        else:
            word = state_word(self.state, self.code)
            code = f" ({self.code})" if self.code not in ("", word) else ""
            said = f"its undo, run {self.run_id}, is {word}{code}, {rows} removed"
        return f"{said}; {self.asked}"

    @property
    def word(self) -> str:
        """Return what became of the run that it undoes, in a word or two."""
        if self.state in _OPEN:
            return "being undone"
        return "undone" if self.state in ("applied", "empty") else f"undo {state_word(self.state, self.code)}"

    @property
    def of_undo(self) -> str:
        """Return what the run itself does, without a full stop."""
        return f"undoes run {self.undoes}; {self.asked}"

    @property
    def asked(self) -> str:
        """Return who has asked for it, and when."""
        return f"asked for by {self.by}, {self._asked_at} UTC"

    @property
    def data(self) -> dict[str, Any]:
        """Return it for programs, beside the run that it undoes."""
        return {
            "run_id": self.run_id,
            "state": self.state,
            "code": self.code,
            "rows_removed": self.rows,
            "by": self.by,
            "at": f"{self._asked_at.replace(' ', 'T')}+00:00",
            "sentence": self.of_undone,
        }

    @property
    def _asked_at(self) -> str:
        return datetime.fromtimestamp(self.at, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")


def tell_undone(client: S3Client, bucket: str, receipt: Mapping[str, Any], key: str) -> None:
    """Write into the stored receipt of an undone run, and its page, what the `receipt` of its undo says.

    `key` is that of the undo's receipt: both lie below the same audience. Does nothing for any other receipt, or
    where the undone run's is gone. Raises what reading and writing receipts raise.
    """
    undo = Undo.in_receipt(receipt)
    if undo is None:
        return
    stem = f"{key.rpartition('/')[0]}/{undo.undoes}"
    before = stored.read(client, bucket, f"{stem}.json")
    if before is None:
        return
    told = {**before, "undone_by": undo.data}
    if stored.write(client, bucket, f"{stem}.json", told):
        stored.write_page(client, bucket, stem, told)
