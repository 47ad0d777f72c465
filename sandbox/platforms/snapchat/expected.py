"""The members Snapchat should hold: one per kind of identifier of a person, each hashed separately.

https://developers.snap.com/api/marketing-api/Ads-API/customer-lists (read 2026-11-29): phones without a plus.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.platforms.expectation import Expectation, Member, hashed_member

KINDS = {"EMAIL": "EMAIL_SHA256", "PHONE": "PHONE_SHA256"}


def _members(person: Mapping[str, str]) -> set[Member]:
    return {hashed_member({kind: person[key]}) for key, kind in KINDS.items() if person.get(key)}


def _held(audience: Mapping[str, Any]) -> set[Member]:
    kinds = [group["schema"][0] for group in audience["schemas"] for _ in range(group["count"])]
    return {frozenset({(kind, row[0])}) for kind, row in zip(kinds, audience["members"], strict=True)}


EXPECTED = Expectation(members=_members, held=_held)
