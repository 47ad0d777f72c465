"""The events that tell the rest of the company what became of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from activation.aws.app_events import put_event

from lambdas.ci360.checksums import encoded
from lambdas.ci360.occurrences import Occurrence, State

if TYPE_CHECKING:
    from mypy_boto3_events.client import EventBridgeClient

DETAIL_TYPES = {State.LANDED: "Landing Completed", State.FAILED: "Landing Failed"}


def announce(client: EventBridgeClient, bus: str, occurrence: Occurrence, bucket: str) -> None:
    """Put the event of a final occurrence, at least once; a listener tells repetitions by `record` and `state`.

    Raises Retryable when the bus did not take it.
    """
    detail = {
        "bucket": bucket,
        "key": occurrence.object_key,
        "record": occurrence.key,
        "state": occurrence.state.value,
        "reason": {"code": occurrence.code, "sentence": occurrence.sentence} if occurrence.code else None,
        "occurrence_id": occurrence.occurrence_id or None,
        "task_code": occurrence.task_code or None,
        "connector": occurrence.connector or None,
        # Those of SAS's files are not counted.
        "rows": occurrence.rows if occurrence.state is State.LANDED and not occurrence.sas_key else None,
        "size_bytes": occurrence.written_bytes if occurrence.state is State.LANDED else None,
        "crc32": encoded(occurrence.crc32) if occurrence.state is State.LANDED else None,
    }
    put_event(client, bus, DETAIL_TYPES[occurrence.state], detail)
