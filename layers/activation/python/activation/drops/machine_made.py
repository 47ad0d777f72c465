"""Which drops this app has made itself, so that nobody who drops files corrects them."""

from __future__ import annotations

from activation.drops.forgetting import is_forgetting
from activation.drops.sidecars import EXPORT_MANIFEST, WRITTEN_MANIFEST

_SIGNS = (f"/{EXPORT_MANIFEST}", f"/{WRITTEN_MANIFEST}")


def is_machine_made(key: str) -> bool:
    """Return whether a drop's key is one of a forget, a declared audience, an export or a Clean Rooms query.

    A folder's key is that of the sign that closed it.
    """
    return is_forgetting(key) or key.endswith(_SIGNS)
