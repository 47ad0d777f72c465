"""Meta Conversions API: the platform object."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from activation.model import Action
from activation.platforms.account import AccountKey
from activation.platforms.authentication import StaticToken
from activation.platforms.limits import Limits
from activation.platforms.options import TextOption
from activation.platforms.platform import Loaded, Minimum, Platform
from activation.platforms.rate import Rate, Scope, Tier, Window
from activation.platforms.version import ApiVersion

USING = "https://developers.facebook.com/documentation/ads-commerce/conversions-api/using-the-api"
READ = "2026-09-12"

# The Conversions API has the Graph API's versions, each for at least two years; "to be determined" is None.
ENDS: Mapping[str, date | None] = {
    "v26.0": None,
    "v27.0": None,  # since 2026-11-04
}
API_VERSION = "v27.0"
VERSION = ApiVersion(
    API_VERSION,
    ENDS[API_VERSION],
    "https://developers.facebook.com/documentation/ads-commerce/marketing-api/marketing-api-changelog/versions",
    "2026-11-29",
)

# "No rate limit of its own; counted as Marketing API calls": using-the-api, and those are
# 3 points a write, of 60 or 9,000 in 300 s.
RATE = "https://developers.facebook.com/documentation/ads-commerce/marketing-api/overview/rate-limiting"

LIMITS = Limits(
    # "Up to 1,000 events" in `data`; if one is invalid, Meta processes none of them: using-the-api
    max_rows=1_000,
    # No limit is published. An event with every key and a full list of its contents has 25 kB at most.
    max_bytes=5_000_000,
    in_flight=4,
    timeout_s=60.0,
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
    rate=Rate(
        Scope.ACCOUNT,
        {
            "limited": Tier((Window(60 // 3, 300.0),), RATE, READ),
            "full": Tier((Window(9_000 // 3, 300.0),), RATE, READ),
        },
    ),
    authentication=StaticToken(key="access_token", proof_key="app_secret"),
    account=AccountKey(
        key="pixel_id",
        pattern=r"\d{1,20}",
        meaning="a dataset's id",
        endpoint="https://graph.facebook.com",
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
    version=VERSION,
)
