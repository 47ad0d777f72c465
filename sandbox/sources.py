"""The sandbox's sources: buckets of other owners, whose objects are drops of a connector, and a database."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from sandbox import clean_rooms
from sandbox.place import ROOT

# Without versions, as most buckets are.
DATABASE = "cdp"  # a PostgreSQL, whose login is in the secret that the app makes for it
BUCKET, PREFIX, AUDIENCE = "example-partner-exports", "vip people/", "Partner people"


def flag(root: Path = ROOT) -> dict[str, str]:
    """Return the context flag that makes the buckets sources, in place of those that the settings name."""
    settings = json.loads((root / "cdk.context.json").read_text())["audience_activation"]
    source = {
        "name": "partner",
        "kind": "bucket",
        "bucket": BUCKET,
        "prefix": PREFIX,
        "connector": settings["connectors"][0]["name"],
        "audience": AUDIENCE,
        "identifiers": "raw",
    }
    return {
        "sources": json.dumps([source, {**source, **clean_rooms.SOURCE}, {"name": DATABASE, "kind": "postgres"}])
    }


def make(client: Callable[[str], Any]) -> dict[str, str]:
    """Make the buckets as their owner would, with their events on; return where drops of the partner's go."""
    s3 = client("s3")
    for bucket in (BUCKET, clean_rooms.BUCKET):
        with suppress(ClientError):  # kept from an earlier start of the same sandbox
            s3.create_bucket(Bucket=bucket)
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
    return {"bucket": BUCKET, "prefix": PREFIX, "audience": AUDIENCE}
