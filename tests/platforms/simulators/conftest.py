"""Simulators served over real sockets, fresh for every test."""

from collections.abc import Iterator
from typing import Any

import pytest
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession

from sandbox.platforms.meta.app import build as build_meta
from sandbox.platforms.outside import Outside
from sandbox.platforms.server import running
from sandbox.platforms.snapchat.app import build as build_snapchat
from sandbox.platforms.tiktok.app import build as build_tiktok


@pytest.fixture(scope="session")
def meta_url() -> Iterator[str]:
    """Serve the simulated Meta."""
    with running(build_meta()) as url:
        yield url


@pytest.fixture
def meta(meta_url: str) -> Outside:
    """Return the simulated Meta with nothing in it."""
    outside = Outside(meta_url)
    outside.reset()
    return outside


@pytest.fixture
def api(meta: Outside, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Point Meta's own SDK at the simulator by its own means, without its reports of crashes to Meta."""
    monkeypatch.setattr(FacebookSession, "GRAPH", meta.base_url)
    secret = meta.secret()
    yield FacebookAdsApi.init(
        app_id="1",
        app_secret=secret["app_secret"],
        access_token=secret["access_token"],
        timeout=10,
        crash_log=False,
    )
    FacebookAdsApi.set_default_api(None)


@pytest.fixture
def account(meta: Outside, api: Any) -> Any:
    """Return the default ad account as the SDK sees it."""
    return AdAccount(f"act_{meta.secret()['ad_account_id']}", api=api)


@pytest.fixture(scope="session")
def tiktok_url() -> Iterator[str]:
    """Serve the simulated TikTok."""
    with running(build_tiktok()) as url:
        yield url


@pytest.fixture
def tiktok(tiktok_url: str) -> Outside:
    """Return the simulated TikTok with nothing in it, unthrottled, and with work that waits for its clock."""
    outside = Outside(tiktok_url)
    outside.reset()
    outside.configure(tier="unlimited", processing_s=3600, match_rate=1.0)
    return outside


@pytest.fixture(scope="session")
def snapchat_url() -> Iterator[str]:
    """Serve the simulated Snapchat."""
    with running(build_snapchat()) as url:
        yield url


@pytest.fixture
def snapchat(snapchat_url: str) -> Outside:
    """Return the simulated Snapchat with nothing in it, unthrottled, with matching that waits for its clock."""
    outside = Outside(snapchat_url)
    outside.reset()
    outside.configure(token_rate=None, app_rate=None, processing_s=600, match_rate=1.0)
    return outside
