"""A fresh world for every test, and one simulated CI360 for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import moto.s3.models
import pytest
from moto import mock_aws

from lambdas.ci360 import fetching, rows
from sandbox.platforms.ci360.app import build
from sandbox.platforms.outside import Outside
from sandbox.platforms.server import running
from tests.unit.ci360.landed import PART_BYTES, large
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


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Make a part a hundredth of what it is, so that files of several parts are quickly made."""
    if "as_large_as" not in request.node.name:
        monkeypatch.setattr(fetching, "PART_BYTES", PART_BYTES)
        monkeypatch.setattr(rows, "MAX_RECORD_BYTES", 2000)
        monkeypatch.setattr(moto.s3.models, "S3_UPLOAD_PART_MIN_SIZE", 1)


@pytest.fixture(scope="module")
def large_file() -> str:
    """Return the large file, made once."""
    return large()
