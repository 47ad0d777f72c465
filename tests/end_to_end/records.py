"""A deployed connector's records in the ledger: read, waited for, spoiled, and made older."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, replace
from typing import Any

from activation.ledger.progress import Progress
from activation.model import Drop

from tests.end_to_end.driver import until
from tests.end_to_end.queues import Queues

# What the ledger keeps of time, in Unix seconds; 0 stands for "not set".
_MOMENTS = (
    "started_at", "updated_at", "lease_until", "not_before", "held_until", "expires_at", "opened_at", "last_event",
)  # fmt: skip


@dataclass(frozen=True)
class Put:
    """A drop that was put: where its receipt will be."""

    key: str
    version_id: str
    run_id: str
    audience: str
    receipt_key: str


@dataclass
class Records(Queues):
    """This part of a Line is about the ledger, and about time, most of which is kept there."""

    def run(self, put: Put) -> dict[str, Any] | None:
        """Return the ledger's record of a drop's run, numbers and texts plain; None when there is none."""
        answer = self.sandbox.client("dynamodb").get_item(
            TableName=self.variables["LEDGER_TABLE"],
            Key={"pk": {"S": self._pk(put)}},
            ConsistentRead=True,
        )
        return _plain(answer["Item"]) if "Item" in answer else None

    def wait_for_stray(self, put: Put, within_s: float = 60.0) -> dict[str, Any]:
        """Wait until the ledger knows an object under no connector's prefix, and give its record."""
        owner, bucket = "_", self.sandbox.described["drops_bucket"]
        key = {"pk": {"S": f"_#unread#{Drop(bucket, put.key, put.version_id, '', 0).run_id(owner)}"}}

        def there() -> dict[str, Any] | None:
            answer = self.sandbox.client("dynamodb").get_item(TableName=self.variables["LEDGER_TABLE"], Key=key)
            return _plain(answer["Item"]) if "Item" in answer else None

        return until(there, within_s)

    def wait_for_run(self, put: Put, state: str, within_s: float = 60.0) -> dict[str, Any]:
        """Wait until a drop's run is in a state and nobody holds it, and give its record; no time is let pass."""

        def there() -> dict[str, Any] | None:
            run = self.run(put)
            return run if run is not None and run["state"] == state and not run["lease_until"] else None

        return until(there, within_s)

    def wait_out(self, put: Put, within_s: float = 30.0) -> float:
        """Let the time pass that a run waits for, and see it go on; returns the seconds it was to wait."""
        url = self.addresses["queue_url"]

        def waits() -> dict[str, Any] | None:
            run = self.run(put)
            released = run is not None and run["state"] == "waiting" and not run["lease_until"]
            hidden = url in self.sandbox.queue_waits()["hidden"]
            return run if run is not None and released and hidden and run["not_before"] > time.time() else None

        run = until(waits, within_s)
        wait_s = float(run["not_before"] - run["updated_at"])
        until(lambda: None if self.sandbox.queue_waits()["delivering"] else True, within_s)
        self.pass_time(wait_s + 2)

        def gone_on() -> bool | None:
            now = self.run(put)
            return True if now is not None and now["continuation"] > run["continuation"] else None

        until(gone_on, within_s)
        return wait_s

    def pass_time(self, seconds: float) -> None:
        """Let time pass: for messages that are hidden, for what the ledger keeps of time, and at the platforms."""
        table, client = self.variables["LEDGER_TABLE"], self.sandbox.client("dynamodb")
        for item in self._items():
            for name in _MOMENTS:
                moment = float(item.get(name, {}).get("N", "0"))
                if moment > 0:
                    with contextlib.suppress(client.exceptions.ConditionalCheckFailedException):
                        client.update_item(
                            TableName=table,
                            Key={"pk": item["pk"]},
                            UpdateExpression="SET #name = :then",
                            ConditionExpression="#name = :now",
                            ExpressionAttributeNames={"#name": name},
                            ExpressionAttributeValues={
                                ":now": item[name],
                                ":then": {"N": f"{max(0.001, moment - seconds):.3f}"},
                            },
                        )
        self.sandbox.advance(seconds)
        self.simulated_s += seconds

    def wait_for_late_files(self, count: int, within_s: float = 60.0) -> None:
        """Let the time pass that late files wait for, until the folders' records count so many."""

        def counted() -> bool | None:
            late = sum(int(float(item.get("late_files", {}).get("N", "0"))) for item in self._items())
            if late < count and (waits := self.sandbox.queue_waits()["hidden"].get(self.addresses["queue_url"])):
                self.pass_time(waits + 1)
            return True if late >= count else None

        until(counted, within_s)

    def edit_plan(self, put: Put, **changes: Any) -> None:
        """Change what the ledger has recorded of how a run reads its file."""
        run = self.run(put)
        assert run is not None
        progress = Progress.from_json(run["progress"])
        progress.plan = replace(progress.plan, **changes)
        self.sandbox.client("dynamodb").update_item(
            TableName=self.variables["LEDGER_TABLE"],
            Key={"pk": {"S": self._pk(put)}},
            UpdateExpression="SET progress = :progress",
            ExpressionAttributeValues={":progress": {"S": progress.to_json()}},
        )

    def spoil_record(self, put: Put, state: str = "running") -> None:
        """Write a record of a drop's run that no release can read; an error may quote `state`."""
        record = {"pk": {"S": self._pk(put)}, "state": {"S": state}, "progress": {"S": "{"}}
        self.sandbox.client("dynamodb").put_item(TableName=self.variables["LEDGER_TABLE"], Item=record)

    def forget_record(self, put: Put) -> None:
        """Remove the record of a drop's run."""
        self.sandbox.client("dynamodb").delete_item(
            TableName=self.variables["LEDGER_TABLE"], Key={"pk": {"S": self._pk(put)}}
        )

    def _items(self) -> list[dict[str, Any]]:
        pages = (
            self.sandbox.client("dynamodb")
            .get_paginator("scan")
            .paginate(TableName=self.variables["LEDGER_TABLE"])
        )
        return [item for page in pages for item in page["Items"]]

    def _pk(self, put: Put) -> str:
        return f"{self.connector}#run#{put.run_id}"


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for name, typed in item.items():
        ((kind, value),) = typed.items()
        plain[name] = float(value) if kind == "N" else value
    return plain
