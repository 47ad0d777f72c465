"""What a platform said of a run's members, as people read it."""

from __future__ import annotations

from collections.abc import Mapping

MATCHED = "matched_members"


def spoken_notes(notes: Mapping[str, str]) -> dict[str, str]:
    """Return a receipt's notes of the platform by code, numbers of members with separators of thousands."""
    return {code: _spoken(code, note) for code, note in notes.items()}


def _spoken(code: str, note: str) -> str:
    return f"{int(note):,}" if code == MATCHED and note.isdecimal() else note
