"""A Clean Rooms query in the sandbox, whose results are a source of the first connector."""

from __future__ import annotations

import json

from sandbox.emulator.environment import ACCOUNT, REGION

MEMBERSHIP, COLLABORATION = "11111111-2222-4333-8444-555555555555", "99999999-8888-4777-8666-555555555555"
TEMPLATE = f"arn:aws:cleanrooms:{REGION}:{ACCOUNT}:membership/{MEMBERSHIP}/analysistemplate/{COLLABORATION}"
BUCKET, AUDIENCE = "example-clean-rooms-results", "Clean Rooms people"
QUERY, PARAMETERS = "big-spenders", {"least": "500"}
SOURCE = {"name": "clean-rooms", "bucket": BUCKET, "prefix": "activation/", "audience": AUDIENCE}


def flag() -> dict[str, str]:
    """Return the context flag that adds the query; it is paused, so that whoever tries it says when it is due."""
    query = {
        "name": QUERY,
        "membership": MEMBERSHIP,
        "collaboration": COLLABORATION,
        "template": TEMPLATE,
        "parameters": PARAMETERS,
        "schedule": "cron(0 6 * * ? *)",
        "time_zone": "America/Argentina/Buenos_Aires",
        "paused": True,
        "source": SOURCE["name"],
    }
    return {"clean_rooms": json.dumps([query])}
