"""The simulated Amazon Ads API, and the command line with credentials for it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import ad_api.api
import pytest

from sandbox.platforms.ads_api.app import build
from sandbox.platforms.outside import Outside
from sandbox.platforms.server import running

Run = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def api() -> Iterator[Outside]:
    """Serve a fresh simulator; the library's tokens of another test are forgotten."""
    ad_api.auth.access_token_client.cache.clear()
    with running(build()) as url:
        yield Outside(url)


@pytest.fixture
def environment(api: Outside, tmp_path: Path) -> dict[str, str]:
    """Give an environment whose only credentials are the simulator's."""
    secret = api.secret()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "COLUMNS": "160",
        "AD_API_ENDPOINT_URL": api.base_url,
        "AD_API_REFRESH_TOKEN": secret["refresh_token"],
        "AD_API_CLIENT_ID": secret["client_id"],
        "AD_API_CLIENT_SECRET": secret["client_secret"],
        "AD_API_PROFILE_ID": secret["profile_id"],
        "AD_API_ACCOUNT_ID": secret["account_id"],
    }


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    """Run `python -m amz_stream_cli` or, with program "cli", `activation`."""

    def call(
        *arguments: str, program: str = "amz_stream_cli", given: str = ""
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", program, *arguments],
            cwd=ROOT,
            env=environment,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )

    return call
