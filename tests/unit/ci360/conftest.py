"""A fresh world for every test, and one simulated CI360 for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from sandbox.platforms.ci360.app import build
from sandbox.platforms.outside import Outside
from sandbox.platforms.server import running
from tests.unit.ci360.world import World


@pytest.fixture(scope="session")
def ci360_url() -> Iterator[str]:
    """Serve the simulated CI360."""
    with running(build()) as url:
        yield url


@pytest.fixture
def ci360(ci360_url: str) -> Outside:
    """Return the simulated CI360 with nothing in it."""
    outside = Outside(ci360_url)
    outside.reset()
    return outside


@pytest.fixture
def world(ci360: Outside, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Return AWS in memory with the app's CI360 part in it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield World(ci360)
