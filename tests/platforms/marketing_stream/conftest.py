"""The simulated Amazon Ads API, and the command line with credentials for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import ad_api.api
import pytest
from typer.testing import CliRunner

from amz_stream_cli import commands
from cli.__main__ import app as activation
from sandbox.platforms.ads_api.app import build
from sandbox.platforms.outside import Outside
from sandbox.platforms.server import running


@pytest.fixture
def api() -> Iterator[Outside]:
    """Serve a fresh simulator; the library's tokens of another test are forgotten."""
    ad_api.auth.access_token_client.cache.clear()
    with running(build()) as url:
        yield Outside(url)


@pytest.fixture
def environment(api: Outside, tmp_path: Path) -> dict[str, str]:
    """Return an environment whose only credentials are the simulator's."""
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


@dataclass(frozen=True)
class Done:
    """How a command ended and what it said."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    """Run `amz_stream_cli` or, with program "cli", `activation`, in this process: starting one takes a second."""

    def call(*arguments: str, program: str = "amz_stream_cli", given: str = "") -> Done:
        app = commands.app if program == "amz_stream_cli" else activation
        with mock.patch.dict(os.environ, environment, clear=True):
            done = CliRunner().invoke(app, list(arguments), input=given)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Done(done.exit_code, done.stdout, done.stderr)

    return call
