"""One sandbox for all end-to-end tests: the real CDK command, the real functions, simulated ad platforms."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from sandbox import lifecycle
from sandbox.place import DEFAULT, Place
from tests.end_to_end.driver import Sandbox

# Beside the developer's own sandbox, so that neither disturbs the other.
PLACE = Place(DEFAULT.directory / "end_to_end")


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """Deploy the app as it is; SANDBOX_AUTH=1 enforces IAM, SANDBOX_KEEP=1 leaves it up for the next run."""
    described = lifecycle.up(PLACE, auth=os.environ.get("SANDBOX_AUTH") == "1")
    try:
        yield Sandbox(described)
    finally:
        if os.environ.get("SANDBOX_KEEP") != "1":
            lifecycle.down(PLACE)


@pytest.fixture(autouse=True)
def _sound(sandbox: Sandbox) -> Iterator[None]:
    """End what a test made go wrong on purpose."""
    yield
    sandbox.end_faults()
