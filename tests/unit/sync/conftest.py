"""An app without its functions, in one process: buckets, ledger, queues, and the declarations' worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.sync.world import World, made


@pytest.fixture
def world() -> Iterator[World]:
    """Return an app whose declaration `vip` is mirrored into two audiences every second day."""
    with made() as world:
        yield world
