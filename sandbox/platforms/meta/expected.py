"""The members Meta should hold: one row per person, with every known key, each hashed separately.

https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences
(read 2026-11-22).
"""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.platforms.expectation import Expectation, Member, hashed_member, held_by_schema

KEYS = ("EMAIL", "PHONE", "LN", "FN", "CT", "ST", "ZIP", "COUNTRY")
# A row with none of these sets of keys identifies nobody: a name alone is many people.
NAMING = (("EMAIL",), ("PHONE",), ("FN", "LN", "ZIP"), ("FN", "LN", "CT"))


def _members(person: Mapping[str, str]) -> set[Member]:
    if not any(all(person.get(key) for key in keys) for keys in NAMING):
        return set()
    return {hashed_member({key: person.get(key, "") for key in KEYS})}


EXPECTED = Expectation(members=_members, held=held_by_schema)
