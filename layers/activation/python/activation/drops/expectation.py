"""Which objects of the drops bucket have a run of their own: the one place that is asked."""

from __future__ import annotations

from activation.drops.locate import is_marker


def has_run_of_its_own(key: str) -> bool:
    """Return whether a new object with this key, under a connector's prefix, is a drop by itself."""
    return not is_marker(key)
