"""One occasion on which the job is to run: what names it, what it reads, and how a message or a run carries it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from activation.errors import Rejected
from activation.ledger.keys import start_key
from activation.records import DamagedRecord, from_json

KIND = "normalize"  # in the keys of paid starts
TOKEN = "--start"  # noqa: S105  no password: the job's argument that a run is found by
START, CHECK = "Export Start", "Export Run Check"  # the detail types of the function's own messages


@dataclass(frozen=True)
class Occasion:
    """An export and the `slot` that it is for: a closing of one of its folders, or a time of its schedule.

    `input` is the folder's s3:// URL, and `listing` that of the list of its files, "" where the job lists them.
    """

    export: str
    slot: str
    input: str
    listing: str = ""

    @property
    def key(self) -> str:
        """Return the key of the start's record."""
        return start_key(KIND, self.export, self.slot)

    @property
    def folder(self) -> str:
        """Return the name of the drop's folder: the same for each attempt, so that only one can make it."""
        return f"{self.export}-{self.slot}"

    def arguments(self, token: str, mapping: str, output: str, record: str) -> dict[str, str]:
        """Return the arguments of a run of the job; `mapping`, `output` and `record` are s3:// URLs."""
        return {
            TOKEN: token,
            "--export": self.export,
            "--slot": self.slot,
            "--mapping": mapping,
            "--input": self.input,
            "--output": output,
            "--folder": self.folder,
            "--record": record,
            **({"--listing": self.listing} if self.listing else {}),
        }

    def message(self, after: int = 0, waits: int = 0) -> str:
        """Return the body of a message that starts the job.

        `after` is the failed attempt that it repeats, `waits` how often it has waited for room.
        """
        waited = {"waits": waits} if waits else {}
        return json.dumps({"detail-type": START, "after": after, **waited, "occasion": asdict(self)})


@dataclass(frozen=True)
class StartMessage:
    """A message that starts the job."""

    occasion: Occasion
    after: int = 0
    waits: int = 0


def read_start(body: str) -> StartMessage:
    """Read such a message; raises Rejected (not_understood)."""
    try:
        return from_json(body, StartMessage)
    except DamagedRecord:
        raise Rejected("not_understood", "the message lacks what a start of the job has") from None


def check_message(run_id: str) -> str:
    """Return the body of a message that looks at a run of the job."""
    return json.dumps({"detail-type": CHECK, "run_id": run_id})


def occasion_of(arguments: Mapping[str, str]) -> Occasion | None:
    """Return the occasion that a run was started for, None for one that somebody has started by hand."""
    if not {TOKEN, "--export", "--slot", "--input"} <= arguments.keys():
        return None
    listing = arguments.get("--listing", "")
    return Occasion(arguments["--export"], arguments["--slot"], arguments["--input"], listing)
