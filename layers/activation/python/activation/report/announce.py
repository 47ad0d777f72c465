"""Events on the app's bus: one when a run ends or needs a person, or leaves its audience incomplete meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from activation.aws.app_events import put_event
from activation.ledger.orders import ORDERED
from activation.ledger.runs import STOPPED, RunState
from activation.report.notice import incomplete_notice, notice

if TYPE_CHECKING:
    from mypy_boto3_events.client import EventBridgeClient

# Of folders: a file came too late to be sent, and a folder has been open for too long.
LATE_PART, FOLDER_OPEN = "Activation Late Part", "Activation Folder Open"
DETAIL_TYPES = {
    RunState.APPLIED: "Activation Completed",
    RunState.EMPTY: "Activation Completed",
    RunState.SUPERSEDED: "Activation Superseded",
    RunState.FAILED: "Activation Failed",
    RunState.BLOCKED: "Activation Blocked",
}
INCOMPLETE = "Activation Incomplete"


def announce(
    client: EventBridgeClient, bus: str, state: RunState, receipt: Mapping[str, Any], receipt_key: str
) -> None:
    """Put the run's event on the bus, at least once: listeners recognise a repetition by `run_id` and `state`.

    That of a run which has failed or is blocked has a notice, which is mailed, unless somebody has ended the run:
    who did knows. Raises Retryable if the bus did not accept it.
    """
    is_ordered = receipt["reason"] is not None and receipt["reason"]["code"] in ORDERED
    told = {"notice": notice(state, receipt)} if state in STOPPED and not is_ordered else {}
    put_event(client, bus, DETAIL_TYPES[state], _detail(receipt, receipt_key) | told)


def announce_incomplete(client: EventBridgeClient, bus: str, receipt: Mapping[str, Any], receipt_key: str) -> None:
    """Put the event of a run whose audience is incomplete until the run ends; raises as `announce` does."""
    told = {"notice": incomplete_notice(receipt)}
    put_event(client, bus, INCOMPLETE, _detail(receipt, receipt_key) | told)


def _detail(receipt: Mapping[str, Any], receipt_key: str) -> dict[str, Any]:
    detail = {
        "run_id": receipt["run_id"],
        "state": receipt["state"],
        "reason": receipt["reason"],
        "connector": receipt["connector"],
        "audience": receipt["audience"],
        "action": receipt["action"],
        "rows": receipt["rows"],
        "warnings": receipt["warnings"],
        "key": receipt["drop"]["key"],
        "receipt_key": receipt_key,
    }
    if "rows_held" in receipt:
        detail["rows_held"] = receipt["rows_held"]
    return detail
