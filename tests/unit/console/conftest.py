"""The console of the tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.console.fake import FakeSource, Served, served


@pytest.fixture
def source() -> FakeSource:
    """Return what the console shows."""
    return FakeSource()


@pytest.fixture
def console(source: FakeSource) -> Iterator[Served]:
    """Serve the console."""
    with served(source) as found:
        yield found
