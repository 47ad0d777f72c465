"""What `activation forget` drops: people to remove from an audience, and to suppress, who ask to be forgotten."""

from __future__ import annotations

from activation.model import FORGET_PREFIX, FORGOTTEN_LIST

_BELOW, _LISTED = f"/remove/{FORGET_PREFIX}", f"{FORGOTTEN_LIST}{FORGET_PREFIX}"


def forget_folder(forget_id: str, account: str = "", column: str = "") -> str:
    """Return the name of a forget's folder for an ad account; `column` is the one that it holds alone, or ""."""
    parts = (f"{FORGET_PREFIX}{forget_id}", account.replace(":", "-"), column)
    return "-".join(one for one in parts if one)


def is_forgetting(key: str) -> bool:
    """Return whether a drop's key, in the layout of the app's own bucket, is one of a forget."""
    return _BELOW in key or key.startswith(_LISTED)
