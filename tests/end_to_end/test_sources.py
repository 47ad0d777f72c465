"""A bucket of another owner in the deployed sandbox: its events can be replayed like those of the drops bucket."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.end_to_end.driver import until
from tests.end_to_end.line import Line
from tests.end_to_end.people import as_csv, people


def test_an_event_of_a_source_is_replayed(meta: Line) -> None:
    """An event that was lost before the function saw it comes back from the archive, to the source's rule."""
    source, some = meta.sandbox.described["source"], people(40, "replayed-source")
    since = datetime.now(tz=UTC) - timedelta(seconds=5)
    with meta.held_back():
        meta.sandbox.client("s3").put_object(
            Bucket=source["bucket"], Key=f"{source['prefix']}lost.csv", Body=as_csv(some)
        )
        (lost,) = meta.take_messages(1)
    assert json.loads(lost)["detail"]["bucket"]["name"] == source["bucket"]
    events = meta.sandbox.client("events")
    rules = events.list_rules()["Rules"]
    (rule,) = [one["Arn"] for one in rules if one.get("Description") == "New objects of the source partner"]
    (archive,) = [one["ArchiveName"] for one in events.list_archives()["Archives"]]
    archive_arn = events.describe_archive(ArchiveName=archive)["ArchiveArn"]
    bus = f"{archive_arn.rsplit(':archive/', 1)[0]}:event-bus/default"
    events.start_replay(
        ReplayName="of-a-source",
        EventSourceArn=archive_arn,
        EventStartTime=since,
        EventEndTime=datetime.now(tz=UTC) + timedelta(seconds=5),
        Destination={"Arn": bus, "FilterArns": [rule]},
    )
    receipt = until(lambda: _final(meta, source["audience"]), 60)
    assert (receipt["state"], receipt["replay"]) == ("applied", "of-a-source")
    assert meta.held(source["audience"]) == meta.members(some)


def _final(line: Line, audience: str) -> dict[str, Any] | None:
    """Return the final receipt of an audience's one run, None before there is one."""
    bucket, prefix = line.sandbox.described["receipts_bucket"], f"receipts/{line.connector}/{audience}/"
    listed = line.sandbox.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    found = [line.sandbox.receipt_so_far(one["Key"]) for one in listed if one["Key"].endswith(".json")]
    return next((one for one in found if one is not None and one["final"]), None)
