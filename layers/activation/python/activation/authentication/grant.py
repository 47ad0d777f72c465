"""What a token endpoint issues."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Grant:
    """What a token endpoint issued. `expires_at` is in Unix seconds; `refresh_token` is "" when there was none."""

    access_token: str = field(repr=False)
    expires_at: float
    refresh_token: str = field(default="", repr=False)

    def usable_until(self, early_s: float, obtained_at: float) -> float:
        """Return when to replace the token: `early_s` before its end, but not in the first half of its life."""
        return max(self.expires_at - early_s, (obtained_at + self.expires_at) / 2)
