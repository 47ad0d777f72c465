"""The state of declared audiences' slots: of the extraction, and of the connectors' runs that send its export."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from activation.aws.table import read_text
from activation.ledger.keys import RUN
from activation.ledger.orders import DISCARDED
from activation.report.verdict import state_word

from lambdas.sync.export import MANIFEST
from lambdas.sync.slots import export_name

# A slot with several audiences has several runs; it is shown in the state that asks most of its owner.
MOST_URGENT = (
    *("failed", "blocked", "stopped", "waiting", "running", "accepted", "superseded", "discarded", "empty"),
    "applied",
)
STOPPED = ("failed", "blocked", "stopped")
EXTRACTED = "extracted"  # a slot whose export no run has begun to send


@dataclass(frozen=True)
class SlotRun:
    """A run of one slot's export.

    `state` is what the run's state is called, see `state_word`; `code` and `sentence` are why it waits or stopped,
    "" when it does neither.
    """

    connector: str
    audience: str
    account: str
    run_id: str
    state: str
    code: str
    sentence: str

    @property
    def fills(self) -> tuple[str, str, str]:
        """Return the audience that the run fills: its connector, name and ad account."""
        return self.connector, self.audience, self.account

    @property
    def what_to_do(self) -> str:
        """Return the command that goes on with a run that has stopped, "" for any other."""
        from cli.typed import typed

        if self.state not in STOPPED:
            return ""
        shown = typed("run", "show", self.run_id)
        if self.code == "needs_approval":
            return f"{shown} shows who would leave; then {typed('audiences', 'approve', self.run_id)}"
        return f"{shown} says what to do"

    @property
    def described(self) -> dict[str, Any]:
        """Return all of it as JSON's values."""
        return {**asdict(self), "what_to_do": self.what_to_do}


def scan_filter() -> tuple[str, dict[str, Any]]:
    """Return the condition of a scan of the ledger for these runs' records, and its values."""
    condition = "contains(pk, :run) AND contains(object_key, :manifest)"
    return condition, {":run": {"S": RUN}, ":manifest": {"S": f"/{MANIFEST}"}}


def runs_of(items: Iterable[Mapping[str, Any]], declaration: str, slot: str) -> list[SlotRun]:
    """Return the runs of a declaration's slot among records of runs, the most urgent first.

    A discarded run is left out where another one has taken its place.
    """
    export = export_name(declaration, slot)
    found = [_run(item, export) for item in items if _is_of(export, read_text(item, "object_key"))]
    others = {one.fills for one in found if one.state != DISCARDED}
    found = [one for one in found if one.state != DISCARDED or one.fills not in others]
    return sorted(found, key=lambda one: (_rank(one.state), *one.fills))


def shown_state(one: Mapping[str, Any]) -> str:
    """Return the state of a slot: of its extraction, once that is done of the most urgent run that sends it.

    Of several audiences, it is told how many have a run while one of them has none.
    """
    if one["state"] != "applied":
        return str(one["state"])
    if not one["runs"]:
        return EXTRACTED
    state = str(one["runs"][0]["state"])
    filled = len({(run["connector"], run["audience"], run["account"]) for run in one["runs"]})
    return state if filled >= one["audiences"] or state in STOPPED else f"{filled} of {one['audiences']} begun"


def has_stopped(one: Mapping[str, Any]) -> bool:
    """Return whether a slot, or a run that sends it, failed or is blocked."""
    return shown_state(one) in STOPPED


def why(one: Mapping[str, Any]) -> Iterator[str]:
    """Yield why a slot waits or has stopped, and what to do about each run that has."""
    if one["code"]:
        yield f"{one['declaration']}: {one['code']}: {one['sentence']}"
    for run in one["runs"]:
        if run["code"]:
            then = f" ({run['what_to_do']})" if run["what_to_do"] else ""
            yield f"{one['declaration']}: {run['code']}: {run['sentence']}{then}"


def _is_of(export: str, key: str) -> bool:
    """Return whether a key is that of an export's manifest; its folder's name may end in the ad account."""
    folder, _, name = key.rpartition("/")
    last = folder.rpartition("/")[2]
    return name == MANIFEST and (last == export or last.startswith(f"{export}-"))


def _run(item: Mapping[str, Any], export: str) -> SlotRun:
    connector, _, run_id = read_text(item, "pk").partition(RUN)
    folder = read_text(item, "object_key").rpartition("/")[0].rpartition("/")[2]
    account = folder.removeprefix(export).removeprefix("-")
    code = read_text(item, "code")
    state = state_word(read_text(item, "state"), code)
    return SlotRun(
        connector, read_text(item, "audience"), account, run_id, state, code, read_text(item, "sentence")
    )


def _rank(state: str) -> int:
    return MOST_URGENT.index(state) if state in MOST_URGENT else 0
