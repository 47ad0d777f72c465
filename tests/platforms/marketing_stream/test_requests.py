"""Requests of every kind the commands can make, with values nobody thought of: each as the API is described."""

from __future__ import annotations

import string
from collections.abc import Iterator

import ad_api.api
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amz_stream_cli import destinations
from amz_stream_cli.client import ENDPOINT_VARIABLE, StreamClient
from amz_stream_cli.credentials import Credentials
from amz_stream_cli.errors import ApiError
from sandbox.platforms.ads_api.app import build
from sandbox.platforms.outside import Outside
from sandbox.platforms.server import running
from stacks.marketing_stream.catalogue import Realm

ARNS = st.text(string.ascii_letters + string.digits + ":/-_*", min_size=20, max_size=255)
DESTINATIONS = st.builds(destinations.queue, ARNS) | st.builds(destinations.delivery_stream, ARNS, ARNS, ARNS)
TOKENS = st.text(string.printable.strip(), min_size=22, max_size=36)
# What can stand on a command line: anything but NUL and halves of letters.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=128)
IDS = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}", fullmatch=True)


@pytest.fixture(scope="module")
def api() -> Iterator[Outside]:
    """Serve one simulator for all of them."""
    ad_api.auth.access_token_client.cache.clear()
    with running(build()) as url, pytest.MonkeyPatch.context() as environment:
        environment.setenv(ENDPOINT_VARIABLE, url)
        yield Outside(url)


def client(api: Outside, *, dsp: bool) -> StreamClient:
    """Make a client with the simulator's credentials."""
    secret = api.secret()
    credentials = Credentials(
        refresh_token=secret["refresh_token"],
        client_id=secret["client_id"],
        client_secret=secret["client_secret"],
        profile_id=secret["profile_id"],
        account_id=secret["account_id"],
    )
    return StreamClient(credentials, Realm.NA, dsp=dsp)


@given(dsp=st.booleans(), destination=DESTINATIONS, token=TOKENS, notes=TEXTS, id_=IDS, page=st.integers(1, 5000))
@settings(max_examples=40, deadline=None)
def test_whatever_is_asked_for_is_asked_for_as_described(
    api: Outside,
    *,
    dsp: bool,
    destination: destinations.Destination,
    token: str,
    notes: str,
    id_: str,
    page: int,
) -> None:
    """The simulator holds each request against the description; it may refuse its matter, never its form."""
    stream = client(api, dsp=dsp)
    calls = (
        lambda: stream.create("adsp-traffic" if dsp else "sp-traffic", destination, token, notes),
        lambda: list(stream.list(page)),
        lambda: stream.get(id_),
        lambda: stream.update(id_, notes=notes),
        lambda: stream.update(id_, status="ARCHIVED"),
    )
    asked = len(api.requests("streams/subscriptions"))
    refused = set()
    for call in calls:
        try:
            call()
        except ApiError as error:
            refused.add(error.status)
    assert refused <= {400, 404, 409}
    made = api.requests("streams/subscriptions")[asked:]
    assert len(made) >= len(calls)
    assert [
        one["note"]["against the description"] for one in made if "against the description" in one["note"]
    ] == []
