"""The transfer queue's messages: a file's key, and nothing of the file or its links."""

from __future__ import annotations

import json


def message(key: str) -> str:
    """Return the body of the message that brings the file of `key` forward."""
    return json.dumps({"ci360": key})


def read_key(body: str) -> str:
    """Return the key a message names; "" when it names none."""
    try:
        key = json.loads(body)["ci360"]
    except (ValueError, KeyError, TypeError):
        return ""
    return key if isinstance(key, str) else ""
