"""What Meta should hold of people: one row for each, with every key that is known, each hashed by itself.

https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences
(read 2026-11-22).
"""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.platforms.expectation import Expectation, Member, hashed_member, held_by_schema

KEYS = ("EMAIL", "PHONE", "LN", "FN", "CT", "ST", "ZIP", "COUNTRY")
NAMING = ("EMAIL", "PHONE", "FN", "LN")  # a row with none of these names nobody


def _members(person: Mapping[str, str]) -> set[Member]:
    if not any(person.get(key) for key in NAMING):
        return set()
    return {hashed_member({key: person.get(key, "") for key in KEYS})}


EXPECTED = Expectation(members=_members, held=held_by_schema)
