"""What the tests of platforms share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.platforms.tiktok_line import Line


@pytest.fixture
def line() -> Iterator[Line]:
    """Return the line; no test may leave a message that nobody takes up."""
    one = Line()
    yield one
    assert one.queue == []
