"""The text of a secret as keys and values, also as other tools wrap it: in base64, or under one key `credentials`.

AWS's sample for Meta asks for the key `credentials` with a base64-encoded value:
https://github.com/aws-samples/uploading-audiences-to-meta-business-marketing-platform (README, read 2026-11-30).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from activation.untrusted import json_object

WRAPPER = "credentials"


def secret_values(text: str) -> Mapping[str, Any] | None:
    """Return the keys and values of a secret, None where it holds no JSON object in any of these forms."""
    values = _object(text)
    if values is not None and [key.strip().lower() for key in values] == [WRAPPER]:
        (wrapped,) = values.values()
        return wrapped if isinstance(wrapped, dict) else _object(wrapped) if isinstance(wrapped, str) else None
    return values


def _object(text: str) -> Mapping[str, Any] | None:
    """Return a JSON object that is written as it is, or in base64."""
    if (values := json_object(text)) is not None:
        return values
    try:
        return json_object(base64.b64decode("".join(text.split()), validate=True))
    except (binascii.Error, ValueError):  # of text that is no base64, or not ASCII
        return None
