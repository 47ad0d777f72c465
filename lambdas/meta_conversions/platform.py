"""Meta Conversions API: the platform object."""

from __future__ import annotations

from activation.model import Action
from activation.platforms.account import AccountKey
from activation.platforms.limits import Limits
from activation.platforms.options import TextOption
from activation.platforms.platform import Loaded, Minimum, Platform

from lambdas.meta_graph import api

# Read 2026-09-12.
USING = "https://developers.facebook.com/documentation/ads-commerce/conversions-api/using-the-api"
LIMITS = Limits(
    # "Up to 1,000 events" in `data`; if one is invalid, Meta processes none of them: using-the-api
    max_rows=1_000,
    # An event with every key and a full list of its contents has 25 kB at most.
    max_bytes=api.MAX_BYTES,
    in_flight=api.IN_FLIGHT,
    # Fewer than for an audience: events that were in flight when a worker died may count twice, and the full tier
    # lets five requests be sent in half a second in the long run.
    most_in_flight=8,
    timeout_s=api.TIMEOUT_S,
    actions=frozenset({Action.ADD}),
)


def _load() -> Loaded:
    from lambdas.meta_conversions.checks import examine
    from lambdas.meta_conversions.fields import TABLE
    from lambdas.meta_conversions.publisher import ConversionsPublisher

    return Loaded(TABLE, ConversionsPublisher, examine)


PLATFORM = Platform(
    name="meta_conversions",
    title="Meta Conversions API",
    limits=LIMITS,
    rate=api.rate(),  # "no rate limit of its own; counted as Marketing API calls": using-the-api
    authentication=api.AUTHENTICATION,
    renewals=api.RENEWALS,
    account=AccountKey(
        key="pixel_id",
        pattern=r"\d{1,20}",
        meaning="a dataset's id",
        endpoint=api.ENDPOINT,
    ),
    minimum=Minimum(1, f"an event counts by itself ({USING})"),
    calls={"events": "POST */events"},
    own_options=(
        TextOption(
            "datasets",
            r"(?:[^=,/]+=\d{1,20}(?:, ?[^=,/]+=\d{1,20})*)?",
            'names and ids of datasets, such as "web=1234567890, shops=2345678901"',
            "",
            "Names that keys may have for datasets; with them, a key's dataset is one of them, or an id.",
        ),
        TextOption(
            "test_event_code",
            r"[A-Za-z0-9_-]{0,64}",
            "a code of Events Manager, such as TEST12345",
            "",
            "Shows the events under Test events as well; they count like all others: leave it out in production.",
        ),
    ),
    load=_load,
    api=("meta", "capi"),
    version=api.GRAPH_API,
    family="meta_graph",
)
