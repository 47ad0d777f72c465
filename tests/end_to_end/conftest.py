"""What is done after every end-to-end test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.end_to_end.driver import Sandbox


@pytest.fixture(autouse=True)
def _sound(sandbox: Sandbox) -> Iterator[None]:
    """End what a test made go wrong on purpose."""
    yield
    sandbox.end_faults()
