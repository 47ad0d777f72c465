"""Events on the app's own bus."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from activation.errors import Retryable

if TYPE_CHECKING:
    from mypy_boto3_events.client import EventBridgeClient

SOURCE = "audience-activation"


def put_event(client: EventBridgeClient, bus: str, detail_type: str, detail: Mapping[str, Any]) -> None:
    """Put an event, at least once; raises Retryable when the bus did not accept it, and what the SDK raises."""
    entry = {"Source": SOURCE, "DetailType": detail_type, "Detail": json.dumps(detail), "EventBusName": bus}
    answer = client.put_events(Entries=[entry])  # type: ignore[list-item]  # the stubs want a literal
    if answer["FailedEntryCount"]:
        code = answer["Entries"][0].get("ErrorCode", "unknown")
        raise Retryable("event_bus", f"the app's event bus did not accept the event: {code}", after_s=30)
