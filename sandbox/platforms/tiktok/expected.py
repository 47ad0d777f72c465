"""The members TikTok should hold: one line per person, of e-mail address and phone number, hashed separately.

https://business-api.tiktok.com/portal/docs?id=1739940567842818 (read 2026-11-22): phone numbers with their plus.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.platforms.expectation import Expectation, Member, hashed_member
from sandbox.platforms.tiktok.files import MULTIPLE

COLUMNS = ("EMAIL_SHA256", "PHONE_SHA256")  # the type of a file with both


def _members(person: Mapping[str, str]) -> set[Member]:
    email, phone = person.get("EMAIL", ""), person.get("PHONE", "")
    known = hashed_member({"EMAIL_SHA256": email, "PHONE_SHA256": f"+{phone}" if phone else ""})
    return {known} if known else set()


def _held(audience: Mapping[str, Any]) -> set[Member]:
    """Return an audience's members: rows of cells if its files have several columns, else a text each."""
    kind = audience["calculate_type"]
    if kind != MULTIPLE:
        return {frozenset({(kind, one)}) for one in audience["members"]}
    return {
        frozenset((key, cell) for key, cell in zip(COLUMNS, row, strict=True) if cell)
        for row in audience["members"]
    }


EXPECTED = Expectation(members=_members, held=_held)
