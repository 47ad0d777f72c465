"""What `doctor` finds out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One check and what it says; never a token or a member."""

    check: str
    ok: bool
    says: str
