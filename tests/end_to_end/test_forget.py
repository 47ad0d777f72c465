"""`activation forget` against a deployed app: who is gone, what is left of them, and what the receipt says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.end_to_end.line import Line
from tests.end_to_end.people import DOMAIN, as_csv, people
from tests.end_to_end.test_commands import activation

COUNT = 1500


def _told(done: Any) -> dict[str, Any]:
    assert DOMAIN not in (done.stdout + done.stderr).lower()
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_person_leaves_every_audience_and_no_drop_is_left(meta: Line, tmp_path: Path) -> None:
    """Each audience that was written to has a line; one that was deleted since is named as not done."""
    meta.reset({"DELETE_FINAL_DROPS": "1"})
    some = people(COUNT, "forgotten")
    for audience in ("Forgotten one", "Forgotten two", "Forgotten and deleted"):
        meta.sandbox.drop(f"meta/{audience}/raw/run-1/people.csv", as_csv(some))
        sign = meta.put_key(f"meta/{audience}/raw/run-1/_SUCCESS", b"")
        assert meta.finish(sign)["state"] == "applied"
    meta.sandbox.simulator_config("meta", audiences=[{"name": "Forgotten and deleted", "deleted": True}])
    leaver, *stay = some
    file = tmp_path / "one.csv"
    file.write_bytes(as_csv([leaver]))
    done = activation(meta, "forget", "--file", str(file), "--yes", "--json", "--within", "90")
    told = _told(done)
    outcomes = {one["audience"]: (one["outcome"], one["code"]) for one in told["platforms"]["meta"]}
    for audience in ("Forgotten one", "Forgotten two"):
        assert outcomes[audience] == ("removed", "")
        assert meta.held(audience) == meta.members(stay)
    again = activation(meta, "forget", "--resume", told["forget_id"], "--json", "--within", "5")
    assert _told(again)["platforms"] == told["platforms"]
    s3, bucket = meta.sandbox.client("s3"), meta.sandbox.described["drops_bucket"]
    listed = s3.list_object_versions(Bucket=bucket, Prefix="meta/Forgotten")
    names = {one["Key"].rsplit("/", 1)[-1] for one in listed.get("Versions", []) if "deleted" not in one["Key"]}
    assert names == {"_SUCCESS", "manifest"}
    assert listed.get("DeleteMarkers", []) == []
