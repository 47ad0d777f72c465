"""What is done after every end-to-end test, and the console over the sandbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.end_to_end.driver import Sandbox
from tests.end_to_end.open_console import Console, opened


@pytest.fixture(autouse=True)
def _sound(sandbox: Sandbox) -> Iterator[None]:
    """End what a test made go wrong on purpose."""
    yield
    sandbox.end_faults()


@pytest.fixture
def console(sandbox: Sandbox) -> Iterator[Console]:
    """Start the console in the sandbox's account, and open what it prints."""
    with opened(sandbox) as found:
        yield found
