"""The identifiers of an upload or a removal: read and checked, all of them or none.

https://developers.snap.com/api/marketing-api/Ads-API/customer-lists: values are hashed. The limit of 100,000 is
quoted from that page in https://github.com/rudderlabs/rudder-transformer, snapchat_custom_audience/transform.js.
That a list of identifiers has one kind is Salesforce's account of the API:
https://developer.salesforce.com/docs/data/data-cloud-int/guide/c360-a-snapchatadaudiences-connector.html.
All read 2026-11-29.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.platforms.snapchat.errors import invalid

KINDS = ("EMAIL_SHA256", "PHONE_SHA256", "MOBILE_AD_ID_SHA256")
HASH_CHARACTERS = 64


@dataclass(frozen=True)
class Identifiers:
    """Hashes of one kind, 32 bytes each, in the order sent."""

    kind: str
    hashes: list[bytes]


def identifiers_of(body: Any, segment_id: str, most: int) -> Identifiers:
    """Read the body of a call to `/users`; raises SnapError 400 for any mistake in it."""
    users = body.get("users") if isinstance(body, dict) else None
    if not isinstance(users, list) or len(users) != 1 or not isinstance(users[0], dict):
        raise invalid("users must be a list of one object")
    (user,) = users
    if user.get("id", segment_id) != segment_id:
        raise invalid("users[0].id is not the segment of the path")
    schema, rows = user.get("schema"), user.get("data")
    if not isinstance(schema, list) or len(schema) != 1 or schema[0] not in KINDS:
        raise invalid(f"schema must be a list of one of {', '.join(KINDS)}")
    if not isinstance(rows, list) or not rows:
        raise invalid("data must be a list of rows")
    if len(rows) > most:
        raise invalid(f"data has {len(rows)} rows, more than {most}")
    if any(not isinstance(row, list) or len(row) != 1 for row in rows):
        raise invalid("every row of data must be a list of one value")
    return Identifiers(schema[0], _hashes([row[0] for row in rows]))


def _hashes(cells: list[Any]) -> list[bytes]:
    """Pack SHA-256 digests in lower-case hexadecimal, the form of every sample Snap prints."""
    try:
        text = "".join(cells)
        packed = bytes.fromhex(text)
    except (TypeError, ValueError):
        packed, text = b"", "not hexadecimal"
    # fromhex also reads upper case and skips spaces: writing the bytes out again shows both
    if packed.hex() != text or {len(cell) for cell in cells} != {HASH_CHARACTERS}:
        raise invalid(f"every value of data must be {HASH_CHARACTERS} lower-case hexadecimal digits")
    size = HASH_CHARACTERS // 2
    return [packed[at : at + size] for at in range(0, len(packed), size)]
